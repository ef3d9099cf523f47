import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { composeServices } from './compose.js'

let tree: string
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'tree-'))
  mkdirSync(join(tree, 'src'))
})
afterEach(() => rmSync(tree, { recursive: true }))

const put = (name: string, text: string) => writeFileSync(join(tree, name), text)

test('the services of a tree are those of the nearest Compose file', async () => {
  put('docker-compose.yml', 'services:\n  db: {image: postgres}\n  cache: {}\n')
  expect(await composeServices(join(tree, 'src'))).toEqual({
    file: join(tree, 'docker-compose.yml'),
    names: ['db', 'cache'],
  })
})

test.each(['', 'services: [', 'services: 1', '- a'])('a Compose file of %j has none', async text => {
  put('compose.yaml', text)
  expect((await composeServices(tree))?.names).toEqual([])
})

test('of two Compose files in one folder the one counts that docker compose takes', async () => {
  for (const name of ['docker-compose.yaml', 'docker-compose.yml']) put(name, `services: {}`)
  expect((await composeServices(tree))?.file).toBe(join(tree, 'docker-compose.yml'))
})
