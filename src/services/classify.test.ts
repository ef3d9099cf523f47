import { describe, expect, test } from 'vitest'
import { HoldfastError } from '../core/errors.js'
import { REASONS } from '../core/reasons.js'
import { PHASES } from '../core/rules.js'
import { type ClassifyOptions, classify, type Driver } from './classify.js'

const node = (code: string, syscall = 'connect') =>
  Object.assign(new Error(`${syscall} ${code} 127.0.0.1:5432`), { code, syscall, errno: -1 })

const answered = (code: string, severity = 'ERROR') =>
  Object.assign(new Error('as it is'), { code, severity, routine: 'exec_simple_query' })

test('a classification is what the table says of the reason', () => {
  expect(classify(answered('53300', 'FATAL'), { driver: 'pg', phase: 'connect' })).toEqual({
    reason: 'too-many-connections',
    phase: 'connect',
    outcome: 'not-sent',
    heals: 'slowly',
    retry: 'yes',
    absent: false,
    httpStatus: 503,
    advice: REASONS['too-many-connections'].next,
    code: '53300',
    byText: false,
  })
})

describe('a connection that is lost', () => {
  const lost = new Error('Connection terminated unexpectedly')

  test('without a phase is answered with 500, and nobody knows what became of the statement', () => {
    expect(classify(lost)).toMatchObject({ reason: 'connection-lost', httpStatus: 500, outcome: 'unknown' })
    expect(classify(lost).phase).toBeUndefined()
  })

  test.each(['config', 'acquire', 'connect', 'idle'] as const)(
    'in the phase %s had no statement: 503',
    phase => {
      expect(classify(lost, { phase })).toMatchObject({ phase, httpStatus: 503, outcome: 'not-sent' })
    },
  )

  test.each(['statement', 'commit'] as const)('in the phase %s is answered with 500, and open', phase => {
    expect(classify(lost, { phase })).toMatchObject({
      httpStatus: 500,
      outcome: 'unknown',
      advice: expect.stringContaining('look before you repeat'),
    })
  })

  test('before any byte of the statement left is as good as not begun', () => {
    expect(classify(lost, { phase: 'commit', sent: false })).toMatchObject({
      httpStatus: 503,
      outcome: 'not-sent',
    })
    expect(classify(lost, { sent: false })).toMatchObject({ httpStatus: 503, outcome: 'not-sent' })
    expect(classify(lost, { phase: 'idle', sent: true })).toMatchObject({
      httpStatus: 500,
      outcome: 'unknown',
    })
  })

  test('never lets a suite do without the service, since it may have answered', () => {
    for (const phase of PHASES) expect(classify(lost, { phase }).absent).toBe(false)
  })
})

describe('what became of the statement', () => {
  test('is never told by the error alone: a COMMIT that was lost and one whose reply was lost look alike', () => {
    for (const error of [
      node('ECONNRESET', 'read'),
      node('EPIPE', 'write'),
      new Error('Query read timeout'),
    ]) {
      expect(classify(error, { phase: 'commit' }).outcome).toBe('unknown')
      expect(classify(error).outcome).toBe('unknown')
    }
  })

  test('is a rejection where the server answered so', () => {
    expect(classify(answered('23505'), { phase: 'statement' }).outcome).toBe('rejected')
    expect(classify(answered('40001'), { phase: 'commit' }).outcome).toBe('rejected')
    expect(classify(answered('23505')).outcome).toBe('rejected')
  })

  test('is unknown after a FATAL in the commit phase', () => {
    expect(classify(answered('57P01', 'FATAL'), { phase: 'commit' }).outcome).toBe('unknown')
  })

  test('is not a rejection where only an event told the reason', () => {
    const closed = new Error('channel closed')
    const lastEvent = Object.assign(new Error('Operation failed: X; 404 (NOT-FOUND) with message "x"'), {
      code: 404,
      classId: 50,
    })
    expect(classify(closed, { driver: 'amqplib', phase: 'statement', lastEvent })).toMatchObject({
      reason: 'query-error',
      outcome: 'unknown',
    })
  })
})

describe('a refusal to connect', () => {
  test('lets a suite do without the service while connecting, and without a phase', () => {
    for (const options of [{}, { phase: 'connect' }, { phase: 'acquire' }] as ClassifyOptions[])
      expect(classify(node('ECONNREFUSED'), options)).toMatchObject({
        reason: 'connection-refused',
        httpStatus: 503,
        absent: true,
      })
  })

  test.each(['idle', 'statement', 'commit'] as const)(
    'in the phase %s is the attempt to replace a session that was lost',
    phase => {
      for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'ENOTFOUND', 'ETIMEDOUT'])
        expect(classify(node(code), { driver: 'ioredis', phase })).toMatchObject({
          reason: 'connection-lost',
          code,
          retry: 'if-unsent',
          absent: false,
          advice: expect.stringContaining('a new one fails: '),
        })
    },
  )

  test('is what it is where the caller knows that nothing was sent', () => {
    const refused = classify(node('ECONNREFUSED'), { driver: 'pg-pool', phase: 'statement', sent: false })
    expect(refused).toMatchObject({ reason: 'connection-refused', httpStatus: 503, outcome: 'not-sent' })
  })

  test('is what it is in every phase where the caller holds no session', () => {
    for (const driver of ['@clickhouse/client', 'mongodb'] as const)
      expect(classify(node('ECONNREFUSED'), { driver, phase: 'statement' }).reason).toBe('connection-refused')
  })
})

