import { EXIT } from '../core/errors.js'
import { urlOf } from '../gate/discover.js'
import { DB_VARIABLES, type Env, keywords, PG_VARIABLES, type Source } from '../gate/variables.js'
import { lacking } from '../standin/capabilities.js'
import { BEGUN_WITH, forbidden, required } from '../standin/ladder.js'
import { variablesOf } from './hand.js'
import { type Held, namedIn } from './held.js'
import type { Need, TestPlan } from './plan.js'
import type { Provided } from './provided.js'

/**
 * The plan by the names that `holdfast test` knows, with what only that run knows. With `only` without a service that is
 * planned because nothing else is.
 */
export function withHeld(plan: TestPlan, held: readonly Held[], only: boolean): TestPlan {
  if (held.length === 0) return plan
  const named = plan.needs.map(need => {
    const same =
      held.find(one => one.target === need.name) ??
      held.find(one => one.service === need.service && shares(one, need))
    if (!same) return need
    return { ...(same.decision === 'real' ? begunWith(need) : need), name: same.target }
  })
  const beyond = held.filter(one => one.decision !== 'real' && !named.some(need => need.name === one.target))
  const more = beyond.map(
    ({ target, service }): Need => ({
      // What is required, or asked for by name alone.
      ...(plan.needs.find(need => !need.wanted && need.service === service) ?? {
        usual: { needs: [] },
        offline: undefined,
      }),
      ...{ name: target, service, wanted: undefined, aim: undefined },
    }),
  )
  const kept = only ? named.filter(need => need.wanted || held.some(one => one.target === need.name)) : named
  return {
    ...plan,
    needs: [
      ...kept.filter(need => need.wanted || !beyond.some(one => one.service === need.service)),
      ...more,
    ],
  }
}

/** One run, one decision: what was there when it began is not replaced where it ends in between. */
const begunWith = (need: Need): Need => ({
  ...need,
  usual: { ...need.usual, requiredBy: BEGUN_WITH },
  offline: need.offline && { ...need.offline, requiredBy: BEGUN_WITH },
})

const shares = ({ sources }: Held, { wanted }: Need): boolean =>
  sources.some(source => wanted?.sources.some(it => JSON.stringify(it) === JSON.stringify(source)))

/** What was decided about a service, also by hand; undefined where it is looked at: a real one may be gone by now. */
export function heldFor({ name, service, wanted }: Need, held: readonly Held[], env: Env): Held | undefined {
  const found = held.find(one => one.target === name) ?? held.find(one => one.service === service)
  if (found) return found.decision === 'real' ? undefined : found
  const said = namedIn(env, name)
  return said && { ...said, target: name, service, sources: wanted?.sources ?? [] }
}

/** What a suite gets by it, which is another thing where that may not be, or where its stand-in lacks what the suite needs. */
export function within(held: Held, need: Need, ci: boolean, env: Env): Provided {
  const base = { name: need.name, service: need.service }
  const fail = (message: string) =>
    ({ ...base, message, env: {}, decision: 'fail', exitStatus: EXIT.unavailable }) as const
  const refusal = refusalOf(held, need, ci)
  if (refusal) return fail(`${(held.message || held.decision).replace(/\.$/, '')}. ${refusal}`)
  const short = shortOf(held, need.usual.needs)
  if (!short) return providedBy(held, need.name, env)
  const { allowSkip = !ci } = need.usual
  return allowSkip ? { ...base, message: short, env: unset(held), decision: 'skip' } : fail(short)
}

/** Why it must not be: as for the ladder where it is said by hand; a run that decided has asked what is allowed. */
function refusalOf({ decision, root }: Held, need: Need, ci: boolean): string | undefined {
  // That run knew whether there is a network.
  const { requiredBy } = (root && need.offline) || need.usual
  if (requiredBy) return required(need.service, requiredBy)
  const { allowStandIn = !ci, allowSkip = !ci } = need.usual
  if (root || (decision === 'skip' ? allowSkip : allowStandIn)) return undefined
  return forbidden(need.service, decision === 'skip' ? 'Skip' : 'StandIn', ci)
}

/** What a suite gets by a decision that `holdfast test` made: the environment is right already. */
function providedBy(held: Held, name: string, env: Env): Provided {
  const { service, decision, message = '', reason } = held
  const base = { name, service, decision, message, ...(reason ? { reason } : {}) }
  const names = held.sources.flatMap(variablesOf)
  if (decision === 'skip') return { ...base, env: unset(held) }
  const given = Object.fromEntries(names.flatMap(it => (env[it] === undefined ? [] : [[it, env[it]]])))
  const url = held.sources.map(source => addressIn(env, source, service)).find(it => it !== undefined)
  return { ...base, env: given, ...(held.with ? { with: held.with } : {}), ...(url ? { url } : {}) }
}

/** What the stand-in that a run has chosen lacks of what a suite needs, as a sentence. */
function shortOf(held: Held, needs: readonly string[]): string | undefined {
  const lacks = held.with ? lacking(held.service, held.with, needs) : []
  if (lacks.length === 0) return undefined
  return `${held.with} stands in for ${held.service}, and lacks ${lacks.join(', ')}: pass --needs ${lacks.join(',')} to holdfast test.`
}

const unset = ({ sources }: Held) =>
  Object.fromEntries(sources.flatMap(variablesOf).map(name => [name, undefined]))

function addressIn(env: Env, source: Source, service: string): string | undefined {
  if (source.kind === 'url') return env[source.variable]
  const found = keywords(env, source.kind === 'pg' ? PG_VARIABLES : DB_VARIABLES)
  return found.size > 0 ? urlOf(service, found) : undefined
}
