import { usage } from '../core/errors.js'
import { parseTarget, splitName, type Target } from '../core/target.js'
import { SCHEMES } from '../services/registry.js'

/**
 * The target that a client is to talk to: an address or `NAME=ADDRESS`, or `env:VARIABLE`.
 * @throws HoldfastError (usage) where it is none, or another service's.
 */
export function targetOf(
  text: string,
  service: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Target {
  const { name, address } = splitName(text)
  const variable = /^env:(.+)$/.exec(address)?.[1]
  const given = variable ? env[variable] : address
  if (!given) throw usage(`${variable}: the variable is not set; put the address of ${service} there`)
  const target = parseTarget(given, {
    schemes: SCHEMES,
    ...(name ? { name } : {}),
    ...(variable ? { source: `env:${variable}` } : {}),
  })
  if (target.service === service) return target
  throw usage(`${target.address}: is an address of ${target.service}, and here one of ${service} is needed`)
}
