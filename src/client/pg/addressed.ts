import { nearest, usage } from '../../core/errors.js'
import { isKeyword } from '../../core/keywords.js'
import type { Target } from '../../core/target.js'
import type { PoolOptions } from './types.js'

/** The server's limits. */
export const LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'] as const

/** Options that an address may have as parameters; node-postgres reads them there, too. */
const TIMES = [...LIMITS, 'query_timeout'] as const
const TEXTS = ['application_name', 'target_session_attrs'] as const

type Where = Pick<Target, 'address' | 'params'>

/**
 * What an address says of a pool's options. Another driver's parameters pass; what can only be an option here is an error.
 * @throws HoldfastError (usage) naming parameter and value.
 */
export function addressed(target: Where, options: readonly string[]): PoolOptions {
  const param = (key: string) => target.params.get(key)?.reveal()
  const bad = (what: string) => usage(`${target.address}: ${what}`)
  for (const key of target.params.keys()) {
    if (isKeyword(key) || (TIMES as readonly string[]).includes(key)) continue
    if (options.includes(key)) throw bad(`${key} is no parameter of an address; give it as an option`)
    const near = nearest(key, [...TIMES, ...TEXTS], 2)
    if (near) throw bad(`"${key}" is no parameter; did you mean ${near}?`)
  }
  // Whoever writes these would rather have no session than one without.
  for (const key of ['require_auth', 'channel_binding'])
    if (key === 'require_auth' ? param(key) : param(key) === 'require')
      throw bad(
        `${key}=${param(key)}: node-postgres cannot hold to it, and would log in without; leave it out, and write sslmode=verify-full`,
      )
  const times = TIMES.flatMap(key => {
    const value = param(key)
    if (value === undefined) return []
    if (!/^\d{1,10}$/.test(value)) throw bad(`${key} is not a whole number of milliseconds`)
    return [[key, Number(value)]]
  })
  const texts = TEXTS.flatMap(key => (param(key) === undefined ? [] : [[key, param(key)]]))
  const seconds = Number(param('connect_timeout'))
  return {
    ...Object.fromEntries([...times, ...texts]),
    ...(seconds > 0 ? { connectTimeoutMillis: seconds * 1000 } : {}),
  }
}

/** The settings that libpq's `options` name: `-c statement_timeout=5s`, `--lock-timeout=1s`. */
export function namedIn(target: Where | undefined): ReadonlySet<string> {
  const options = target?.params.get('options')?.reveal() ?? ''
  const names = [...options.matchAll(/(?:-c\s*|--)([\w.-]+)\s*=/g)]
  return new Set(names.map(([, name = '']) => name.toLowerCase().replaceAll('-', '_')))
}
