import { nearest, usage } from '../core/errors.js'
import { SCHEMES } from '../services/registry.js'
import { needsOf } from '../standin/needs.js'
import type { Need, TestPlan } from './plan.js'

const SERVICES = [...new Set([...SCHEMES.values()].map(one => one.service))]

/**
 * What of a plan a suite asks for: one for each name of a target or service, in their order; without names all of it. A
 * service that the plan has not is asked for as one without an address.
 *
 * @throws HoldfastError (usage) for a name that is neither, or stands for several targets, and for a capability that none of them knows.
 */
export function wantedOf(
  plan: TestPlan,
  names: readonly string[],
  capabilities: readonly string[] = [],
): readonly Need[] {
  const needs = names.length === 0 ? plan.needs : names.map(name => named(plan, name))
  const more = needsOf(
    capabilities,
    needs.map(one => one.service),
    'needs',
  )
  return needs.map(one => ({
    ...one,
    needs: [...new Set([...one.needs, ...(more.get(one.service) ?? [])])],
  }))
}

function named({ needs }: TestPlan, name: string): Need {
  const target = needs.find(one => one.name === name)
  if (target) return target
  const [service, ...others] = needs.filter(one => one.service === name)
  if (others.length > 0) {
    const names = [service, ...others].map(one => one?.name).join(', ')
    throw usage(`"${name}" could be any of ${names}: name the target`)
  }
  if (service) return service
  if (SERVICES.includes(name)) return { name, service: name, wanted: undefined, aim: undefined, needs: [] }
  const known = [...new Set([...needs.map(one => one.name), ...SERVICES])]
  const near = nearest(name, known)
  const hint = near ? `did you mean ${near}?` : `known: ${known.join(', ')}`
  throw usage(`"${name}" is neither a configured target nor a service; ${hint}`)
}
