import { basename } from 'node:path'
import { usage } from '../../core/errors.js'
import type { Target } from '../../core/target.js'
import { CONNECT_LIMITS } from '../again.js'
import { addressed, LIMITS, namedIn } from './addressed.js'
import { checkRetry } from './begin.js'
import { insteadOf } from './elsewhere.js'
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

/** A limit that the server is to keep, in milliseconds. One that nobody gave only makes the server's own stricter. */
export interface Limit {
  readonly name: (typeof LIMITS)[number]
  readonly ms: number
  readonly given: boolean
}

/** The options with their defaults. */
export type Settings = Required<Omit<PoolOptions, Held>> &
  Pick<PoolOptions, Held> & { readonly limits: readonly Limit[] }

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

/**
 * An option goes before the address' parameter, that before PGAPPNAME and the default.
 * @throws HoldfastError (usage) naming option and value.
 */
export function settingsOf(
  options: PoolOptions,
  target?: Pick<Target, 'address' | 'params'>,
  env: NodeJS.ProcessEnv = process.env,
): Settings {
  if (typeof options !== 'object' || options === null)
    throw usage(`options: ${shown(options)} is not an object, like { max: 20 }`)
  for (const key of Object.keys(options))
    if (!KNOWN.includes(key)) throw usage(`${key}: unknown option of a pool; ${insteadOf(key, KNOWN)}`)
  const given: PoolOptions = {
    ...(target ? addressed(target, KNOWN) : {}),
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  }
  const settings = { ...DEFAULTS, retry: {}, ...given } as unknown as Settings
  const { query_timeout } = settings
  const fallback = target?.params.get('fallback_application_name')?.reveal()
  const named = namedIn(target)
  const all = {
    ...settings,
    statement_timeout: given.statement_timeout ?? (query_timeout && query_timeout + STATEMENT_MARGIN_MS),
    application_name:
      given.application_name ?? env.PGAPPNAME ?? fallback ?? basename(process.argv[1] ?? 'node'),
  }
  check(all)
  checkGuarding(all)
  if (typeof all.retry !== 'object' || all.retry === null)
    throw usage(`retry: ${shown(all.retry)} is not an object, like { attempts: 3, delayMillis: 50 }`)
  checkRetry('retry', all.retry)
  const limits = LIMITS.map(name => ({ name, ms: all[name], given: given[name] !== undefined }))
  return { ...all, limits: limits.filter(({ name, ms, given }) => given || (ms > 0 && !named.has(name))) }
}

/** As it was written; not as JSON, which has no NaN. */
const shown = (value: unknown): string =>
  typeof value === 'number' || value === undefined
    ? String(value)
    : (JSON.stringify(value) ?? `a ${typeof value}`)

const number = (value: unknown): boolean => typeof value === 'number'

const MOST = 2 ** 31 - 1

const whole = (value: unknown, least: number, most = MOST): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most

function check(all: Settings): void {
  const bad = (key: keyof Settings, needs: string) => usage(`${key}: ${shown(all[key])} is not ${needs}`)
  for (const key of ['max', 'connectAttempts'] as const)
    if (!whole(all[key], 1)) throw bad(key, `a whole number from 1 to ${MOST}`)
  if (!whole(all.min, 0) || all.min > all.max) throw bad('min', `a whole number from 0 to max (${all.max})`)
  if (all.maxUses !== Number.POSITIVE_INFINITY && !whole(all.maxUses, 1))
    throw bad('maxUses', `a whole number from 1 to ${MOST}, or Infinity`)
  for (const key of ['acquireTimeoutMillis', 'connectTimeoutMillis', 'connectDeadlineMillis'] as const)
    if (!whole(all[key], 1)) throw bad(key, `a whole number of milliseconds from 1 to ${MOST}`)
  for (const key of MILLISECONDS)
    if (!whole(all[key], 0)) throw bad(key, `a whole number of milliseconds up to ${MOST}, or 0 for none`)
  if (
    !number(all.maxLifetimeSeconds) ||
    !(all.maxLifetimeSeconds >= 0 && all.maxLifetimeSeconds <= 2_000_000)
  )
    throw bad('maxLifetimeSeconds', 'a number of seconds up to 2000000, or 0 for none')
  if (!number(all.maxLifetimeJitter) || !(all.maxLifetimeJitter >= 0 && all.maxLifetimeJitter <= 1))
    throw bad('maxLifetimeJitter', 'a number from 0 to 1')
  if (!number(all.backoffFactor) || !(all.backoffFactor >= 1 && all.backoffFactor <= 100))
    throw bad('backoffFactor', 'a number from 1 to 100')
  for (const key of ['validationQuery', 'application_name'] as const)
    if (typeof all[key] !== 'string') throw bad(key, 'a text')
  if (all.name !== undefined && typeof all.name !== 'string') throw bad('name', 'a text')
  if (typeof all.allowExitOnIdle !== 'boolean') throw bad('allowExitOnIdle', 'true or false')
  const { password, ssl, types } = all
  if (password !== undefined && typeof password !== 'string' && typeof password !== 'function')
    throw usage(`password: a ${typeof password} is not a text, or a function that gives one`)
  if (ssl !== undefined && typeof ssl !== 'boolean' && (typeof ssl !== 'object' || ssl === null))
    throw bad('ssl', "true, false or an object, as node:tls takes it; a mode is the address' sslmode")
  if (types !== undefined && (typeof types !== 'object' || types === null)) throw bad('types', 'an object')
  const attrs = all.target_session_attrs
  if (attrs !== undefined && !ATTRS.includes(attrs))
    throw bad('target_session_attrs', `one of ${ATTRS.join(', ')}`)
}

const MILLISECONDS = [
  ...['backoffMillis', 'backoffMostMillis', 'query_timeout', 'statement_timeout', 'lock_timeout'],
  ...['idle_in_transaction_session_timeout', 'validateAfterMillis', 'healthCheckMillis', 'idleTimeoutMillis'],
  ...['keepAliveInitialDelayMillis', 'leakDetectionMillis', 'endTimeoutMillis'],
] as (keyof Settings)[]