describe('an error in another', () => {
  test('is found in the cause, at any depth that a program makes', () => {
    let error: Error = node('ECONNREFUSED')
    for (let depth = 0; depth < 6; depth++) error = new Error('could not load the user', { cause: error })
    expect(classify(error)).toMatchObject({ reason: 'connection-refused', code: 'ECONNREFUSED' })
  })

  test('keeps its outcome: a unique violation in a wrapper is rejected', () => {
    const wrapped = new Error('could not save', { cause: answered('23505') })
    expect(classify(wrapped, { phase: 'statement' })).toMatchObject({
      reason: 'query-error',
      outcome: 'rejected',
    })
  })

  test('does not hide what the outer one says', () => {
    const cause = new Error('Connection terminated unexpectedly')
    const error = new Error('Connection terminated due to connection timeout', { cause })
    expect(classify(error, { driver: 'pg-pool' }).reason).toBe('connect-timeout')
  })

  test('is the most telling attempt of an AggregateError, whose own code is only the first one’s', () => {
    const both = new AggregateError([node('ETIMEDOUT'), node('ECONNREFUSED')], '')
    expect(classify(Object.assign(both, { code: 'ETIMEDOUT' })).code).toBe('ECONNREFUSED')
  })

  test('is an answer rather than a refusal, where several hosts were tried', () => {
    const both = new AggregateError([node('ECONNREFUSED'), answered('28P01', 'FATAL')])
    expect(classify(both)).toMatchObject({ reason: 'authentication-failed', absent: false })
  })

  test('ends where causes go in a circle', () => {
    const error = new Error('x') as Error & { cause: unknown }
    error.cause = new Error('y', { cause: error })
    expect(classify(error).reason).toBe('unknown')
    const event = new Error('Connection is closed.')
    expect(classify(event, { lastEvent: event }).reason).toBe('connection-lost')
  })
})

test('a wait that the program gave up is one for the connection, or for the statement', () => {
  const error = Object.assign(new Error('The operation was aborted due to timeout'), { name: 'TimeoutError' })
  expect(classify(error, { phase: 'connect' }).reason).toBe('connect-timeout')
  expect(classify(error, { phase: 'statement' }).reason).toBe('statement-timeout')
  expect(classify(error).reason).toBe('statement-timeout')
})

test('an error of the configuration that no rule knows is a misuse', () => {
  expect(classify(new TypeError('who knows'), { phase: 'config' }).reason).toBe('client-misuse')
  expect(classify(node('ENOTFOUND'), { phase: 'config' }).reason).toBe('dns-failure')
})

test('a HoldfastError keeps what it has concluded', () => {
  const error = HoldfastError.fromVerdict({
    target: 'db',
    ready: false,
    heard: true,
    layer: 'auth',
    steps: [],
    finding: { reason: 'authentication-failed', code: '28P01', message: 'x', advice: 'Ask somebody.' },
  })
  expect(classify(error)).toMatchObject({
    reason: 'authentication-failed',
    code: '28P01',
    advice: 'Ask somebody.',
  })
})

test.each(['usage', 'config'] as const)(
  'a HoldfastError of kind %s is a misuse, and nothing was sent',
  kind => {
    const error = new HoldfastError(kind, 'max: -1 is not a number from 0')
    expect(classify(error)).toMatchObject({ reason: 'client-misuse', outcome: 'not-sent', httpStatus: 500 })
  },
)

test.each([
  ['mysql2/promise', 4031, 'connection-lost'],
  ['mysql2-pool', 1053, 'connection-lost'],
  ['clickhouse', 516, 'authentication-failed'],
])('a driver is known under its other names, too: %s', (driver, code, reason) => {
  const error = Object.assign(new Error('x'), { code: driver === 'clickhouse' ? String(code) : code })
  expect(classify(error, { driver: driver as Driver }).reason).toBe(reason)
})

test('options that are none count as not given', () => {
  const options = { driver: 'oracle', phase: 'query', sent: 'yes' } as unknown as ClassifyOptions
  expect(classify(node('ECONNREFUSED'), options)).toEqual(classify(node('ECONNREFUSED')))
  expect(classify(node('ECONNREFUSED'), null as unknown as ClassifyOptions).reason).toBe('connection-refused')
})
