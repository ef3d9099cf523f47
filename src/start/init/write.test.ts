import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeAll } from './write.js'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-write-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('files are created with their folders, and replaced with their modes', () => {
  const at = folder()
  writeFileSync(join(at, 'old'), 'a', { mode: 0o600 })
  writeAll(at, [
    { path: 'old', before: 'a', after: 'b' },
    { path: 'x/y/new', before: undefined, after: 'c', executable: true },
  ])
  expect([readFileSync(join(at, 'old'), 'utf8'), readFileSync(join(at, 'x/y/new'), 'utf8')]).toEqual([
    'b',
    'c',
  ])
  expect([statSync(join(at, 'old')).mode & 0o777, statSync(join(at, 'x/y/new')).mode & 0o111]).toEqual([
    0o600, 0o111,
  ])
  expect(readdirSync(at)).toEqual(['old', 'x'])
})

test('when a later file fails, the earlier ones are as they were, and nothing is left beside them', () => {
  const at = folder()
  writeFileSync(join(at, 'first'), 'a')
  writeFileSync(join(at, 'last'), 'changed by somebody')
  const write = () =>
    writeAll(at, [
      { path: 'first', before: 'a', after: 'b' },
      { path: 'x/new', before: undefined, after: 'c' },
      { path: 'last', before: 'd', after: 'e' },
    ])
  expect(write).toThrow(/^last: cannot be written: it was changed in the meantime; .*Nothing was written$/)
  expect(readFileSync(join(at, 'first'), 'utf8')).toBe('a')
  expect(readFileSync(join(at, 'last'), 'utf8')).toBe('changed by somebody')
  expect(readdirSync(at)).toEqual(['first', 'last'])
  expect(existsSync(join(at, 'x'))).toBe(false)
})

test.each([
  ['the file', 'new', 'new'],
  ['its folder', 'x', 'x/new'],
])('a link that leads nowhere, as %s, stays, and is what the message names', (_, link, path) => {
  const at = folder()
  symlinkSync('nowhere', join(at, link))
  expect(() => writeAll(at, [{ path, before: undefined, after: 'a' }])).toThrow(
    `${path}: cannot be written: ${link} is a link to nowhere, which is not there. Nothing was written`,
  )
  expect(lstatSync(join(at, link)).isSymbolicLink()).toBe(true)
  expect(readdirSync(at)).toEqual([link])
})
