import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../../test/support/fake-clock.js'
import { classify } from '../../services/classify.js'
import { failure, told } from '../told.js'
import { beginning } from './begin.js'
import { outcomeOfCommit } from './commit.js'
import { commitTokens } from './tokens.js'
import { runTransaction, type TransactionDefaults } from './transaction.js'
import type { Client, TransactionOptions } from './types.js'

type Answer = Error | string

/** A pool of one client that answers each statement by a function, as the server would. */
function scripted(answer: (text: string) => Answer | undefined) {
  const log: string[] = []
  const released: unknown[] = []
  const connection = new EventEmitter()
  const client = {
    connection,
    async query(config: string | { text: string }) {
      const text = typeof config === 'string' ? config : config.text
      log.push(text)
      const said = answer(text)
      if (said instanceof Error) {
        connection.emit('errorMessage', said)
        throw said
      }
      return { command: said ?? text, rows: [] }
    },
    release: (error?: unknown) => void released.push(error),
  } as unknown as Client
  return { pool: { connect: async () => client }, client, log, released }
}

const sql = (code: string) => Object.assign(new Error(code), { code, severity: 'ERROR' })
const conflict = () => told(sql('40001'), { driver: 'pg', phase: 'statement', sent: true })

const run = (
  pool: { connect(): Promise<Client> },
  options: TransactionOptions,
  defaults: TransactionDefaults = {},
) => runTransaction(pool, client => client.query('UPDATE'), options, defaults)

describe('pauses between repetitions', () => {
  test('are 50 and 100 ms, a half of which may be taken off, and no time passes after the last', async () => {
    for (const [random, total] of [
      [0, 150],
      [0.5, 112.5],
    ] as const) {
      const clock = new FakeClock()
      const { pool } = scripted(text => (text === 'UPDATE' ? conflict() : undefined))
      const ended = run(pool, { retry: true }, { clock, random: () => random })
      await expect(clock.run(ended)).rejects.toMatchObject({ code: '40001' })
      expect([clock.now(), clock.pending]).toEqual([total, 0])
    }
  })

  test("are the pool's, or the transaction's own", async () => {
    const defaults = { retry: { attempts: 5, delayMillis: 10 }, random: () => 0 }
    for (const [retry, total] of [
      [true, 150],
      [{ attempts: 2 }, 10],
      [{ delayMillis: 1 }, 15],
      [false, 0],
    ] as const) {
      const clock = new FakeClock()
      const { pool } = scripted(text => (text === 'UPDATE' ? conflict() : undefined))
      await expect(clock.run(run(pool, { retry }, { ...defaults, clock }))).rejects.toThrow()
      expect(clock.now()).toBe(total)
    }
  })

  test('end with the signal, and the last error is what is thrown', async () => {
    const clock = new FakeClock()
    const controller = new AbortController()
    const { pool } = scripted(text => (text === 'UPDATE' ? conflict() : undefined))
    const onRetry = () => controller.abort()
    const ended = run(pool, { retry: true, signal: controller.signal }, { clock, onRetry })
    await expect(clock.run(ended)).rejects.toMatchObject({ code: '40001' })
    expect([clock.now(), clock.pending]).toEqual([0, 0])
  })
})

test('a repetition that gets no client rejects with what was to be repeated, and keeps why there was none', async () => {
  const { client } = scripted(text => (text === 'UPDATE' ? conflict() : undefined))
  const none = failure('pool-exhausted', 'none is free', { phase: 'acquire', sent: false })
  let asked = 0
  const pool = { connect: () => (asked++ === 0 ? Promise.resolve(client) : Promise.reject(none)) }
  await expect(run(pool, { retry: { delayMillis: 0 } })).rejects.toMatchObject({
    ...{ code: '40001', suppressed: [none] },
  })
  await expect(run(pool, { retry: true })).rejects.toBe(none)
})

test('a ROLLBACK that fails does not replace the first cause, and is kept with it', async () => {
  const second = new Error('read ECONNRESET')
  const { pool, released } = scripted(text =>
    text === 'UPDATE' ? sql('23505') : text === 'ROLLBACK' ? second : undefined,
  )
  await expect(run(pool, {})).rejects.toMatchObject({ code: '23505', suppressed: [second] })
  expect(released).toEqual([second])
})

test('a BEGIN that fails is not followed by anything', async () => {
  const lost = sql('42601')
  const { pool, log, released } = scripted(text => (text === 'BEGIN' ? lost : undefined))
  await expect(run(pool, {})).rejects.toBe(lost)
  expect([log, released]).toEqual([['BEGIN'], [lost]])
})

const lost = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

