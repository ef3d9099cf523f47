import { usage } from '../../core/errors.js'
import type { Target } from '../../core/target.js'
import { credentials } from '../../io/tls.js'
import type { ConnectLimits } from '../again.js'
import { CONNECT_OPTIONS, checkOptions } from '../checked.js'

export interface RedisOptions extends ConnectLimits {
  /** The client's name, in messages. Default: the target's name. */
  readonly name?: string
  /** Default: of `Redis` or `createClient`, else ioredis where it is installed, else redis. */
  readonly driver?: 'ioredis' | 'redis'
  /** The class of ioredis, in place of the installed one. */
  readonly Redis?: unknown
  /** The function of node-redis, in place of the installed one. */
  readonly createClient?: unknown
  /** How long a command waits for a connection; then it was not sent, and never will be. Milliseconds, default 30,000. */
  readonly acquireTimeoutMillis?: number
  /** How long a command that was sent waits for its answer; one that blocks (BLPOP, XREAD BLOCK …) has its own time. Milliseconds, default 60,000; 0 is none. */
  readonly commandTimeoutMillis?: number
  /** TCP keepalive: the time without a packet before the first probe. Milliseconds, default 600,000. */
  readonly keepAliveInitialDelayMillis?: number
  /** In place of the address' one. */
  readonly password?: string
  /** Ends connecting with the signal's reason. */
  readonly signal?: AbortSignal
  /** The driver's own options; what holds is not among them. */
  readonly settings?: object
}

export interface RedisLimits {
  readonly acquireTimeoutMillis: number
  readonly commandTimeoutMillis: number
  readonly keepAliveInitialDelayMillis: number
}

export function redisLimits(options: RedisOptions): RedisLimits {
  checkOptions('holdfast/redis', options, KNOWN, ELSEWHERE)
  const { driver } = options
  if (driver !== undefined && driver !== 'ioredis' && driver !== 'redis')
    throw usage('holdfast/redis: driver has to be ioredis or redis')
  return {
    acquireTimeoutMillis: options.acquireTimeoutMillis ?? 30_000,
    commandTimeoutMillis: options.commandTimeoutMillis ?? 60_000,
    keepAliveInitialDelayMillis: options.keepAliveInitialDelayMillis ?? 600_000,
  }
}

const KNOWN = {
  ...CONNECT_OPTIONS,
  name: 'text',
  driver: 'text',
  Redis: 'any',
  createClient: 'any',
  acquireTimeoutMillis: 'number',
  commandTimeoutMillis: 'number',
  keepAliveInitialDelayMillis: 'number',
  password: 'text',
  signal: 'any',
  settings: 'any',
} as const

const ONE = 'A client of Redis is one connection; connect() once more makes another one'
const ELSEWHERE = {
  max: ONE,
  connectionLimit: ONE,
  connectTimeout: 'Here it is "connectTimeoutMillis"',
  commandTimeout: 'Here it is "commandTimeoutMillis"',
  retryStrategy: 'Here it is "connectAttempts", "backoffMillis" and the like',
  reconnectStrategy: 'Here it is "connectAttempts", "backoffMillis" and the like',
}

export interface Place {
  readonly at: { readonly path: string } | { readonly host: string; readonly port: number }
  readonly username?: string
  readonly password?: string
  readonly database: number
  readonly tls?: object
}

/** Where a client of Redis goes, and as whom. */
export function placeOf(target: Target, options: RedisOptions): Place {
  const { database = '0', user, tls } = target
  const [host, more] = target.hosts
  const bad = (what: string) => usage(`${target.address}: ${what}`)
  if (!host || more) throw bad('one host is needed; for several use the Cluster or Sentinel of the driver')
  if (!/^\d{1,9}$/.test(database))
    throw bad(`"${database}" is not the number of a database; write redis://host:6379/0`)
  const password = options.password ?? target.password?.reveal()
  return {
    at: 'path' in host ? { path: host.path } : { host: host.address ?? host.host, port: host.port },
    database: Number(database),
    ...(user ? { username: user } : {}),
    ...(password === undefined ? {} : { password }),
    ...(tls.mode === 'disable' || 'path' in host
      ? {}
      : {
          tls: { ...credentials(tls, () => undefined), ...(host.address ? { servername: host.host } : {}) },
        }),
  }
}

/** These wait as long as they were told to. Source: the commands with the flag `blocking` of Redis 7.4. */
const BLOCKING = new Set(
  'blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin wait waitaof subscribe psubscribe ssubscribe monitor'.split(
    ' ',
  ),
)

export function blocks(name: string, args: readonly unknown[]): boolean {
  const word = name.toLowerCase()
  if (BLOCKING.has(word)) return true
  return /^xread(group)?$/.test(word) && args.some(arg => /^block$/i.test(String(arg)))
}
