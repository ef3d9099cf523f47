import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classify } from '../classify.js'
import { findingOf, jetstreamFinding } from './classify.js'

describe('the text of -ERR', () => {
  test.each<[string, ReasonId, string]>([
    ['Authorization Violation', 'authentication-failed', 'AUTHORIZATION_VIOLATION'],
    ['User Authentication Expired', 'authentication-failed', 'USER_AUTHENTICATION_EXPIRED'],
    ['User Authentication Revoked', 'authentication-failed', 'USER_AUTHENTICATION_REVOKED'],
    ['Account Authentication Expired', 'authentication-failed', 'ACCOUNT_AUTHENTICATION_EXPIRED'],
    ['Authentication Timeout', 'connect-timeout', 'AUTHENTICATION_TIMEOUT'],
    ['maximum connections exceeded', 'too-many-connections', 'MAXIMUM_CONNECTIONS_EXCEEDED'],
    [
      'maximum account active connections exceeded',
      'too-many-connections',
      'MAXIMUM_ACCOUNT_ACTIVE_CONNECTIONS_EXCEEDED',
    ],
    ['Permissions Violation for Publish to "a.b"', 'access-denied', 'PERMISSIONS_VIOLATION'],
    ['Secure Connection - TLS Required', 'tls-failure', 'SECURE_CONNECTION'],
    ['maximum control line exceeded', 'client-misuse', 'MAXIMUM_CONTROL_LINE_EXCEEDED'],
    ['Unknown Protocol Operation', 'protocol-mismatch', 'UNKNOWN_PROTOCOL_OPERATION'],
    ['Parser Error', 'protocol-mismatch', 'PARSER_ERROR'],
    ['attempted to connect to route port', 'protocol-mismatch', 'ATTEMPTED'],
    ['Server Shutdown', 'server-not-ready', 'SERVER_SHUTDOWN'],
    ['Stale Connection', 'connection-lost', 'STALE_CONNECTION'],
    ['Slow Consumer', 'connection-lost', 'SLOW_CONSUMER'],
    ['maximum subscriptions exceeded', 'resource-exhausted', 'MAXIMUM_SUBSCRIPTIONS_EXCEEDED'],
    ['Maximum Payload Violation', 'query-error', 'MAXIMUM_PAYLOAD_VIOLATION'],
  ])('"%s" means %s', (text, reason, code) => {
    expect(findingOf(text)).toMatchObject({ reason, code, message: text })
  })

  test.each(['Something of a newer server', 'Authorization Violation s3cret'])(
    '"%s" gives none of its unknown words as code',
    text => expect(findingOf(text).code ?? 'AUTHORIZATION_VIOLATION').toBe('AUTHORIZATION_VIOLATION'),
  )

  test('that is empty is an answer all the same', () =>
    expect(findingOf('')).toEqual({ reason: 'query-error', message: '' }))
})

test.each<[number, ReasonId]>([
  [10008, 'server-not-ready'],
  [10076, 'server-not-ready'],
  [10039, 'access-denied'],
  [10023, 'resource-exhausted'],
  [10059, 'query-error'],
])('error %i of JetStream means %s', (code, reason) => {
  expect(jetstreamFinding(code, 'x')).toEqual({ reason, code: String(code), message: 'x' })
})

const made = (kind: string, message: string, more: object = {}) =>
  Object.assign(new ({ [kind]: class extends Error {} }[kind] as ErrorConstructor)(message), {
    name: kind,
    ...more,
  })

describe('an error of nats 2', () => {
  test.each<[string, string, ReasonId]>([
    ['AUTHORIZATION_VIOLATION', "'Authorization Violation'", 'authentication-failed'],
    ['AUTHENTICATION_EXPIRED', "'User Authentication Expired'", 'authentication-failed'],
    ['PERMISSIONS_VIOLATION', '\'Permissions Violation for Publish to "a"\'', 'access-denied'],
    ['CONNECTION_REFUSED', 'CONNECTION_REFUSED', 'connection-refused'],
    ['CONNECTION_TIMEOUT', 'CONNECTION_TIMEOUT', 'connect-timeout'],
    ['CONNECTION_CLOSED', 'CONNECTION_CLOSED', 'connection-lost'],
    ['DISCONNECT', 'DISCONNECT', 'connection-lost'],
    ['CONNECTION_DRAINING', 'CONNECTION_DRAINING', 'client-misuse'],
    ['BAD_SUBJECT', 'BAD_SUBJECT', 'client-misuse'],
    ['503', '503', 'server-not-ready'],
    ['NATS_PROTOCOL_ERR', "'maximum connections exceeded'", 'too-many-connections'],
    ['NATS_PROTOCOL_ERR', 'who knows', 'query-error'],
    ['MAX_PAYLOAD_EXCEEDED', 'MAX_PAYLOAD_EXCEEDED', 'client-misuse'],
  ])('%s, %s, means %s', (code, message, reason) => {
    expect(classify(made('NatsError', message, { code }))).toMatchObject({ reason })
    expect(classify(new Error(message), { driver: 'nats' })).toBeDefined()
  })

  test('with a time limit is about the connection or the request', () => {
    const error = made('NatsError', 'TIMEOUT', { code: 'TIMEOUT' })
    expect(classify(error, { phase: 'connect' }).reason).toBe('connect-timeout')
    expect(classify(error, { phase: 'statement' })).toMatchObject({
      reason: 'statement-timeout',
      outcome: 'unknown',
    })
  })

  test('that hides what TLS said is what TLS said', () => {
    const chainedError = Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(classify(made('NatsError', 'TLS', { code: 'TLS', chainedError }))).toMatchObject({
      reason: 'tls-failure',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
  })

  test('of JetStream has its number', () => {
    const api_error = { err_code: 10008, code: 503, description: 'x' }
    expect(classify(made('NatsError', 'x', { code: '503', api_error }))).toMatchObject({
      reason: 'server-not-ready',
      code: '10008',
    })
    expect(classify(made('JetStreamApiError', 'x', { code: 10039 })).reason).toBe('access-denied')
  })
})

describe('an error of @nats-io/transport-node 3', () => {
  test.each<[string, string, ReasonId]>([
    ['AuthorizationError', "'Authorization Violation'", 'authentication-failed'],
    ['AuthorizationError', "'Authentication Timeout'", 'connect-timeout'],
    ['UserAuthenticationExpiredError', 'x', 'authentication-failed'],
    ['PermissionViolationError', 'x', 'access-denied'],
    ['ProtocolError', "'maximum account active connections exceeded'", 'too-many-connections'],
    ['ClosedConnectionError', 'closed connection', 'connection-lost'],
    ['DrainingConnectionError', 'connection draining', 'client-misuse'],
    ['InvalidArgumentError', "'payload' max_payload size exceeded", 'client-misuse'],
    ['InvalidSubjectError', "illegal subject: 'a b'", 'client-misuse'],
    ['NoResponders', "no responders: 'a'", 'server-not-ready'],
    ['ConnectionError', 'connection refused', 'connection-refused'],
  ])('%s, %s, means %s', (kind, message, reason) => {
    expect(classify(made(kind, message), { driver: '@nats-io/transport-node' })).toMatchObject({ reason })
  })

  test('in a request is that of its cause; that nobody listened leaves nothing behind', () => {
    const cause = made('NoResponders', "no responders: 'a'")
    expect(classify(made('RequestError', 'x', { cause }), { phase: 'statement' })).toMatchObject({
      reason: 'server-not-ready',
      outcome: 'rejected',
    })
  })
})
