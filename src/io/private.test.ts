import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { privateDirectory } from './private.js'

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'hf-private-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

test('a directory that is made is for its user alone, and taken again', () => {
  const path = join(folder(), 'own')
  expect(privateDirectory(path)).toBe(true)
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(privateDirectory(path)).toBe(true)
})

test('one that is open to others, a link, a file, or one without a parent is not trusted', () => {
  const at = folder()
  mkdirSync(join(at, 'open'))
  chmodSync(join(at, 'open'), 0o755)
  mkdirSync(join(at, 'own'), { mode: 0o700 })
  symlinkSync(join(at, 'own'), join(at, 'link'))
  writeFileSync(join(at, 'file'), '')
  const trusted = ['open', 'link', 'file', 'no/parent', 'own'].map(name => privateDirectory(join(at, name)))
  expect(trusted).toEqual([false, false, false, false, true])
})
