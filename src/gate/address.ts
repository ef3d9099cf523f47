import { usage } from '../core/errors.js'
import { parseTarget, splitName, type Target } from '../core/target.js'
import { homeOf } from '../io/libpqfiles.js'
import { SCHEMES } from '../services/registry.js'
import { fromFiles } from './libpq.js'

const EXAMPLES: Readonly<Record<string, string>> = {
  postgres: 'postgres://app@db:5432/app',
  mysql: 'mysql://app@db:3306/app',
  redis: 'redis://cache:6379/0',
}

/**
 * The target that a client is to talk to: an address, `NAME=ADDRESS`, `env:VARIABLE` or a libpq connection string, with
 * what libpq's files add where the address names one.
 * @throws HoldfastError (usage) where it is none, or another service's.
 */
export function targetOf(
  text: string,
  service: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Target {
  const example = EXAMPLES[service]
  if (typeof text !== 'string' || text.trim() === '') throw usage(`an address is needed, like ${example}`)
  const { name, address } = splitName(text)
  const variable = /^env:(.+)$/.exec(address)?.[1]
  const given = variable ? env[variable] : address
  if (!given) throw usage(`${variable}: the variable is not set; put an address like ${example} there`)
  const target = parseTarget(given, {
    schemes: SCHEMES,
    ...(name ? { name } : {}),
    ...(variable ? { source: `env:${variable}` } : {}),
  })
  if (target.service !== service)
    throw usage(`${target.address}: is an address of ${target.service}, and one like ${example} is needed`)
  const files = target.params.has('service') || target.params.has('passfile')
  return files ? fromFiles(target, { schemes: SCHEMES }, { env, home: homeOf(env) }) : target
}
