import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { dependenciesOf } from './packagefile.js'

let tree: string
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'tree-'))
  mkdirSync(join(tree, 'src'))
})
afterEach(() => rmSync(tree, { recursive: true }))

const put = (name: string, text: string) => writeFileSync(join(tree, name), text)

test('the packages of a program are those of the nearest package.json', () => {
  put('package.json', '{"dependencies":{"pg":"8"},"devDependencies":{"ioredis":"5"}}')
  expect([...dependenciesOf(join(tree, 'src'))]).toEqual(['pg', 'ioredis'])
  put('src/package.json', '{')
  expect(dependenciesOf(join(tree, 'src')).size).toBe(0)
})
