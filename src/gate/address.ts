import { usage } from '../core/errors.js'
import { parseTarget, splitName, type Target } from '../core/target.js'
import { homeOf } from '../io/libpqfiles.js'
import { SCHEMES } from '../services/registry.js'
import { fromFiles } from './libpq.js'

/**
 * The target of a client of one service: a URL, `NAME=URL`, `env:VARIABLE` or a libpq connection string, with what
 * libpq's files add where the address names one.
 * @throws HoldfastError (usage) naming what is wrong, without secrets.
 */
export function clientTarget(text: string, service: string, example: string): Target {
  if (typeof text !== 'string' || text.trim() === '') throw usage(`an address is needed, like ${example}`)
  const { name, address } = splitName(text)
  const variable = /^env:(\w+)$/.exec(address)?.[1]
  const value = variable ? process.env[variable] : address
  if (!value) throw usage(`${address}: the variable is not set; set it to an address like ${example}`)
  const target = parseTarget(value, {
    schemes: SCHEMES,
    ...(name ? { name } : {}),
    ...(variable ? { source: `env:${variable}` } : {}),
  })
  if (target.service !== service)
    throw usage(`${target.address}: this is an address of ${target.service}; one like ${example} is needed`)
  const files = target.params.has('service') || target.params.has('passfile')
  return files
    ? fromFiles(target, { schemes: SCHEMES }, { env: process.env, home: homeOf(process.env) })
    : target
}
