import { usage } from '../core/errors.js'
import { type ParseOptions, parseTarget, splitName, type Target } from '../core/target.js'
import { homeOf } from '../io/libpqfiles.js'
import { SCHEMES } from '../services/registry.js'
import { fromFiles } from './libpq.js'
import { type Env, libpqDefaults, PG_VARIABLES } from './variables.js'

const EXAMPLES: Readonly<Record<string, string>> = {
  postgres: 'postgres://app@db:5432/app',
  mysql: 'mysql://app@db:3306/app',
  redis: 'redis://cache:6379/0',
}

/** libpq's variables, as an address of their own. */
const LIBPQ = 'env:PG*'
/** At least one of these says that libpq's variables are meant. */
const NAMING = ['PGHOST', 'PGHOSTADDR', 'PGSERVICE', 'PGDATABASE', 'PGUSER'] as const

/**
 * The target that a client is to talk to: an address, `NAME=ADDRESS`, `env:VARIABLE`, for PostgreSQL also a libpq connection
 * string or `env:PG*`, libpq's variables. What libpq's files add is there where the address names one.
 * @throws HoldfastError (usage) where it is none, or another service's.
 */
export function targetOf(text: string, service: string, env: Env = process.env): Target {
  const example = EXAMPLES[service] ?? ''
  const needed = `an address is needed, like '${example}' or 'env:VARIABLE'${service === 'postgres' ? `; '${LIBPQ}' reads libpq's variables` : ''}`
  if (typeof text === 'object' && text !== null)
    throw usage(`the first argument is the address, as text like '${example}'; options are the second`)
  if (typeof text !== 'string' || /^\s*(env:)?\s*$/.test(text)) throw usage(needed)
  const { name, address } = splitName(text)
  const libpq = service === 'postgres' && address === LIBPQ
  const variable = libpq ? undefined : /^env:(.+)$/.exec(address)?.[1]
  const given = libpq ? fromLibpq(env) : variable ? addressIn(variable, example, env) : address
  if (service === 'postgres' && /[?&\s]sslmode\s*=\s*'?no-verify/.test(given))
    throw usage('sslmode=no-verify: write sslmode=require, which encrypts and does not verify')
  const options: ParseOptions = {
    schemes: SCHEMES,
    ...(name ? { name } : {}),
    ...(libpq ? { source: LIBPQ, defaults: libpqDefaults(env) } : {}),
    ...(variable ? { source: `env:${variable}` } : {}),
  }
  const target = parseTarget(given, options)
  if (target.service !== service)
    throw usage(`${target.address}: is an address of ${target.service}, and one like ${example} is needed`)
  const files = target.params.has('service') || target.params.has('passfile')
  return files ? fromFiles(target, options, { env, home: homeOf(env) }) : target
}

function fromLibpq(env: Env): string {
  if (NAMING.some(variable => env[variable])) return 'postgres://'
  throw usage(`${LIBPQ}: none of ${NAMING.join(', ')} is set`)
}

function addressIn(variable: string, example: string, env: Env): string {
  const value = env[variable]
  if (value && Object.hasOwn(PG_VARIABLES, variable) && !value.includes('://'))
    throw usage(`env:${variable}: is one part of an address; '${LIBPQ}' reads all of libpq's variables`)
  if (value?.trim()) return value
  const state = value === undefined ? 'is not set' : 'is set, but empty'
  throw usage(`${variable}: the variable ${state}; put an address like ${example} there`)
}
