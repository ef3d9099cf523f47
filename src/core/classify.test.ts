import { describe, expect, test } from 'vitest'
import { classifyTransport, mostTelling } from './classify.js'
import type { ReasonId } from './reasons.js'
import { LinkError, ProbeError } from './service.js'

const failed = (code: string, more: object = {}) =>
  Object.assign(new Error(`failed with ${code}`), { code, ...more })

describe('a code of Node', () => {
  const codes: [ReasonId, string[]][] = [
    ['dns-failure', ['ENOTFOUND', 'EAI_AGAIN', 'ESERVFAIL', 'ETIMEOUT', 'EREFUSED', 'ENODATA']],
    ['connection-refused', ['ECONNREFUSED', 'ENOENT']],
    ['host-unreachable', ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EACCES', 'EPERM']],
    ['connection-lost', ['ECONNRESET', 'ECONNABORTED', 'EPIPE']],
    ['connect-timeout', ['ETIMEDOUT']],
    ['resource-exhausted', ['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS']],
    [
      'tls-failure',
      [
        'EPROTO',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'ERR_SSL_WRONG_VERSION_NUMBER',
        'ERR_OSSL_PEM_NO_START_LINE',
        'CERT_HAS_EXPIRED',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'SELF_SIGNED_CERT_IN_CHAIN',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'HOSTNAME_MISMATCH',
      ],
    ],
    ['protocol-mismatch', ['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION']],
    ['client-misuse', ['ERR_INVALID_URL', 'ERR_SOCKET_BAD_PORT', 'ERR_INVALID_ARG_TYPE']],
    ['unknown', ['ESOMETHING', 'EPROTONOSUPPORT', 'XERR_TLS_', 'constructor']],
  ]
  test.each(codes.flatMap(([reason, list]) => list.map(code => [code, reason] as const)))(
    '%s means %s',
    (code, reason) => {
      expect(classifyTransport(failed(code))).toMatchObject({
        reason,
        code,
        message: `failed with ${code}`,
      })
    },
  )

  test.each(['getaddrinfo', 'queryA', 'querySrv'])(
    'with syscall %s is about the name, whatever it is',
    syscall => {
      for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EWHATEVER'])
        expect(classifyTransport(failed(code, { syscall })).reason).toBe('dns-failure')
    },
  )

  test('ETIMEDOUT is a lost connection while reading or writing', () => {
    expect(classifyTransport(failed('ETIMEDOUT', { syscall: 'connect' })).reason).toBe('connect-timeout')
    expect(classifyTransport(failed('ETIMEDOUT', { syscall: 'read' })).reason).toBe('connection-lost')
    expect(classifyTransport(failed('ETIMEDOUT', { syscall: 'write' })).reason).toBe('connection-lost')
  })

  test('with syscall query, which mysql2 gives a time-out, is not about the name', () => {
    expect(classifyTransport(failed('ECONNRESET', { syscall: 'query' })).reason).toBe('connection-lost')
  })

  test('that is a number is no code of Node, and no crash', () => {
    expect(classifyTransport(Object.assign(new Error('gone'), { code: 4031 }))).toEqual({
      reason: 'unknown',
      message: 'gone',
    })
  })
})

describe('an AggregateError', () => {
  const both = (...codes: string[]) => {
    const errors = codes.map(code => failed(code))
    return Object.assign(new AggregateError(errors, ''), { code: codes[0] })
  }

  test('has the message and the code of the attempt that tells most, since its own message is empty', () => {
    expect(classifyTransport(both('ECONNREFUSED', 'ECONNREFUSED'))).toEqual({
      reason: 'connection-refused',
      code: 'ECONNREFUSED',
      message: 'failed with ECONNREFUSED',
    })
  })

  const order = [
    'ECONNREFUSED',
    'ENOENT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ETIMEDOUT',
    'EACCES',
    'EADDRNOTAVAIL',
  ]
  test.each(order.flatMap((better, i) => order.slice(i + 1).map(worse => [better, worse] as const)))(
    'prefers %s to %s in either order',
    (better, worse) => {
      expect(classifyTransport(both(better, worse)).code).toBe(better)
      expect(classifyTransport(both(worse, better)).code).toBe(better)
    },
  )

  test('prefers every code of the list to one that is not on it', () => {
    expect(classifyTransport(both('ESTRANGE', 'EACCES')).code).toBe('EACCES')
    expect(classifyTransport(both('ESTRANGE', 'EADDRNOTAVAIL')).code).toBe('EADDRNOTAVAIL')
  })

  test('without attempts, or with attempts that are no errors, is unknown', () => {
    expect(classifyTransport(new AggregateError([], 'nothing')).reason).toBe('unknown')
    expect(classifyTransport(new AggregateError([null, undefined, 7], 'odd')).reason).toBe('unknown')
  })

  test('is not needed: the most telling of a list is found in it', () => {
    const [lost, refused] = [failed('ETIMEDOUT'), failed('ECONNREFUSED')]
    expect(mostTelling([lost, refused])).toBe(refused)
    expect(mostTelling([lost])).toBe(lost)
  })
})

describe('a failure of TLS', () => {
  test.each([
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'The certificate is for other names'],
    ['HOSTNAME_MISMATCH', 'The certificate is for other names'],
    ['CERT_HAS_EXPIRED', 'has expired: renew'],
    ['CERT_NOT_YET_VALID', 'check the clocks'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'sslrootcert=FILE'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'sslrootcert=FILE'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'sslrootcert=FILE'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'sslrootcert=FILE'],
    ['CERT_UNTRUSTED', 'sslrootcert=FILE'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS on this port'],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'does not speak TLS on this port'],
    ['ERR_SSL_HTTP_REQUEST', 'does not speak TLS on this port'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'sslcert=FILE and sslkey=FILE'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'sslcert=FILE and sslkey=FILE'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'sslcert=FILE and sslkey=FILE'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'sslcert=FILE and sslkey=FILE'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'no common TLS version'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'no common TLS version'],
  ])('by %s comes with advice: %s', (code, advice) => {
    expect(classifyTransport(failed(code)).advice).toContain(advice)
  })

  test('that only names the check in OpenSSL’s words comes with advice, too', () => {
    const error = Object.assign(
      new Error(
        'write EPROTO 40B7:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../x.c:354:',
      ),
      { code: 'EPROTO' },
    )
    expect(classifyTransport(error).advice).toContain('does not speak TLS on this port')
  })

  test('that no rule knows has the table’s advice', () => {
    expect(classifyTransport(failed('ERR_SSL_STRANGE'))).not.toHaveProperty('advice')
  })

  test('which Node calls a reset is told by its text, and flagged so', () => {
    const text = 'Client network socket disconnected before secure TLS connection was established'
    expect(classifyTransport(Object.assign(new Error(text), { code: 'ECONNRESET' }))).toMatchObject({
      reason: 'tls-failure',
      code: 'ECONNRESET',
      byText: true,
      advice: expect.stringContaining('whether it speaks TLS'),
    })
  })
})

describe('an error of our own', () => {
  test('that knows its finding keeps it', () => {
    const finding = { reason: 'unmet', message: 'x', advice: 'y' } as const
    expect(classifyTransport(new ProbeError(finding))).toBe(finding)
  })

  test('about the end of the stream is a lost connection', () => {
    expect(classifyTransport(new LinkError('the server closed the connection'))).toEqual({
      reason: 'connection-lost',
      code: 'EOF',
      message: 'the server closed the connection',
    })
  })

  test('about a deadline is a connection that took too long', () => {
    const error = Object.assign(new Error('no answer within 5 ms'), { name: 'TimeoutError' })
    expect(classifyTransport(error).reason).toBe('connect-timeout')
  })
})

test.each([
  [null, 'null'],
  [undefined, 'undefined'],
  ['a string', 'a string'],
  [42, '42'],
  [{}, '[object Object]'],
  [new Error(''), 'Error'],
  [Object.assign(new Error(''), { code: 'EPIPE' }), 'EPIPE'],
])('whatever was thrown, %j, gives a message', (thrown, message) => {
  expect(classifyTransport(thrown).message).toBe(message)
})
