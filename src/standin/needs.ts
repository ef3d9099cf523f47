import { nearest, usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import { capabilitiesOf, SERVICES } from './capabilities.js'

/**
 * What each service must be able to do, by `CAP` or `SERVICE.CAP`. A bare name is asked of every service that knows
 * it among `wanted`.
 *
 * @throws HoldfastError (usage) that names `where` for a name that no wanted service knows.
 */
export function needsOf(
  names: readonly string[],
  wanted: readonly string[],
  where: string,
): ReadonlyMap<string, readonly string[]> {
  const needs = new Map<string, string[]>()
  for (const name of names.flatMap(list => list.split(',')).map(text => text.trim())) {
    if (!name) continue
    const [service, capability] = name.includes('.') ? split(name) : [undefined, name]
    const knowing = SERVICES.filter(one => capabilitiesOf(one).includes(capability))
    const asked = knowing.filter(one => (service ? one === service : true))
    if (asked.length === 0) throw unknown(name, where)
    const here = asked.filter(one => wanted.includes(one))
    if (here.length === 0) {
      throw usage(`${where}: "${name}" is asked of ${asked.join(' or ')}, which is not among the services`)
    }
    for (const one of here) needs.set(one, [...new Set([...(needs.get(one) ?? []), capability])])
  }
  return needs
}

function split(name: string): [service: string, capability: string] {
  const at = name.indexOf('.')
  return [name.slice(0, at), name.slice(at + 1)]
}

function unknown(name: string, where: string) {
  const known = SERVICES.flatMap(service =>
    capabilitiesOf(service).map(capability => (name.includes('.') ? `${service}.${capability}` : capability)),
  )
  const near = nearest(name, known)
  const hint = near ? `did you mean ${near}?` : 'docs/test.md lists them'
  return usage(`${where}: "${redactAddress(name)}" is no capability; ${hint}`)
}
