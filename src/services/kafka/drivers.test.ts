import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classify } from '../classify.js'
import { classifyKafka } from './classify.js'

const made = (kind: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name: kind, ...more })

describe('an error code of a broker', () => {
  test.each<[string, number, ReasonId]>([
    ['UNKNOWN_TOPIC_OR_PARTITION', 3, 'schema-missing'],
    ['LEADER_NOT_AVAILABLE', 5, 'server-not-ready'],
    ['REQUEST_TIMED_OUT', 7, 'statement-timeout'],
    ['BROKER_NOT_AVAILABLE', 8, 'server-not-ready'],
    ['NETWORK_EXCEPTION', 13, 'connection-lost'],
    ['GROUP_LOAD_IN_PROGRESS', 14, 'server-not-ready'],
    ['GROUP_COORDINATOR_NOT_AVAILABLE', 15, 'server-not-ready'],
    ['TOPIC_AUTHORIZATION_FAILED', 29, 'access-denied'],
    ['GROUP_AUTHORIZATION_FAILED', 30, 'access-denied'],
    ['CLUSTER_AUTHORIZATION_FAILED', 31, 'access-denied'],
    ['UNSUPPORTED_SASL_MECHANISM', 33, 'client-misuse'],
    ['UNSUPPORTED_VERSION', 35, 'protocol-mismatch'],
    ['NOT_CONTROLLER', 41, 'server-not-ready'],
    ['CONCURRENT_TRANSACTIONS', 51, 'transaction-conflict'],
    ['SASL_AUTHENTICATION_FAILED', 58, 'authentication-failed'],
    ['THROTTLING_QUOTA_EXCEEDED', 89, 'resource-exhausted'],
    ['MESSAGE_TOO_LARGE', 10, 'query-error'],
  ])('%s (%i) means %s, as kafkajs has it', (type, code, reason) => {
    const error = made('KafkaJSProtocolError', 'as it is', { type, code })
    expect(classify(error)).toMatchObject({ reason, code: String(code), byText: false })
    expect(classifyKafka(error)).toEqual({ reason, code: String(code), message: 'as it is' })
  })

  test('is not read from what is no error of a broker', () => {
    for (const error of [null, 'x', {}, { code: 5 }, { code: 5, type: 'entity' }, { code: '5', type: 'X_Y' }])
      expect(classifyKafka(error)).toBeUndefined()
    expect(classify(Object.assign(new Error('odd'), { code: 5, type: 'NOT_OURS' })).reason).toBe('unknown')
  })
})

test.each<[string, string, ReasonId]>([
  ['KafkaJSSASLAuthenticationError', 'SASL PLAIN authentication failed: …', 'authentication-failed'],
  ['KafkaJSConnectionClosedError', 'Closed connection', 'connection-lost'],
  ['KafkaJSBrokerNotFound', 'Broker not found', 'server-not-ready'],
])('%s of kafkajs means %s', (kind, message, reason) => {
  expect(classify(made(kind, message), { driver: 'kafkajs' }).reason).toBe(reason)
})

test('the error behind exhausted retries is what counts', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
  const error = Object.assign(made('KafkaJSNumberOfRetriesExceeded', 'gave up'), { cause })
  expect(classify(error, { driver: 'kafkajs' }).reason).toBe('connection-refused')
})

test('a request that a broker rejected had no effect; one that too few replicas took may have', () => {
  const of = (type: string, code: number) =>
    classify(made('KafkaJSProtocolError', '', { type, code }), { driver: 'kafkajs', phase: 'statement' })
      .outcome
  expect(of('TOPIC_AUTHORIZATION_FAILED', 29)).toBe('rejected')
  expect(of('NOT_ENOUGH_REPLICAS_AFTER_APPEND', 20)).toBe('unknown')
  expect(of('REQUEST_TIMED_OUT', 7)).toBe('unknown')
})
