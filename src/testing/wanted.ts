import { nearest, usage } from '../core/errors.js'
import type { Env } from '../gate/variables.js'
import { SCHEMES } from '../services/registry.js'
import { needsOf } from '../standin/needs.js'
import type { Need, TestPlan } from './plan.js'
import { type Strictness, strictnesses } from './strictness.js'
import { withVariables } from './wishes.js'

const SERVICES = [...new Set([...SCHEMES.values()].map(one => one.service))]

/**
 * What of a plan a suite asks for: one for each name of a target or service, in their order; without names all of it. A
 * service that the plan has not is asked for as one without an address.
 *
 * @throws HoldfastError (usage) for a name that is neither, or stands for several targets, and for a capability that none of
 * them knows.
 */
export function wantedOf(
  plan: TestPlan,
  env: Env,
  names: readonly string[],
  capabilities: readonly string[] = [],
): readonly Need[] {
  const needs = names.length === 0 ? plan.needs : names.map(name => named(plan, name, env))
  const services = needs.map(one => one.service)
  const more = needsOf(capabilities, services, 'needs')
  return needs.map(need => {
    const including = (strictness: Strictness) => ({
      ...strictness,
      needs: [...new Set([...strictness.needs, ...(more.get(need.service) ?? [])])],
    })
    return { ...need, usual: including(need.usual), offline: need.offline && including(need.offline) }
  })
}

function named(plan: TestPlan, name: string, env: Env): Need {
  const { needs } = plan
  const target = needs.find(one => one.name === name)
  if (target) return target
  const [service, ...others] = needs.filter(one => one.service === name)
  if (others.length > 0) {
    const names = [service, ...others].map(one => one?.name).join(', ')
    throw usage(`"${name}" could be any of ${names}: name the target`)
  }
  if (service) return service
  if (SERVICES.includes(name)) return unplanned(plan, name, env)
  const known = [...new Set([...needs.map(one => one.name), ...SERVICES])]
  const near = nearest(name, known)
  const hint = near ? `did you mean ${near}?` : `known: ${known.join(', ')}`
  throw usage(`"${name}" is neither a configured target nor a service; ${hint}`)
}

/** A service that no address names, as `--service` asks for it. */
function unplanned({ needs, config: { test = {} } }: TestPlan, name: string, env: Env): Need {
  const asked = { name, service: name, wanted: undefined }
  const { allowStandIn, allowSkip } = withVariables({}, env)
  const general = { allowStandIn, allowSkip, needs: new Map(), require: [] }
  const strict = strictnesses([...needs, asked], test, general, env).at(-1)
  return { ...asked, aim: undefined, usual: strict?.usual ?? { needs: [] }, offline: strict?.offline }
}
