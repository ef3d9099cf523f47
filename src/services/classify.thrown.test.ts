import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { REASONS, type ReasonId } from '../core/reasons.js'
import { PHASES } from '../core/rules.js'
import { type ClassifyOptions, classify, type Driver } from './classify.js'

const DRIVERS: Driver[] = [
  'pg',
  'pg-pool',
  'postgres',
  'mysql2',
  'mariadb',
  'ioredis',
  'redis',
  '@clickhouse/client',
  'mongodb',
  'amqplib',
]

describe('whatever is thrown', () => {
  const reasons = Object.keys(REASONS)
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withNullPrototype: true,
    withSparseArray: true,
  })
  const field = fc.constantFrom(
    ...['message', 'name', 'code', 'errno', 'syscall', 'severity', 'routine', 'sqlMessage', 'type', 'reason'],
    ...['cause', 'errors', 'errorLabels', 'constructor', 'verdict', 'lastNodeError', 'codeName', 'classId'],
  )
  const shaped = fc.dictionary(
    field,
    fc.oneof(anything, fc.constantFrom('ECONNREFUSED', '28P01', 45028, 13, 403)),
  )
  const traps = fc.constant(
    new Proxy(new Error('x'), {
      get() {
        throw new Error('boom')
      },
      getPrototypeOf() {
        throw new Error('boom')
      },
    }),
  )
  const thrown = fc.oneof(anything, shaped, traps)
  const options = fc.record(
    {
      driver: fc.constantFrom(...DRIVERS),
      phase: fc.constantFrom(...PHASES),
      sent: fc.boolean(),
      lastEvent: thrown,
    },
    { requiredKeys: [] },
  )

  test('classify does not throw, and knows no reason besides the table’s', () => {
    fc.assert(
      fc.property(thrown, options, (error, given) => {
        const { reason, outcome, httpStatus, advice } = classify(error, given)
        expect(reasons).toContain(reason)
        expect(['not-sent', 'rejected', 'unknown']).toContain(outcome)
        expect([500, 503, 504]).toContain(httpStatus)
        expect(advice).not.toBe('')
      }),
      { numRuns: 500 },
    )
  })

  test('no phase before the statement leaves its outcome open, unless it was sent', () => {
    fc.assert(
      fc.property(thrown, fc.constantFrom('config', 'acquire', 'connect', 'idle'), (error, phase) => {
        expect(classify(error, { phase } as ClassifyOptions).outcome).toBe('not-sent')
      }),
    )
  })

  test('no text of an error reaches the result, and of a code only what looks like one', () => {
    const secret = 'hunter2!SECRET'
    const errors = [
      new Error(`password authentication failed: ${secret}`),
      Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: `pg://u:${secret}@h` }),
      Object.assign(new Error(secret), { code: secret, errno: 1045, sqlMessage: secret }),
      Object.assign(new Error(secret), { code: '28000', severity: 'FATAL', detail: secret, hint: secret }),
      Object.assign(new Error(`-NOAUTH ${secret}`), { command: { args: [secret] } }),
      new AggregateError([new Error(secret)], secret, { cause: secret }),
      Object.assign(new Error(secret), { code: `ERR_TLS_${secret}\u001b[2J${'x'.repeat(100)}` }),
      secret,
    ]
    for (const error of errors) expect(JSON.stringify(classify(error))).not.toContain(secret)
  })

  test.each(DRIVERS)('an error that nobody knows is unknown, also as one of %s', driver => {
    expect(classify(new Error('who knows'), { driver })).toMatchObject({
      reason: 'unknown' satisfies ReasonId,
      httpStatus: 500,
      code: undefined,
    })
  })
})
