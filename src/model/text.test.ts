import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unifiedDiff } from './diff.js'
import { applyEdits, Lines } from './text.js'

test('lines and columns count from one', () => {
  const lines = new Lines('ab\n\nc')
  expect(
    [0, 2, 3, 4, 5, 99].map(offset => lines.position(offset)).map(({ line, column }) => [line, column]),
  ).toEqual([
    [1, 1],
    [1, 3],
    [2, 1],
    [3, 1],
    [3, 2],
    [3, 2],
  ])
})

test('edits are placed by the text before any of them', () => {
  const edits = [
    { from: 3, to: 3, insert: '!' },
    { from: 0, to: 1, insert: 'xx' },
    { from: 3, to: 3, insert: '?' },
  ]
  expect(applyEdits('abc', edits)).toBe('xxbc!?')
  expect(() =>
    applyEdits('abc', [
      { from: 0, to: 2, insert: '' },
      { from: 1, to: 3, insert: '' },
    ]),
  ).toThrow(RangeError)
})

test('a difference is shown with its surroundings', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl'
  expect(unifiedDiff('x', before, before.replace('b', 'B').replace('l', 'l\nm'), 1)).toBe(
    '--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -11,2 +11,3 @@\n k\n-l\n\\ No newline at end of file\n+l\n+m\n\\ No newline at end of file\n',
  )
  expect(unifiedDiff('x', undefined, 'a\n')).toBe('--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n')
  expect(unifiedDiff('x', 'a', 'a')).toBe('')
})

test('patch makes the second text from the first one by it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-diff-'))
  const file = join(folder, 'it')
  const text = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'c', '', ' d'), { maxLength: 30 }), fc.boolean())
    .map(([lines, end]) => lines.join('\n') + (end && lines.length > 0 ? '\n' : ''))
  try {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = unifiedDiff('it', before, after)
        if (before === after) return diff === ''
        writeFileSync(file, before)
        execFileSync('patch', ['--quiet', '--no-backup-if-mismatch', '--fuzz=0', file], { input: diff })
        return readFileSync(file, { encoding: 'utf8', flag: 'a+' }) === after
      }),
      { numRuns: 25 },
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
