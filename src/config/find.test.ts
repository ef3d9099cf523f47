import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempFolder } from '../../test/support/root.js'
import { findConfig } from './find.js'

/** A folder with the given files, which are empty: they are looked for and not into. */
function folder(...files: string[]): string {
  const root = tempFolder('find')
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  return root
}

test.each(['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'])(
  'holdfast.config.%s is a configuration',
  kind => {
    const root = folder(`holdfast.config.${kind}`)
    expect(findConfig(root)).toBe(join(root, `holdfast.config.${kind}`))
  },
)

test('the nearest one upward is found', () => {
  const root = folder('holdfast.config.json', 'a/holdfast.config.yaml', 'a/b/c/other.txt')
  expect(findConfig(root)).toBe(join(root, 'holdfast.config.json'))
  expect(findConfig(join(root, 'a'))).toBe(join(root, 'a/holdfast.config.yaml'))
  expect(findConfig(join(root, 'a/b/c'))).toBe(join(root, 'a/holdfast.config.yaml'))
})

test('none up to the root is none', () => {
  expect(findConfig(folder('holdfast.json', 'holdfast.config.toml'))).toBeUndefined()
})

test('of two in one folder none is chosen', () => {
  const root = folder('holdfast.config.json', 'holdfast.config.yaml')
  const message = `${root}: more than one configuration: holdfast.config.json, holdfast.config.yaml; keep one`
  expect(() => findConfig(root)).toThrow(expect.objectContaining({ message, exitStatus: 78 }))
})
