import type { ReasonId } from '../../core/reasons.js'
import type { Finding } from '../../core/verdict.js'
import { MalformedError } from '../../wire/postgres.js'
import { adviceFor } from './advice.js'

/** The part of a server's error that the rules need; `pg` and postgres.js name the fields alike. */
export interface PostgresError {
  readonly code?: string
  readonly severity?: string
  readonly routine?: string
  readonly message?: string
  readonly detail?: string
}

type Rule = readonly [pattern: RegExp, reason: ReasonId]

/** SQLSTATE → reason. Source: PostgreSQL manual, appendix A. */
const BY_STATE: readonly Rule[] = [
  [/^57P03$/, 'server-not-ready'],
  [/^(57P0[125]|25P0[34]|08)/, 'connection-lost'],
  [/^53300$/, 'too-many-connections'],
  [/^(53|58)/, 'resource-exhausted'],
  [/^28P01$/, 'authentication-failed'],
  [/^28/, 'access-denied'],
  [/^(3D000|57P04)$/, 'database-not-found'],
  [/^25006$/, 'read-only'],
  [/^57014$/, 'statement-timeout'],
  [/^(40|55P03)/, 'transaction-conflict'],
]

/** PgBouncer sends 08P01 without a routine for everything; only the text tells which. */
const PGBOUNCER: readonly Rule[] = [
  [/max_client_conn|no more connections|client connections exceeded/i, 'too-many-connections'],
  [/^(SSL|TLS) required/i, 'tls-failure'],
  [/login rejected/i, 'access-denied'],
  [/no such database|database ".*" does not exist/i, 'database-not-found'],
  [/query_wait_timeout/i, 'pool-exhausted'],
  [/starting up|disabled|server login has been failing/i, 'server-not-ready'],
  [/query[_ ]timeout|transaction[_ ]timeout/i, 'statement-timeout'],
  [/client_idle_timeout|server conn crashed|database removed/i, 'connection-lost'],
  [/unsupported startup parameter/i, 'client-misuse'],
  [/auth|SASL|password/i, 'authentication-failed'],
]

/** True for an error that PgBouncer wrote, which names no routine of the server's source. */
export const fromPgBouncer = ({ code, routine }: PostgresError): boolean => code === '08P01' && !routine

/**
 * What a PostgreSQL or PgBouncer error means, by SQLSTATE; undefined where it has none. Some states say something
 * else of a login than of a statement: a FATAL is a login's, and so is what the caller knows to be one.
 */
export function classifyPostgres(error: unknown, login = false): Finding | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if (error instanceof MalformedError) return { reason: 'protocol-mismatch', message: error.message }
  const { code, severity, routine, message = '', detail } = error as PostgresError
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code) || !/\d/.test(code)) return undefined
  const pgbouncer = fromPgBouncer({ code, ...(routine ? { routine } : {}) })
  const base = {
    code,
    message: detail ? `${message} (${detail})` : message,
    ...adviceFor(code, message, pgbouncer),
  }
  if (pgbouncer) {
    const reason = PGBOUNCER.find(([pattern]) => pattern.test(message))?.[1] ?? 'connection-lost'
    return { ...base, reason, byText: true }
  }
  if (code === '08P01') return { ...base, reason: 'protocol-mismatch' }
  const fatal = login || severity === 'FATAL' || severity === 'PANIC'
  if (code === '28000' && routine === 'InitializeSessionUserId')
    return { ...base, reason: 'authentication-failed' }
  if (fatal && (code === '42501' || code === '55000')) return { ...base, reason: 'access-denied' }
  if (fatal && code === '42704') return { ...base, reason: 'client-misuse' }
  return { ...base, reason: BY_STATE.find(([pattern]) => pattern.test(code))?.[1] ?? 'query-error' }
}
