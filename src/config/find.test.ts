import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
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

test('what somebody else has put into a folder that everybody may write to is not run', ctx => {
  if (process.getuid?.() !== 0) ctx.skip('platform: only root can make a file of somebody else')
  const root = folder('holdfast.config.json')
  chmodSync(root, 0o1777)
  expect(findConfig(root)).toBe(join(root, 'holdfast.config.json'))
  chownSync(join(root, 'holdfast.config.json'), 65534, 65534)
  expect(findConfig(root)).toBeUndefined()
  chmodSync(root, 0o755)
  expect(findConfig(root)).toBe(join(root, 'holdfast.config.json'))
})

test('of two in one folder none is chosen', () => {
  const root = folder('holdfast.config.json', 'holdfast.config.yaml')
  const message = `${root}: more than one configuration: holdfast.config.json, holdfast.config.yaml; keep one`
  expect(() => findConfig(root)).toThrow(expect.objectContaining({ message, exitStatus: 78 }))
})
