import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classify } from '../classify.js'

const made = (kind: string, message: string, more: object = {}) =>
  Object.assign(new ({ [kind]: class extends Error {} }[kind] as ErrorConstructor)(message), more)

describe('a reply in a driver’s error', () => {
  test('counts also without the name of the driver', () => {
    expect(classify(made('SimpleError', 'OOM command not allowed'))).toMatchObject({
      reason: 'resource-exhausted',
      code: 'OOM',
    })
    expect(classify(new Error('OOM killed')).reason).toBe('unknown')
    expect(classify(new Error('OOM command not allowed'), { driver: 'ioredis' }).reason).toBe(
      'resource-exhausted',
    )
  })

  test.each<[string, ReasonId]>([
    ["NOMASTERLINK Can't SYNC while not connected with my master", 'server-not-ready'],
    ['NOPROTO unsupported protocol version', 'protocol-mismatch'],
    ['UNBLOCKED force unblock from blocking operation, instance state changed', 'read-only'],
  ])('"%s" means %s', (message, reason) => {
    expect(classify(made('SimpleError', message))).toMatchObject({ reason, byText: false })
  })

  test('with a prefix that nobody knows is an answer all the same', () => {
    const error = made('ErrorReply', 'MODULEX strange')
    expect(classify(error, { phase: 'statement' })).toMatchObject({
      reason: 'query-error',
      outcome: 'rejected',
    })
  })
})

test.each<[string, ReasonId]>([
  ['ConnectionTimeoutError', 'connect-timeout'],
  ['SocketClosedUnexpectedlyError', 'connection-lost'],
  ['SocketTimeoutError', 'statement-timeout'],
  ['TimeoutError', 'statement-timeout'],
  ['ClientClosedError', 'client-misuse'],
  ['WatchError', 'transaction-conflict'],
  ['URIError', 'client-misuse'],
])('%s of node-redis, whose name is always "Error", means %s', (kind, reason) => {
  expect(classify(made(kind, ''), { driver: 'redis' })).toMatchObject({ reason, byText: false })
})

test.each<[string, ReasonId]>([
  ['Connection is closed.', 'connection-lost'],
  ["Stream isn't writeable and enableOfflineQueue options is false", 'connection-lost'],
  ['Command timed out', 'statement-timeout'],
  ["Socket timeout. Expecting data, but didn't receive any in 1000ms.", 'statement-timeout'],
  ['Unknown RESP type 72 "H". Please report this.', 'protocol-mismatch'],
  ['Redis is already connecting/connected', 'client-misuse'],
  ['All sentinels are unreachable and retry is disabled.', 'connect-timeout'],
])('"%s" means %s, and is flagged as text', (message, reason) => {
  expect(classify(new Error(message))).toMatchObject({ reason, byText: true })
})

describe('an error of ioredis that hides another', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  })
  const wrongpass = made('ReplyError', 'WRONGPASS invalid username-password pair')

  test('is what the last event says', () => {
    for (const error of [
      new Error('Connection is closed.'),
      made('MaxRetriesPerRequestError', 'Reached the max'),
    ]) {
      expect(classify(error, { driver: 'ioredis', lastEvent: refused }).reason).toBe('connection-refused')
      expect(classify(error, { driver: 'ioredis', lastEvent: wrongpass }).reason).toBe(
        'authentication-failed',
      )
      expect(classify(error, { driver: 'ioredis' }).reason).toBe('connection-lost')
    }
  })

  test('is not what an event says that no rule knows', () => {
    const lastEvent = new Error('who knows')
    expect(classify(new Error('Connection is closed.'), { lastEvent }).reason).toBe('connection-lost')
  })

  test('is what the last node of a cluster said', () => {
    const error = made('ClusterAllFailedError', 'Failed to refresh slots cache.', {
      lastNodeError: wrongpass,
    })
    expect(classify(error, { driver: 'ioredis' }).reason).toBe('authentication-failed')
  })
})

test('what is left of a pipeline when its connection is lost is no time-out', () => {
  expect(classify(made('AbortError', 'Command aborted due to connection close'))).toMatchObject({
    reason: 'connection-lost',
    outcome: 'unknown',
  })
})

test('a transaction whose watched keys changed had no effect', () => {
  expect(classify(made('WatchError', ''), { driver: 'redis', phase: 'statement' })).toMatchObject({
    reason: 'transaction-conflict',
    outcome: 'rejected',
  })
})
