import { basename } from 'node:path'
import { nearest, usage } from '../../core/errors.js'
import { CONNECT_LIMITS } from '../again.js'
import { checkGuarding } from './guarding.js'
import type { PoolOptions } from './types.js'

type Held =
  | 'circuitBreaker'
  | 'bulkhead'
  | 'meter'
  | 'password'
  | 'ssl'
  | 'types'
  | 'name'
  | 'target_session_attrs'

/** The options with their defaults. */
export type Settings = Required<Omit<PoolOptions, Held>> & Pick<PoolOptions, Held>

/** What a pool begins with, in one place. Sources: docs/client.md. */
const DEFAULTS = {
  max: 10,
  min: 0,
  acquireTimeoutMillis: 30_000,
  ...CONNECT_LIMITS,
  query_timeout: 60_000,
  lock_timeout: 30_000,
  idle_in_transaction_session_timeout: 60_000,
  validationQuery: 'SELECT 1',
  validateAfterMillis: 30_000,
  healthCheckMillis: 60_000,
  idleTimeoutMillis: 60_000,
  maxLifetimeSeconds: 300,
  maxLifetimeJitter: 0.1,
  maxUses: Number.POSITIVE_INFINITY,
  keepAliveInitialDelayMillis: 600_000,
  leakDetectionMillis: 0,
  endTimeoutMillis: 30_000,
  allowExitOnIdle: false,
} as const

/** How much longer than the client the server waits with `statement_timeout`: it is for clients that are gone. */
const STATEMENT_MARGIN_MS = 5000

const ATTRS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const

const KNOWN: readonly string[] = [
  ...Object.keys(DEFAULTS),
  ...['statement_timeout', 'application_name', 'retry', 'circuitBreaker', 'bulkhead', 'meter'],
  ...['password', 'ssl', 'types', 'name', 'target_session_attrs'],
]

/** node-postgres' names for what has another one here, or a place in the address. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  connectionString: 'it is the first argument of createPool',
  host: 'it is part of the address',
  port: 'it is part of the address',
  user: 'it is part of the address',
  database: 'it is part of the address',
  connectionTimeoutMillis: 'here it is connectTimeoutMillis, and acquireTimeoutMillis for the whole wait',
  keepAlive: 'it is always on; see keepAliveInitialDelayMillis',
  poolSize: 'it is max',
}

/**
 * @throws HoldfastError (usage) naming option and value.
 */
export function settingsOf(options: PoolOptions, env: NodeJS.ProcessEnv = process.env): Settings {
  for (const key of Object.keys(options)) {
    if (KNOWN.includes(key)) continue
    const near = nearest(key, KNOWN)
    const hint = ELSEWHERE[key] ?? (near ? `did you mean ${near}?` : `known are ${KNOWN.join(', ')}`)
    throw usage(`${key}: unknown option of a pool; ${hint}`)
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings = { ...DEFAULTS, retry: {}, ...given } as unknown as Settings
  const server = settings.query_timeout === 0 ? 0 : settings.query_timeout + STATEMENT_MARGIN_MS
  const all: Settings = {
    ...settings,
    statement_timeout: options.statement_timeout ?? server,
    application_name: options.application_name ?? env.PGAPPNAME ?? basename(process.argv[1] ?? 'node'),
  }
  check(all)
  checkGuarding(all)
  return all
}

const whole = (value: unknown, least: number, most = 2 ** 31 - 1): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most

function check(all: Settings): void {
  const bad = (key: keyof Settings, needs: string) =>
    usage(`${key}: ${JSON.stringify(all[key])} is not ${needs}`)
  for (const key of ['max', 'connectAttempts'] as const)
    if (!whole(all[key], 1)) throw bad(key, 'a whole number from 1')
  if (!whole(all.min, 0) || all.min > all.max) throw bad('min', `a whole number from 0 to max (${all.max})`)
  if (all.maxUses !== Number.POSITIVE_INFINITY && !whole(all.maxUses, 1))
    throw bad('maxUses', 'a whole number from 1')
  for (const key of ['acquireTimeoutMillis', 'connectTimeoutMillis', 'connectDeadlineMillis'] as const)
    if (!whole(all[key], 1)) throw bad(key, 'a number of milliseconds from 1')
  for (const key of MILLISECONDS)
    if (!whole(all[key], 0)) throw bad(key, 'a number of milliseconds, or 0 for none')
  if (!(all.maxLifetimeSeconds >= 0 && all.maxLifetimeSeconds <= 2_000_000))
    throw bad('maxLifetimeSeconds', 'a number of seconds, or 0 for none')
  if (!(all.maxLifetimeJitter >= 0 && all.maxLifetimeJitter <= 1))
    throw bad('maxLifetimeJitter', 'from 0 to 1')
  if (!(all.backoffFactor >= 1 && all.backoffFactor <= 100))
    throw bad('backoffFactor', 'a number from 1 to 100')
  for (const key of ['validationQuery', 'application_name'] as const)
    if (typeof all[key] !== 'string') throw bad(key, 'a text')
  const attrs = all.target_session_attrs
  if (attrs && !ATTRS.includes(attrs)) throw bad('target_session_attrs', `one of ${ATTRS.join(', ')}`)
}

const MILLISECONDS = [
  ...['backoffMillis', 'backoffMostMillis', 'query_timeout', 'statement_timeout', 'lock_timeout'],
  ...['idle_in_transaction_session_timeout', 'validateAfterMillis', 'healthCheckMillis', 'idleTimeoutMillis'],
  ...['keepAliveInitialDelayMillis', 'leakDetectionMillis', 'endTimeoutMillis'],
] as (keyof Settings)[]
