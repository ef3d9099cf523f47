import { describe, expect, test } from 'vitest'
import { Look } from './look.js'
import type { ReasonId } from './reasons.js'
import { transportByCode, transportByName } from './transport.js'

const failed = (code: string, more: object = {}) =>
  Look.at(Object.assign(new Error(`failed with ${code}`), { code, ...more }))

describe('a code', () => {
  const codes: [ReasonId, string[]][] = [
    ['dns-failure', ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL']],
    ['connection-refused', ['ECONNREFUSED']],
    ['host-unreachable', ['EHOSTUNREACH', 'ENONET', 'EAFNOSUPPORT']],
    ['connect-timeout', ['ETIMEDOUT', 'ERR_SOCKET_CONNECTION_TIMEOUT']],
    ['connection-lost', ['ECONNRESET', 'ENOTCONN', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE']],
    ['resource-exhausted', ['EMFILE', 'ENOMEM', 'ENOSPC', 'EDQUOT']],
    ['tls-failure', ['CERT_HAS_EXPIRED', 'CRL_HAS_EXPIRED', 'INVALID_CA', 'ERROR_IN_CERT_NOT_BEFORE_FIELD']],
    ['protocol-mismatch', ['HPE_INVALID_CONSTANT', 'ERR_BUFFER_OUT_OF_BOUNDS']],
    ['client-misuse', ['ERR_INVALID_URL', 'ERR_INVALID_PROTOCOL', 'ERR_MISSING_ARGS']],
  ]
  test.each(codes.flatMap(([reason, list]) => list.map(code => [code, reason] as const)))(
    '%s means %s',
    (code, reason) => expect(transportByCode(failed(code))).toMatchObject({ reason, code }),
  )

  test.each(['ESTRANGE', 'constructor', ''])('that no rule knows, "%s", is left to others', code => {
    expect(transportByCode(failed(code))).toBeUndefined()
  })

  test('of a reset in a TLS handshake is one of TLS, also where only the message is left', () => {
    const text = 'Client network socket disconnected before secure TLS connection was established'
    for (const more of [{}, { code: 'ECONNRESET' }])
      expect(transportByCode(Look.at(Object.assign(new Error(text), more)))).toMatchObject({
        reason: 'tls-failure',
        byText: true,
      })
  })

  test.each<[string, ReasonId | undefined]>([
    ['connect ECONNREFUSED 10.0.0.1:5432', 'connection-refused'],
    ['read ETIMEDOUT', 'connection-lost'],
    ['connect ETIMEDOUT', 'connect-timeout'],
    ['getaddrinfo ENOTFOUND db', 'dns-failure'],
    ['querySrv ECONNREFUSED _mongodb._tcp.db', 'dns-failure'],
    ['connecting ECONNREFUSED', undefined],
    ['connect ESTRANGE', undefined],
  ])('that is left in the message only, "%s", counts, and is flagged so', (message, reason) => {
    const finding = transportByCode(Look.at(new Error(message)))
    expect(finding?.reason).toBe(reason)
    expect(finding?.byText).toBe(reason && true)
  })
})

test('a parser that read past its bytes was given those of another protocol', () => {
  const error = failed('ERR_OUT_OF_RANGE', { message: 'The value of "offset" is out of range. It must be …' })
  expect(transportByCode(error)).toMatchObject({ reason: 'protocol-mismatch', byText: true })
})

test('a wait that was given up is named by the platform, and meant by the phase', () => {
  for (const name of ['TimeoutError', 'AbortError']) {
    const error = Look.at(Object.assign(new Error('x'), { name }))
    expect(transportByName(error, 'connect')?.reason).toBe('connect-timeout')
    expect(transportByName(error, 'statement')?.reason).toBe('statement-timeout')
    expect(transportByName(error)?.reason).toBe('statement-timeout')
  }
  expect(transportByName(Look.at(new URIError('URI malformed')))?.reason).toBe('client-misuse')
  expect(transportByName(Look.at(new Error('x')))).toBeUndefined()
})
