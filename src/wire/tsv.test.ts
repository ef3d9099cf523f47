import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tabSeparated } from './tsv.js'

test('rows are lines, values stand between tabs, and \\N is null', () => {
  expect(tabSeparated('1\t\\N\tx\n\n2\t\t', 10)).toEqual([['1', null, 'x'], [''], ['2', '', '']])
  expect(tabSeparated('', 10)).toEqual([])
})

test('what has no letter of its own is written with a backslash', () => {
  expect(tabSeparated("\\b\\f\\r\\n\\t\\0\\'\\\\\t\\\\N\t\\q", 1)).toEqual([["\b\f\r\n\t\0'\\", '\\N', 'q']])
  expect(tabSeparated('a\\nb\t\\N', 1, false)).toEqual([['a\\nb', '\\N']])
})

test('no more rows come than wanted', () => {
  expect(tabSeparated('1\n'.repeat(1000), 3)).toEqual([['1'], ['1'], ['1']])
})

test('what ClickHouse would write is read back', () => {
  const written: Record<string, string> = {
    '\b': 'b',
    '\f': 'f',
    '\r': 'r',
    '\n': 'n',
    '\t': 't',
    '\0': '0',
    "'": "'",
    '\\': '\\',
  }
  const escaped = (text: string | null) =>
    text === null ? '\\N' : text.replace(/[\b\f\r\n\t\0'\\]/g, sign => `\\${written[sign]}`)
  const cell = fc.option(fc.oneof(fc.string(), fc.constantFrom('\\N', '\t\n', "\\'\0")))
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 1 }), { minLength: 1 }), rows => {
      const text = rows.map(row => `${row.map(escaped).join('\t')}\n`).join('')
      expect(tabSeparated(text, rows.length)).toEqual(rows)
    }),
  )
})
