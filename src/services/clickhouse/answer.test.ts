import { describe, expect, test } from 'vitest'
import { type Answer, foreign, refused } from './answer.js'
import { Births } from './births.js'
import { rowsOf } from './session.js'

const answer = (
  status: number,
  text: string,
  headers: Record<string, string> = {},
  end: Answer['end'] = 'whole',
): Answer => ({
  head: { status, reason: '', headers: new Map(Object.entries(headers)), persistent: true },
  text,
  end,
})

const OLD =
  "Code: 395, e.displayText() = DB::Exception: Value passed to 'throwIf' function is non zero, e.what() = DB::Exception\n"
const NEW =
  "Code: 395. DB::Exception: Value passed to 'throwIf' function is non-zero. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 25.8.1.1)\n"

describe('an exception after rows were sent', () => {
  test.each([
    ['of an old server', '1\t0\n2\t0\n'.concat(OLD), {}],
    ['in the middle of a row', '1\t0\n2\t'.concat(OLD), {}],
    ['of a newer server', '1\n'.concat(NEW), {}],
    ['behind a mark', `1\n__exception__\r\n${NEW}`, {}],
    [
      'behind a mark and a tag',
      `1\n__exception__\r\nabcdefghijklmnop\r\n${NEW}123 abcdefghijklmnop\r\n__exception__\r\n`,
      { 'x-clickhouse-exception-tag': 'abcdefghijklmnop' },
    ],
  ])('%s is found', (_, text, headers) => {
    expect(refused(answer(200, text, headers))?.finding).toMatchObject({ reason: 'query-error', code: '395' })
  })

  test.each([
    ['at the very beginning, which is data', OLD, {}, 'whole'],
    ['in a row of its own columns, which is data', `1\tx\n2\t${OLD.trim()}\tmore\n`, {}, 'whole'],
    ['in an answer that was cut', `1\n${OLD}`, {}, 'cut'],
    [
      'of a server that would have set a mark',
      `1\n${NEW}`,
      { 'x-clickhouse-exception-tag': 'abcdefghijklmnop' },
      'whole',
    ],
  ] as const)('is not what stands %s', (_, text, headers, end) => {
    expect(refused(answer(200, text, headers, end))).toBeUndefined()
  })
})

describe('an answer without an exception', () => {
  test('of a newer server counts by the code in its header', () => {
    const { finding } = refused(answer(500, '', { 'x-clickhouse-exception-code': '241' })) ?? {}
    expect(finding).toMatchObject({ reason: 'resource-exhausted', code: '241' })
  })

  test('by ClickHouse itself with an error is a query error', () => {
    const own = answer(500, 'strange', { 'x-clickhouse-server-display-name': 'a' })
    expect(foreign(own)).toBeUndefined()
    expect(refused(own)?.finding).toMatchObject({ reason: 'query-error', code: '500' })
  })
})

describe('a result', () => {
  const tsv = { 'content-type': 'text/tab-separated-values; charset=UTF-8' }

  test('leaves titles out, where the query asks for them', () => {
    const rows = (format: string, text: string) => rowsOf(answer(200, text, tsv), `SELECT 1 FORMAT ${format}`)
    expect(rows('TabSeparatedWithNames', 'a\n1\n')).toEqual([['1']])
    expect(rows('TSVWithNamesAndTypes SETTINGS max_threads = 1;', 'a\nUInt8\n1\n')).toEqual([['1']])
    expect(rows('TSVRaw', 'a\\b\n')).toEqual([['a\\b']])
  })

  test('that was cut ends with its last whole row', () => {
    expect(rowsOf(answer(200, '1\n2\n3', tsv, 'cut'), 'SELECT 1')).toEqual([['1'], ['2']])
  })

  test.each([
    [{ 'content-type': 'application/json' }, 'SELECT 0 format JSON'],
    [{ 'x-clickhouse-format': 'CSV', ...tsv }, 'SELECT 0'],
  ])('in another format is a misuse: its first value would always be yes', (headers, query) => {
    expect(() => rowsOf(answer(200, '{', headers as Record<string, string>), query)).toThrow('FORMAT')
  })
})

test('a birth that is read one second off is the same life, and one further off is another', () => {
  const births = new Births()
  expect([100, 101, 100, 99].map(second => births.of('a', second))).toEqual([100, 100, 100, 100])
  expect(births.of('b', 101)).toBe(101)
  expect([102, 103, 101].map(second => births.of('a', second))).toEqual([102, 102, 102])
})
