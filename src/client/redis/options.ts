import { usage } from '../../core/errors.js'
import type { Target } from '../../core/target.js'
import { credentials } from '../../io/tls.js'
import type { ConnectLimits } from '../again.js'
import { CONNECT_OPTIONS, checkOptions, MOST_MILLIS } from '../checked.js'

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
  /** How long a command that was sent waits for its answer; one that blocks (BLPOP, XREAD BLOCK …) as much longer as it was told to block, without end where it was. Milliseconds, default 60,000; 0 is none. */
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
  const { connectAttempts, signal, settings } = options
  if (connectAttempts !== undefined && !(Number.isInteger(connectAttempts) && connectAttempts > 0))
    throw usage(`holdfast/redis: connectAttempts is ${connectAttempts}, and has to be a whole number from 1`)
  const wrong = (name: keyof RedisOptions, what: string) =>
    usage(`holdfast/redis: ${name} is of type ${typeof options[name]}, and has to be ${what}`)
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong('signal', 'an AbortSignal')
  if (settings !== undefined && (typeof settings !== 'object' || settings === null))
    throw wrong('settings', "an object of the driver's options")
  for (const name of ['Redis', 'createClient'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'function') throw wrong(name, DRIVERS[name])
  return {
    acquireTimeoutMillis: options.acquireTimeoutMillis ?? 30_000,
    commandTimeoutMillis: options.commandTimeoutMillis ?? 60_000,
    keepAliveInitialDelayMillis: options.keepAliveInitialDelayMillis ?? 600_000,
  }
}

const DRIVERS = { Redis: 'the class of ioredis', createClient: 'the function of node-redis' }

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

const ONE = 'one connection; connect() once more makes another one'
const ELSEWHERE = {
  max: ONE,
  connectionLimit: ONE,
  connectTimeout: 'connectTimeoutMillis',
  commandTimeout: 'commandTimeoutMillis',
  retryStrategy: 'connectAttempts, backoffMillis and the like',
  reconnectStrategy: 'connectAttempts, backoffMillis and the like',
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
  const asks = (name: string) => /^(?!(false|0|no|off)$)/i.test(target.params.get(name)?.reveal() ?? 'no')
  if (
    !host ||
    more ||
    /^\w+\+(cluster|sentinel)\b/i.test(target.address) ||
    asks('cluster') ||
    asks('sentinel')
  )
    throw bad('one server is needed; for several use the Cluster or Sentinel of the driver itself')
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

/** Where the time stands that these were told to wait, and its unit. Source: the commands with the flag `blocking` of Redis 7.4. */
const BLOCKING: readonly (readonly [names: string, at: number, millis: number])[] = [
  ['blpop brpop brpoplpush blmove bzpopmin bzpopmax', -1, 1000],
  ['blmpop bzmpop', 0, 1000],
  ['wait waitaof', -1, 1],
]

/** How long a command may block: milliseconds, Infinity where it has no end; undefined for one that does not. */
export function blocksFor(name: string, args: readonly unknown[]): number | undefined {
  const word = name.toLowerCase()
  if (word === 'monitor' || /^[ps]?subscribe$/.test(word)) return Number.POSITIVE_INFINITY
  const at = args.findIndex(arg => /^block$/i.test(String(arg)))
  if (/^xread(group)?$/.test(word)) return at < 0 ? undefined : endless(args[at + 1], 1)
  const known = BLOCKING.find(([names]) => names.split(' ').includes(word))
  return known && endless(args.at(known[1]), known[2])
}

/** A word that is no number is answered with an error. */
const endless = (word: unknown, millis: number): number =>
  Number(word) === 0 ? Number.POSITIVE_INFINITY : Number(word) * millis || 0

/** What a command is given for its answer, in milliseconds; undefined is no limit. */
export function answerWithin(commandTimeoutMillis: number, blocks = 0): number | undefined {
  const millis = commandTimeoutMillis + blocks
  return commandTimeoutMillis === 0 || millis > MOST_MILLIS ? undefined : millis
}
