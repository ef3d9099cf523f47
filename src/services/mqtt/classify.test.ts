import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classify } from '../classify.js'
import { codeFinding } from './classify.js'

/** What a code means for a connection, and for a request of who is connected. */
const CODES: [number, string, ReasonId, ReasonId][] = [
  [1, 'Unacceptable protocol version', 'protocol-mismatch', 'protocol-mismatch'],
  [2, 'Identifier rejected', 'access-denied', 'access-denied'],
  [3, 'Server unavailable', 'server-not-ready', 'server-not-ready'],
  [4, 'Bad username or password', 'authentication-failed', 'authentication-failed'],
  [5, 'Not authorized', 'authentication-failed', 'access-denied'],
  [128, 'Unspecified error', 'unknown', 'access-denied'],
  [129, 'Malformed Packet', 'protocol-mismatch', 'protocol-mismatch'],
  [130, 'Protocol Error', 'protocol-mismatch', 'protocol-mismatch'],
  [131, 'Implementation specific error', 'unknown', 'query-error'],
  [132, 'Unsupported Protocol Version', 'protocol-mismatch', 'protocol-mismatch'],
  [133, 'Client Identifier not valid', 'access-denied', 'access-denied'],
  [134, 'Bad User Name or Password', 'authentication-failed', 'authentication-failed'],
  [135, 'Not authorized', 'authentication-failed', 'access-denied'],
  [136, 'Server unavailable', 'server-not-ready', 'server-not-ready'],
  [137, 'Server busy', 'server-not-ready', 'server-not-ready'],
  [138, 'Banned', 'access-denied', 'access-denied'],
  [139, 'Server shutting down', 'server-not-ready', 'server-not-ready'],
  [140, 'Bad authentication method', 'client-misuse', 'client-misuse'],
  [141, 'Keep Alive timeout', 'connection-lost', 'connection-lost'],
  [142, 'Session taken over', 'connection-lost', 'connection-lost'],
  [143, 'Topic Filter invalid', 'unknown', 'query-error'],
  [151, 'Quota exceeded', 'too-many-connections', 'resource-exhausted'],
  [156, 'Use another server', 'server-not-ready', 'server-not-ready'],
  [157, 'Server moved', 'client-misuse', 'client-misuse'],
  [159, 'Connection rate exceeded', 'too-many-connections', 'too-many-connections'],
]

describe.each(CODES)('code %i, %s', (code, name, connection, request) => {
  test(`refuses a connection with ${connection}`, () => {
    expect(codeFinding(code, 'connection', 'x')).toMatchObject({ reason: connection, code: String(code) })
    const error = Object.assign(new Error(`Connection refused: ${name}`), {
      name: 'ErrorWithReasonCode',
      code,
    })
    expect(classify(error, { phase: 'connect' })).toMatchObject({ reason: connection, byText: false })
  })

  test(`refuses a request with ${request}`, () => {
    expect(codeFinding(code, 'request', 'x')).toMatchObject({ reason: request })
    const error = Object.assign(new Error(`Publish error: ${name}`), { code })
    expect(classify(error, { driver: 'mqtt', phase: 'statement' })).toMatchObject({
      reason: request,
      outcome: 'rejected',
    })
  })
})

test('a code that nobody knows tells its number, and is an answer where something was asked', () => {
  expect(codeFinding(200, 'request', 'x').reason).toBe('query-error')
  expect(codeFinding(200, 'connection', 'the broker')).toEqual({
    reason: 'unknown',
    code: '200',
    message: 'the broker: refused (0xc8)',
  })
})

test.each<[string, ReasonId]>([
  ['connack timeout', 'connect-timeout'],
  ['Keepalive timeout', 'connection-lost'],
  ['client disconnecting', 'client-misuse'],
  ['No connection to broker', 'connection-lost'],
  ["Couldn't connect to server", 'connect-timeout'],
  ['Connection closed', 'connection-lost'],
  ['TLS not authorized', 'tls-failure'],
  ['Invalid header flag bits, must be 0x0 for puback packet', 'protocol-mismatch'],
  ['Invalid topic a/#/b', 'client-misuse'],
  ['Subscribe error: Not authorized', 'access-denied'],
])('"%s" of mqtt.js means %s', (message, reason) => {
  expect(classify(new Error(message), { driver: 'mqtt' })).toMatchObject({ reason, byText: true })
})

test('an error that only says that there is no connection is what the last event says', () => {
  const lastEvent = Object.assign(new Error('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  })
  const error = new Error('Connection closed')
  expect(classify(error, { driver: 'mqtt', phase: 'connect', lastEvent }).reason).toBe('connection-refused')
})
