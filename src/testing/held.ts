import type { Decision } from '../core/decision.js'
import type { Env, Source } from '../gate/variables.js'
import type { Handover } from '../standin/handover.js'

/** What `holdfast test` decided, for the adapters that run below it: plain data without a secret. */
export interface Held extends Decision {
  /** Where in the environment its address is. */
  readonly sources: readonly Source[]
}

export const HELD_VARIABLE = 'HOLDFAST_DECISIONS'

/** The variable that hands decisions on. */
export function heldVariable(
  decisions: readonly Decision[],
  handovers: readonly Handover[],
): Record<string, string> {
  const held = decisions.flatMap((one): Held[] => {
    const handover = handovers.find(it => it.name === one.target)
    return handover ? [{ ...one, sources: placesOf(handover) }] : []
  })
  return { [HELD_VARIABLE]: JSON.stringify(held) }
}

/** Every place that holds the address once it is handed over. */
export const placesOf = ({ sources, fallback }: Handover): readonly Source[] =>
  sources.length > 0 || !fallback ? sources : [{ kind: 'url', variable: fallback }]

/** What the run that this process belongs to has decided; none outside of `holdfast test`. */
export function heldIn(env: Env): readonly Held[] {
  try {
    return JSON.parse(env[HELD_VARIABLE] ?? '[]') as Held[]
  } catch {
    return []
  }
}

/**
 * The environment with an address for each service that was skipped: what `holdfast test` has unset is no mistake of the
 * environment, and what is known of it is not looked at.
 */
export function filledIn(env: Env, held: readonly Held[]): Env {
  const skipped = held.filter(one => one.decision === 'skip')
  const variables = skipped.flatMap(({ service, sources }) =>
    sources.flatMap(source =>
      source.kind === 'url' ? [[source.variable, `${service}://skipped.invalid/`]] : [],
    ),
  )
  return { ...Object.fromEntries(variables), ...env }
}

/** `HOLDFAST_TARGET_DB=skip`, as somebody may also set it by hand. */
export function namedIn(env: Env, name: string): Pick<Held, 'decision' | 'message' | 'with'> | undefined {
  const key = targetVariable(name)
  const decision = env[key]
  if (decision !== 'stand-in' && decision !== 'skip') return undefined
  const rung = env[`${key}_WITH`]
  return { decision, message: env[`${key}_REASON`] || `${key}=${decision}`, ...(rung ? { with: rung } : {}) }
}

const targetVariable = (name: string): string =>
  `HOLDFAST_TARGET_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
