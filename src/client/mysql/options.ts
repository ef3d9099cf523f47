import type { PoolOptions as DriverOptions } from 'mysql2/promise'
import { usage } from '../../core/errors.js'
import type { Target } from '../../core/target.js'
import { credentials } from '../../io/tls.js'
import { type ConnectLimits, limitsOf } from '../again.js'
import { CONNECT_OPTIONS, checkOptions } from '../checked.js'

export interface MysqlOptions extends ConnectLimits {
  /** In messages. Default: the target's name. */
  readonly name?: string
  /** Connections at most. Default 10. */
  readonly max?: number
  /** How long a query waits for a connection in all. Milliseconds, default 30,000. */
  readonly acquireTimeoutMillis?: number
  /** How long a statement may be without an answer; then its connection is closed. Milliseconds, default 60,000; 0 is none. A query's own `timeout` goes before it. */
  readonly query_timeout?: number
  /** The server's limit for a statement, for a client that is not there any more. Milliseconds, default `query_timeout` + 5000; 0 is none. MySQL applies it to SELECT alone. */
  readonly statement_timeout?: number
  /** The server's limit for waiting on a row's lock. Milliseconds, in whole seconds, default 30,000. */
  readonly lock_timeout?: number
  /** An idle connection is closed after this. Milliseconds, default 60,000. */
  readonly idleTimeoutMillis?: number
  /** TCP keepalive: the time without a packet before the first probe. Milliseconds, default 600,000. */
  readonly keepAliveInitialDelayMillis?: number
  /** How long `end()` waits for what is under way. Milliseconds, default 30,000. */
  readonly endTimeoutMillis?: number
  /** In place of the address' one. */
  readonly password?: string
  /** Ends connecting with the signal's reason. */
  readonly signal?: AbortSignal
  /** The driver's own options; what holds is not among them. */
  readonly settings?: object
}

const KNOWN = {
  ...CONNECT_OPTIONS,
  name: 'text',
  max: 'number',
  acquireTimeoutMillis: 'number',
  query_timeout: 'number',
  statement_timeout: 'number',
  lock_timeout: 'number',
  idleTimeoutMillis: 'number',
  keepAliveInitialDelayMillis: 'number',
  endTimeoutMillis: 'number',
  password: 'text',
  signal: 'any',
  settings: 'any',
} as const

/** What they are called in mysql2, or nearly so. */
const INSTEAD = {
  connectionLimit: 'max',
  connectTimeout: 'connectTimeoutMillis',
  acquireTimeout: 'acquireTimeoutMillis',
  idleTimeout: 'idleTimeoutMillis',
  keepAliveInitialDelay: 'keepAliveInitialDelayMillis',
}

export type MysqlLimits = ReturnType<typeof mysqlLimits>

export function mysqlLimits(options: MysqlOptions) {
  checkOptions('holdfast/mysql', options, KNOWN, INSTEAD)
  const { max = 10, query_timeout = 60_000 } = options
  if (!Number.isInteger(max) || max < 1)
    throw usage(`holdfast/mysql: max is ${max}, and has to be a whole number from 1`)
  return {
    ...limitsOf(options),
    max,
    query_timeout,
    acquireTimeoutMillis: options.acquireTimeoutMillis ?? 30_000,
    statement_timeout: options.statement_timeout ?? (query_timeout === 0 ? 0 : query_timeout + 5000),
    lock_timeout: options.lock_timeout ?? 30_000,
    idleTimeoutMillis: options.idleTimeoutMillis ?? 60_000,
    keepAliveInitialDelayMillis: options.keepAliveInitialDelayMillis ?? 600_000,
    endTimeoutMillis: options.endTimeoutMillis ?? 30_000,
  }
}

/** mysql2's options for a target, with those that hold. */
export function driverOptions(target: Target, options: MysqlOptions, limits: MysqlLimits): DriverOptions {
  const { tls, user, database } = target
  const [host, more] = target.hosts
  const bad = (what: string) => usage(`${target.address}: ${what}`)
  if (!host || more) throw bad('one host is needed')
  const password = options.password ?? target.password?.reveal()
  const secure = !('path' in host) && tls.mode !== 'disable' && tls.mode !== 'allow' && tls.mode !== 'prefer'
  // mysql2 would compare the certificate with "localhost".
  if (secure && tls.mode === 'verify-full' && /^[\d.]+$|:/.test(host.host))
    throw bad('mysql2 verifies names only: write the name that the certificate has, or sslmode=verify-ca')
  return {
    ...options.settings,
    ...('path' in host ? { socketPath: host.path } : { host: host.host, port: host.port }),
    ...(user ? { user } : {}),
    ...(password === undefined ? {} : { password }),
    ...(database ? { database } : {}),
    ...(secure
      ? {
          ssl: {
            ...(credentials(tls, () => undefined) as object),
            verifyIdentity: tls.mode === 'verify-full',
          },
        }
      : {}),
    connectTimeout: limits.connectTimeoutMillis,
    // One more than there will be: mysql2 closes idle connections only where fewer may be idle than open.
    connectionLimit: limits.max + 1,
    maxIdle: limits.max,
    idleTimeout: limits.idleTimeoutMillis,
    waitForConnections: true,
    queueLimit: 0,
    enableKeepAlive: true,
    keepAliveInitialDelay: limits.keepAliveInitialDelayMillis,
  }
}

/**
 * What a new session is told. Comments that one of the two servers executes: `/*M!` MariaDB, `/*!50708` MySQL, since MariaDB skips
 * numbers from 50700 to 50999. Source: MariaDB's manual, "Comment Syntax".
 */
export function setup({ statement_timeout, lock_timeout }: MysqlLimits): string {
  const lock = Math.max(1, Math.ceil(lock_timeout / 1000))
  const limit = `/*M!100101 , max_statement_time = ${statement_timeout / 1000} *//*!50708 , max_execution_time = ${Math.round(statement_timeout)} */`
  return `SET SESSION autocommit = 1, innodb_lock_wait_timeout = ${lock} ${limit}`
}
