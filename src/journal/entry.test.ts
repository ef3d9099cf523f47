import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Entry, entryOf } from './entry.js'

const ENTRY: Entry = {
  v: 1,
  at: '2026-03-01T12:00:00.000Z',
  kind: 'decision',
  run: 'run-1',
  ci: false,
  host: 'here',
  pid: 12,
  decision: 'skip',
}

const TEXTS = [
  'run',
  'host',
  'root',
  'commit',
  'worker',
  'suite',
  'test',
  'service',
  'target',
  'with',
  'reason',
  'message',
]

test('a record keeps what an entry says', () => {
  const entry: Entry = {
    ...ENTRY,
    ci: true,
    commit: 'abc',
    worker: '3',
    root: '0123456789abcdef',
    scope: 'command',
    suite: 'test/a.test.ts',
    test: 'it works',
    service: 'postgres',
    target: 'db',
    with: 'pglite',
    reason: 'connection-refused',
    message: 'connect ECONNREFUSED 127.0.0.1:5432',
    durationMs: 12.3,
    exitStatus: 0,
  }
  expect(entryOf(entry)).toEqual(entry)
  expect(entryOf({ ...entry, more: 'than is known' })).toEqual(entry)
})

test('another version, kind or shape is told apart from a record', () => {
  expect(entryOf({ ...ENTRY, kind: 'chaos' })).toBe('other')
  const wrong = [
    null,
    3,
    [],
    {},
    { ...ENTRY, v: 2 },
    { ...ENTRY, at: 'now' },
    { ...ENTRY, decision: 'maybe' },
  ]
  for (const value of [...wrong, { ...ENTRY, run: '' }]) expect(entryOf(value)).toBeUndefined()
})

const secret = fc
  .string({
    minLength: 6,
    maxLength: 20,
    unit: fc.constantFrom(...'abcXYZ0189!$&*()_+-.,;:/?#[]{}|~^%@"\'<>='),
  })
  .map(text => `s3cr3t${text}`)

test('no password of an address in any text is kept', () => {
  const inText = fc.tuple(
    fc.constantFrom(...TEXTS),
    secret,
    fc.constantFrom('postgres', 'redis', 'mysql', 'https'),
  )
  fc.assert(
    fc.property(inText, ([key, password, scheme]) => {
      const text = `could not reach ${scheme}://app:${password}@db.example:5432/app after 3 s`
      expect(JSON.stringify(entryOf({ ...ENTRY, [key]: text }))).not.toContain('s3cr3t')
    }),
  )
})

test('what is assigned to a password, a token or a secret is not kept', () => {
  for (const text of [
    'PGPASSWORD=s3cr3t psql',
    "host=db password='s3cr3t s3cr3t' user=app",
    'API_TOKEN = s3cr3t',
    'client_secret="s3cr3t" go',
  ])
    expect(JSON.stringify(entryOf({ ...ENTRY, suite: text }))).not.toContain('s3cr3t')
})

test('whatever the texts are, a record is one line of bounded length that reads back as itself', () => {
  const texts = fc.record(
    Object.fromEntries(
      TEXTS.map(key => [
        key,
        fc.string({ unit: 'binary', maxLength: 40 }).map(text => `x${text.repeat(30)}`),
      ]),
    ),
  )
  fc.assert(
    fc.property(texts, given => {
      const line = JSON.stringify(entryOf({ ...ENTRY, ...given }))
      expect(line).not.toMatch(/[\n\r\u2028\u2029]|\\u/)
      expect(Buffer.byteLength(line)).toBeLessThan(10_000)
      expect(entryOf(JSON.parse(line))).toEqual(JSON.parse(line))
    }),
    { numRuns: 40 },
  )
})

test('a text that is too long to be looked at ends before the word that is cut', () => {
  const text = `${'postgres://a:b@h '.repeat(117)}postgres://app:12345@db/app`
  expect(text.slice(1980, 2010)).toContain('postgres://app')
  expect(JSON.stringify(entryOf({ ...ENTRY, message: text }))).not.toMatch(/12345|:b@/)
})
