import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import type { Phase } from '../../core/rules.js'
import { classify } from '../classify.js'

/** An error of this class, as the driver makes it. */
const made = (name: string, message: string, more: object = {}, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), { name, ...more })

const answered = (code: number, more: object = {}) =>
  made('MongoServerError', 'as it is', { code, codeName: 'X', ...more })

const of = (error: unknown, phase?: Phase) =>
  classify(error, { driver: 'mongodb', ...(phase ? { phase } : {}) })

describe('a code', () => {
  const numbers: [ReasonId, number[]][] = [
    ['connection-lost', [89, 91, 9001, 11600, 11602]],
    ['server-not-ready', [6, 7, 133, 134, 436, 13388, 13436]],
    ['resource-exhausted', [146, 462, 14031]],
    ['authentication-failed', [11, 18, 391]],
    ['access-denied', [13]],
    ['read-only', [189, 10058, 10107, 13435]],
    ['statement-timeout', [50, 64, 262, 11601]],
    ['transaction-conflict', [24, 112, 246, 251]],
    ['query-error', [2, 26, 43, 59, 121, 11000]],
  ]
  test.each(numbers.flatMap(([reason, list]) => list.map(code => [code, reason] as const)))(
    '%i means %s',
    (code, reason) => expect(classify(answered(code))).toMatchObject({ reason, code: String(code) }),
  )

  test('8000 is whatever Atlas refuses', () => {
    const refused = made('MongoServerError', 'bad auth : Authentication failed.', { code: 8000 })
    expect(classify(refused)).toMatchObject({ reason: 'authentication-failed', byText: true })
    expect(classify(made('MongoServerError', 'no such command', { code: 8000 })).reason).toBe('query-error')
  })

  test('of somebody else is none', () => {
    expect(classify(Object.assign(new Error('x'), { code: 18 })).reason).toBe('unknown')
  })
})

describe('a server that could not be selected', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })

  test('is explained by the cause of its cause', () => {
    const network = made('MongoNetworkError', 'read ECONNRESET', {}, reset)
    const error = made('MongoServerSelectionError', 'read ECONNRESET', {}, network)
    expect(of(error)).toMatchObject({ reason: 'connection-lost', code: 'ECONNRESET' })
  })

  test('is explained by both attempts of a name with two addresses', () => {
    const attempts = new AggregateError([
      Object.assign(new Error('x'), { code: 'ETIMEDOUT', syscall: 'connect' }),
      Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' }),
    ])
    const error = made('MongoServerSelectionError', 'x', {}, made('MongoNetworkError', 'x', {}, attempts))
    expect(of(error)).toMatchObject({ reason: 'connection-refused', code: 'ECONNREFUSED' })
  })

  test('without a cause took too long, unless an event told why', () => {
    const error = made('MongoServerSelectionError', 'Server selection timed out after 1500 ms', {
      reason: { type: 'Unknown' },
    })
    expect(of(error).reason).toBe('connect-timeout')
    expect(classify(error, { driver: 'mongodb', lastEvent: reset }).reason).toBe('connection-lost')
  })

  test('in a set that has no primary is a set that is not ready', () => {
    const error = made('MongoServerSelectionError', 'Server selection timed out after 1500 ms', {
      reason: { type: 'ReplicaSetNoPrimary' },
    })
    expect(of(error)).toMatchObject({
      reason: 'server-not-ready',
      advice: expect.stringContaining('elects a primary'),
    })
  })
})

test('a network time-out is of the connection, or of a statement on one', () => {
  const dial = made(
    'MongoNetworkTimeoutError',
    "Socket 'connect' timed out after 1000ms (connectTimeoutMS: 1000)",
  )
  const wait = made('MongoNetworkTimeoutError', 'connection 1 to 127.0.0.1:27017 timed out')
  expect([of(dial).reason, of(dial, 'statement').reason]).toEqual(['connect-timeout', 'connect-timeout'])
  expect([of(wait).reason, of(wait, 'connect').reason]).toEqual(['statement-timeout', 'connect-timeout'])
})

test.each<[string, ReasonId]>([
  ['MongoNetworkError', 'connection-lost'],
  ['MongoPoolClearedError', 'connection-lost'],
  ['MongoWaitQueueTimeoutError', 'pool-exhausted'],
  ['MongoCompatibilityError', 'protocol-mismatch'],
  ['MongoOperationTimeoutError', 'statement-timeout'],
  ['MongoParseError', 'client-misuse'],
  ['MongoNotConnectedError', 'client-misuse'],
  ['MongoTopologyClosedError', 'client-misuse'],
  ['MongoInvalidArgumentError', 'client-misuse'],
])('%s means %s', (name, reason) => {
  expect(classify(made(name, 'as it is'))).toMatchObject({ reason, byText: false })
})

test('bytes of another protocol, read as a length, are no invalid address', () => {
  const error = made('MongoParseError', 'Invalid message size: 1347703880, max allowed: 67108864')
  expect(of(made('MongoServerSelectionError', error.message, {}, error)).reason).toBe('protocol-mismatch')
})

test('a write that may be there is no rejection', () => {
  const outcome = (error: unknown) => of(error, 'statement').outcome
  expect(outcome(answered(11000))).toBe('rejected')
  expect(outcome(answered(64))).toBe('unknown')
  expect(outcome(answered(189))).toBe('unknown')
  expect(outcome(answered(11600))).toBe('unknown')
  expect(outcome(made('MongoBulkWriteError', 'E11000', { code: 11000 }))).toBe('unknown')
  expect(outcome(answered(251, { errorLabels: ['UnknownTransactionCommitResult'] }))).toBe('unknown')
})