describe('an error before COMMIT was sent tells that nothing was kept', () => {
  test.each([
    ['BEGIN', 'statement', true, 'rejected', 500],
    // Not even BEGIN was sent.
    ['BEGIN', 'statement', false, 'not-sent', 503],
    ['UPDATE', 'statement', true, 'rejected', 500],
    ['UPDATE', 'statement', false, 'rejected', 500],
    ['COMMIT', 'commit', false, 'rejected', 500],
    // A text that hides COMMIT, and whose error was its answer.
    ['UPDATE', 'commit', true, 'rejected', 500],
  ] as const)('%s, of phase %s, sent: %s', async (at, phase, sent, outcome, httpStatus) => {
    const error = told(lost(), { driver: 'pg', phase, sent })
    const { pool } = scripted(text => (text === at ? error : undefined))
    await expect(run(pool, {})).rejects.toBe(error)
    expect(classify(error)).toMatchObject({ reason: 'connection-lost', outcome, httpStatus })
  })

  test('but not where a text hid COMMIT, and its answer never came', async () => {
    const error = told(lost(), { driver: 'pg', phase: 'commit', sent: true })
    const { pool, client } = scripted(text => {
      if (text !== 'UPDATE') return undefined
      Object.assign(client, { broken: error })
      return error
    })
    await expect(run(pool, {})).rejects.toBe(error)
    expect(classify(error).outcome).toBe('unknown')
  })

  test("but not of another connection's", async () => {
    const error = told(lost(), { driver: 'pg', phase: 'statement', sent: true })
    await expect(runTransaction(scripted(() => undefined).pool, () => Promise.reject(error))).rejects.toBe(
      error,
    )
    expect(classify(error).outcome).toBe('unknown')
  })
})

describe('a rejected COMMIT', () => {
  test.each([
    ['an error of the server', sql('23503'), 'rejected'],
    ['a conflict', sql('40001'), 'rejected'],
    ['a FATAL', Object.assign(sql('57P01'), { severity: 'FATAL' }), 'unknown'],
    ['an unknown completion', sql('40003'), 'unknown'],
    ['a lost connection', lost(), 'unknown'],
    ['one told of an idle connection', told(lost(), { driver: 'pg', phase: 'idle' }), 'unknown'],
    ['one told of another statement', told(lost(), { phase: 'statement', sent: false }), 'unknown'],
    ['one that was not sent', told(lost(), { phase: 'commit', sent: false }), 'not-sent'],
    [
      'a time-out',
      failure('statement-timeout', 'late', { phase: 'commit', sent: true, code: '57014' }),
      'unknown',
    ],
  ])('%s', (_, error, outcome) => expect(outcomeOfCommit(error)).toBe(outcome))
})

test('whatever COMMIT is answered, only COMMIT resolves', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.constantFrom('COMMIT', 'ROLLBACK', 'SELECT', ''), fc.string().map(sql)),
      async said => {
        const { pool, released } = scripted(text => (text === 'COMMIT' ? said : undefined))
        const resolved = await run(pool, { retry: { attempts: 1 } }).then(
          () => true,
          () => false,
        )
        expect([resolved, released.length]).toEqual([said === 'COMMIT', 1])
      },
    ),
  ))

test('what BEGIN says', () => {
  expect(beginning({}, undefined)).toBe('BEGIN')
  expect(beginning({ isolation: 'serializable', readOnly: true, deferrable: true }, 'SET LOCAL a = 1')).toBe(
    'BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE; SET LOCAL a = 1',
  )
  expect(beginning({ readOnly: false, deferrable: false }, '')).toBe('BEGIN READ WRITE, NOT DEFERRABLE')
})

test.each([
  [{ isolaton: 'serializable' }, /no option "isolaton". Did you mean isolation\?/],
  [{ isolation: 'snapshot' }, /isolation: "snapshot" is none of read committed/],
  [{ retry: 3 }, /retry: 3 is neither/],
  [{ retry: { attempts: 0 } }, /retry.attempts: 0 is not a whole number from 1/],
  [{ retry: { delay: 5 } }, /retry has no option "delay". Did you mean|retry has no option "delay"/],
  [{ retry: { delayMillis: Number.NaN } }, /retry.delayMillis: NaN/],
  [{ resolve: {} }, /resolve has no function `ask`/],
  [{ resolveTimeoutMillis: -1 }, /resolveTimeoutMillis: -1 is not a time/],
])('%j is a usage error, before anything is sent', async (options, message) => {
  const { pool, log } = scripted(() => undefined)
  await expect(run(pool, options as TransactionOptions)).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(message),
  })
  expect(log).toEqual([])
})

test("the tokens' table is quoted, and what is no name is a usage error", () => {
  expect(commitTokens({ table: 'app.a"b' }).ddl).toContain('"app"."a""b" (token uuid PRIMARY KEY')
  for (const table of ['', 'a.b.c', 'a.']) expect(() => commitTokens({ table })).toThrow(/neither a name/)
  expect(() => commitTokens({ tabel: 'x' } as object)).toThrow(/no option "tabel"/)
})
