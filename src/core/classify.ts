import type { ReasonId } from './reasons.js'
import { LinkError, ProbeError } from './service.js'
import type { Finding } from './verdict.js'

/** What Node's network errors carry. */
interface NodeError {
  readonly code?: string
  readonly syscall?: string
  readonly message?: string
}

/** The order in which the attempts of one AggregateError count. */
export const PRECEDENCE = [
  'ECONNREFUSED',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EACCES',
  'EADDRNOTAVAIL',
]

const BY_CODE: Readonly<Record<string, ReasonId>> = {
  ECONNREFUSED: 'connection-refused',
  ENOENT: 'connection-refused',
  EHOSTUNREACH: 'host-unreachable',
  ENETUNREACH: 'host-unreachable',
  EHOSTDOWN: 'host-unreachable',
  ENETDOWN: 'host-unreachable',
  EACCES: 'host-unreachable',
  EPERM: 'host-unreachable',
  ECONNRESET: 'connection-lost',
  ECONNABORTED: 'connection-lost',
  EPIPE: 'connection-lost',
  EOF: 'connection-lost',
  EMFILE: 'resource-exhausted',
  ENFILE: 'resource-exhausted',
  ENOBUFS: 'resource-exhausted',
  EADDRNOTAVAIL: 'resource-exhausted',
  ERR_INVALID_URL: 'client-misuse',
  ERR_SOCKET_BAD_PORT: 'client-misuse',
  ERR_INVALID_ARG_TYPE: 'client-misuse',
  ENOTFOUND: 'dns-failure',
  EAI_AGAIN: 'dns-failure',
  ESERVFAIL: 'dns-failure',
  ETIMEOUT: 'dns-failure',
  EREFUSED: 'dns-failure',
  ENODATA: 'dns-failure',
}

const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/

/** The reason of a transport error: sockets, resolver, TLS. Source of the codes: Node's errors and dns documentation. */
export function classifyTransport(error: unknown): Finding {
  if (error instanceof ProbeError) return error.finding
  const { code, syscall = '', message = '' } = fieldsOf(pick(error))
  const base = { message: opensslReason(message) || code || String(error), ...(code ? { code } : {}) }
  // c-ares has queryA, querySrv, …; mysql2 has a bare `query`.
  if (syscall === 'getaddrinfo' || /^query[A-Z]/.test(syscall)) return { ...base, reason: 'dns-failure' }
  if (/before secure TLS connection/.test(message)) {
    return {
      ...base,
      reason: 'tls-failure',
      byText: true,
      advice: 'The server ended the TLS handshake; see whether it speaks TLS on this port.',
    }
  }
  if (code && TLS_CODE.test(code)) return { ...base, reason: 'tls-failure', ...tlsAdvice(code, message) }
  if (code === 'ETIMEDOUT')
    return {
      ...base,
      reason: syscall === 'read' || syscall === 'write' ? 'connection-lost' : 'connect-timeout',
    }
  if (code?.startsWith('HPE_')) return { ...base, reason: 'protocol-mismatch' }
  if (error instanceof Error && error.name === 'TimeoutError') return { ...base, reason: 'connect-timeout' }
  if (error instanceof LinkError) return { ...base, reason: 'connection-lost' }
  const known = code !== undefined && Object.hasOwn(BY_CODE, code)
  return { ...base, reason: (known && BY_CODE[code]) || 'unknown' }
}

/** The reason out of a line of OpenSSL's error queue, `thread:error:code:library:function:reason:file:line:`. */
const opensslReason = (message: string): string =>
  message.replace(/^[0-9A-F]+:error:(?:[^:]*:){3}([^:]+):[^\n]*\s*$/, 'TLS: $1')

/** What of it is text: drivers put numbers into `code`, and anything can be thrown. */
function fieldsOf(error: unknown): NodeError {
  if (typeof error !== 'object' || error === null) return { message: String(error) }
  const text = Object.entries({ ...error, message: (error as NodeError).message })
  return Object.fromEntries(text.filter(([, value]) => typeof value === 'string'))
}

/** Of an AggregateError the attempt that tells most: its own code is only the first one's, its message is empty. */
function pick(error: unknown): unknown {
  const { errors } = (error ?? {}) as { errors?: unknown }
  if (!Array.isArray(errors) || errors.length === 0) return error
  const rank = (one: unknown) => {
    const at = PRECEDENCE.indexOf(fieldsOf(one).code ?? '')
    return at < 0 ? PRECEDENCE.length : at
  }
  return [...errors].sort((a, b) => rank(a) - rank(b))[0]
}

/** The error that stands for all attempts of one dial. */
export const mostTelling = (errors: readonly unknown[]): unknown => pick({ errors })

export function tlsAdvice(code: string, message: string): { advice?: string } {
  // Where there is only EPROTO, OpenSSL's message names the check in other letters.
  const text = `${code} ${message}`.toUpperCase().replace(/[ -]/g, '_')
  const advice = TLS_ADVICE.find(([pattern]) => pattern.test(text))?.[1]
  return advice ? { advice } : {}
}

const TLS_ADVICE: readonly (readonly [RegExp, string])[] = [
  [/BAD_DECRYPT|MISSING_PASSPHRASE/, 'The key is encrypted: give its password with sslpassword.'],
  // A wrong password decrypts, once in some hundred times, to what is no key.
  [/ERR_OSSL_UNSUPPORTED/, 'The file in sslkey is no key in PEM format, or sslpassword is not its password.'],
  [/KEY_VALUES_MISMATCH/, 'The key in sslkey does not belong to the certificate in sslcert.'],
  [/NO_START_LINE/, 'One of the files in sslrootcert, sslcert and sslkey is not in PEM format.'],
  [
    /ALTNAME|HOSTNAME_MISMATCH/,
    'The certificate is for other names: connect by a name that it lists, or issue one for this host. sslmode=verify-ca checks the authority only.',
  ],
  [/EXPIRED/, 'The certificate has expired: renew it on the server.'],
  [/NOT_YET_VALID/, 'The certificate is not valid yet: check the clocks of both sides.'],
  [
    /SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED/,
    'The authority is not trusted: name its certificate with sslrootcert=FILE.',
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST/,
    'The server does not speak TLS on this port: use the plain scheme or sslmode, or the TLS port.',
  ],
  [
    /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE|UNKNOWN_CA/,
    'The server rejected the client certificate, or wants one: give sslcert=FILE and sslkey=FILE.',
  ],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, 'Both sides allow no common TLS version.'],
]
