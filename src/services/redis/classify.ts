import type { ReasonId } from '../../core/reasons.js'
import type { Finding } from '../../core/verdict.js'

/** Reply prefix → reason. Source: Redis' server.c and acl.c. */
const BY_PREFIX: Readonly<Record<string, ReasonId>> = {
  LOADING: 'server-not-ready',
  MASTERDOWN: 'server-not-ready',
  CLUSTERDOWN: 'server-not-ready',
  TRYAGAIN: 'server-not-ready',
  BUSY: 'server-not-ready',
  OOM: 'resource-exhausted',
  MISCONF: 'resource-exhausted',
  NOAUTH: 'authentication-failed',
  WRONGPASS: 'authentication-failed',
  NOPERM: 'access-denied',
  DENIED: 'access-denied',
  MOVED: 'protocol-mismatch',
  ASK: 'protocol-mismatch',
  READONLY: 'read-only',
  NOREPLICAS: 'read-only',
  BUSYGROUP: 'query-error',
  BUSYKEY: 'query-error',
  CROSSSLOT: 'query-error',
  ERR: 'query-error',
  EXECABORT: 'query-error',
  NOGROUP: 'query-error',
  NOSCRIPT: 'query-error',
  WRONGTYPE: 'query-error',
}

// biome-ignore format: a table
const BY_TEXT: readonly (readonly [RegExp, ReasonId, string?])[] = [
  [/max number of clients/i, 'too-many-connections'],
  [/DB index is out of range|invalid DB index/i, 'database-not-found'],
  [/AUTH.*called without any password configured|no password is set/i, 'authentication-failed',
    'The server has no password for this user: leave it out of the address, or set requirepass.'],
  [/wrong number of arguments for 'auth'/i, 'client-misuse',
    'A server before Redis 6 knows no users: leave the user out of the address.'],
  [/invalid password/i, 'authentication-failed'],
]

const ADVICE: Readonly<Record<string, string>> = {
  NOAUTH: 'The server wants a password: put it into the address, redis://:PASSWORD@host.',
  DENIED: 'Protected mode: set a password, or bind the server to the network (see its message).',
  MASTERDOWN: 'This replica has lost its primary: wait for the link, or connect to the primary.',
}

/** What a Redis error reply means: drivers put it, prefix first, into the message. */
export function classifyRedis(error: unknown): Finding | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { message } = error as { message?: unknown }
  if (typeof message !== 'string') return undefined
  const code = /^-?([A-Z]{3,})(?= |$)/.exec(message)?.[1]
  if (!code) return undefined
  const [, textual, advice] = BY_TEXT.find(([pattern]) => pattern.test(message)) ?? []
  if (textual) return { reason: textual, code, message, byText: true, ...(advice ? { advice } : {}) }
  const reason = BY_PREFIX[code]
  return reason && { reason, code, message, ...(ADVICE[code] ? { advice: ADVICE[code] } : {}) }
}
