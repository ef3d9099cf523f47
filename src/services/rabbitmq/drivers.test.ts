import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classify } from '../classify.js'

const closed = (code: number, name: string, text: string, how = 'Channel closed by server: ') =>
  Object.assign(new Error(`${how}${code} (${name}) with message "${text}"`), {
    code,
    classId: 50,
    methodId: 10,
  })

const of = (error: unknown, more: object = {}) => classify(error, { driver: 'amqplib', ...more })

test.each<[number, string, string, ReasonId]>([
  [320, 'CONNECTION-FORCED', "broker forced connection closure with reason 'shutdown'", 'connection-lost'],
  [402, 'INVALID-PATH', 'x', 'database-not-found'],
  [403, 'ACCESS-REFUSED', "access to queue 'q' refused", 'access-denied'],
  [404, 'NOT-FOUND', "no queue 'q'", 'query-error'],
  [405, 'RESOURCE-LOCKED', 'x', 'query-error'],
  [406, 'PRECONDITION-FAILED', 'x', 'query-error'],
  [501, 'FRAME-ERROR', 'x', 'protocol-mismatch'],
  [506, 'RESOURCE-ERROR', 'x', 'resource-exhausted'],
  [530, 'NOT-ALLOWED', "access to vhost '/' refused", 'access-denied'],
  [530, 'NOT-ALLOWED', 'vhost nosuch not found', 'database-not-found'],
  [530, 'NOT-ALLOWED', "access to vhost '/': connection limit (1) is reached", 'too-many-connections'],
  [541, 'INTERNAL-ERROR', "vhost '/' is down", 'server-not-ready'],
])('reply code %i (%s, %s) means %s', (code, name, text, reason) => {
  expect(classify(closed(code, name, text))).toMatchObject({ reason, code: String(code) })
})

describe('a close frame that is left as text', () => {
  test('in the handshake is a rejected login', () => {
    const text = `Handshake terminated by server: 403 (ACCESS-REFUSED) with message "Login was refused"`
    expect(of(new Error(text))).toMatchObject({ reason: 'authentication-failed', code: '403', byText: true })
  })

  test('within another error counts', () => {
    const text =
      'Connection closed (Error: Connection closed: 320 (CONNECTION-FORCED) with message "shutdown")'
    expect(of(new Error(text))).toMatchObject({ reason: 'connection-lost', code: '320', byText: true })
  })
})

test('a number of somebody else is no reply code', () => {
  expect(classify(Object.assign(new Error('Forbidden'), { code: 403 })).reason).toBe('unknown')
})

test.each<[string, ReasonId]>([
  ['Unexpected close', 'connection-lost'],
  ['Heartbeat timeout', 'connection-lost'],
  ['Connection closed (Error: Heartbeat timeout)', 'connection-lost'],
  ['channel closed', 'connection-lost'],
  ['Channel closed', 'connection-lost'],
  ['Channel ended, no reply will be forthcoming', 'connection-lost'],
  ['Socket closed abruptly during opening handshake', 'connection-lost'],
  ['connect ETIMEDOUT', 'connect-timeout'],
  ['Expected ConnectionOpenOk; got <ConnectionClose channel:0>', 'database-not-found'],
  ['Expected ConnectionStart; got <Heartbeat>', 'protocol-mismatch'],
  ['Frame size 1345270062 exceeds maxFrameSize 67108864', 'protocol-mismatch'],
  ['Invalid frame', 'protocol-mismatch'],
  ['Unknown class/method ID', 'protocol-mismatch'],
  ['Expected amqp: or amqps: as the protocol; got http:', 'client-misuse'],
  ['Connection closed (by client)', 'client-misuse'],
  ["Field 'queue' is the wrong type; must be a string (up to 255 chars)", 'client-misuse'],
  ['No channels left to allocate', 'pool-exhausted'],
])('"%s" means %s, and is flagged as text', (message, reason) => {
  expect(of(new Error(message))).toMatchObject({ reason, byText: true })
})

test.each(['channel closed', 'Channel closed', 'Channel ended, no reply will be forthcoming'])(
  '"%s" is explained by the last event',
  message => {
    const lastEvent = closed(404, 'NOT-FOUND', "no exchange 'x'")
    expect(of(new Error(message), { lastEvent })).toMatchObject({ reason: 'query-error', code: '404' })
  },
)

test('a reply to the operation itself is a rejection; a channel that closes leaves open what was published', () => {
  const outcome = (error: unknown) => of(error, { phase: 'statement' }).outcome
  expect(outcome(closed(404, 'NOT-FOUND', "no queue 'q'", 'Operation failed: QueueDeclare; '))).toBe(
    'rejected',
  )
  expect(outcome(closed(404, 'NOT-FOUND', "no exchange 'x'"))).toBe('unknown')
})
