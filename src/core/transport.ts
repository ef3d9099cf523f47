import { classifyTransport } from './classify.js'
import type { Look } from './look.js'
import type { ReasonId } from './reasons.js'
import { byText, type Phase, reasonIn, type TextRule, TIME_LIMIT } from './rules.js'
import type { Finding } from './verdict.js'

/** What Node gives to programs beyond what a probe of ours can meet. Source: Node's errors documentation, errno(3). */
const BY_CODE: Readonly<Record<string, ReasonId>> = {
  ENONET: 'host-unreachable',
  EAFNOSUPPORT: 'host-unreachable',
  ERR_SOCKET_CONNECTION_TIMEOUT: 'connect-timeout',
  ENETRESET: 'connection-lost',
  ENOTCONN: 'connection-lost',
  ESHUTDOWN: 'connection-lost',
  ERR_SOCKET_CLOSED: 'connection-lost',
  ERR_STREAM_DESTROYED: 'connection-lost',
  ERR_STREAM_PREMATURE_CLOSE: 'connection-lost',
  ERR_STREAM_WRITE_AFTER_END: 'connection-lost',
  ENOMEM: 'resource-exhausted',
  ENOSPC: 'resource-exhausted',
  EDQUOT: 'resource-exhausted',
  ERR_BUFFER_OUT_OF_BOUNDS: 'protocol-mismatch',
  ERR_INVALID_PROTOCOL: 'client-misuse',
  ERR_INVALID_ARG_VALUE: 'client-misuse',
  ERR_MISSING_ARGS: 'client-misuse',
}

/** The rest of OpenSSL's names for what is wrong with a certificate. Source: Node's tls documentation. */
const TLS_CODE = /^(CRL_|ERROR_IN_C|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$)/

/** A parser that was given another protocol's bytes. */
const TEXTS: readonly TextRule[] = [[/^The value of "offset" is out of range/, 'protocol-mismatch']]

/** Node writes `syscall code address` into the message, which is all that is left of an error that was copied. */
const IN_TEXT = /^(connect|read|write|getaddrinfo|query[A-Z]\w*) (E[A-Z]{3,})\b/

/** By code and system call, or by what Node writes of them into the message. */
export function transportByCode(error: Look): Finding | undefined {
  const { code, message } = error
  if (!code) {
    const [, syscall, copied] = IN_TEXT.exec(message) ?? []
    const told = copied && known({ code: copied, syscall, message })
    return told ? { ...told, byText: true } : (byText(TEXTS, message) ?? known({ message }))
  }
  const reason = reasonOfCode(code)
  if (reason) return { reason, code, message }
  return byText(TEXTS, message) ?? known({ code, syscall: error.text('syscall'), message })
}

function reasonOfCode(code: string): ReasonId | undefined {
  if (code.startsWith('EAI_')) return 'dns-failure'
  if (TLS_CODE.test(code)) return 'tls-failure'
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined
}

function known(fields: object): Finding | undefined {
  const finding = classifyTransport(fields)
  return finding.reason === 'unknown' ? undefined : finding
}

/** By the name that the platform gives: an abandoned wait, an address that is none. */
export function transportByName(error: Look, phase?: Phase): Finding | undefined {
  const { message } = error
  if (error.is('TimeoutError', 'AbortError')) return { reason: reasonIn(TIME_LIMIT, phase), message }
  return error.is('URIError') ? { reason: 'client-misuse', message } : undefined
}
