import type { Decision } from '../core/decision.js'
import type { Env, Source } from '../gate/variables.js'
import type { Handover } from '../standin/handover.js'
import { type Being, livingIn, named } from './run.js'

/** What `holdfast test` decided, for the adapters that run below it: plain data without a secret. */
export interface Held extends Decision {
  /** Where in the environment its address is. */
  readonly sources: readonly Source[]
  /** The root of the run that decided, as in HOLDFAST_RUN_ROOT; none where somebody says it by hand. */
  readonly root?: string
}

export const HELD_VARIABLE = 'HOLDFAST_DECISIONS'

/** The variable that hands decisions on. */
export function heldVariable(
  decisions: readonly Decision[],
  handovers: readonly Handover[],
  root: Being,
): Record<string, string> {
  const held = decisions.flatMap((one): Held[] => {
    const handover = handovers.find(it => it.name === one.target)
    return handover ? [{ ...one, sources: placesOf(handover), root: named(root) }] : []
  })
  return { [HELD_VARIABLE]: JSON.stringify(held) }
}

/** Every place that holds the address once it is handed over. */
export const placesOf = ({ sources, fallback }: Handover): readonly Source[] =>
  sources.length > 0 || !fallback ? sources : [{ kind: 'url', variable: fallback }]

/** What the run that this process belongs to has decided; none outside of `holdfast test`, and none of one that has ended. */
export function heldIn(env: Env): readonly Held[] {
  const said = parsed(env[HELD_VARIABLE])
  return Array.isArray(said) ? said.filter(isHeld).filter(({ root }) => livingIn(root)) : []
}

function parsed(text = '[]'): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isHeld(value: unknown): value is Held {
  const { service, target, decision, with: rung, reason, message, sources, root } = (value ?? {}) as Held
  const words: unknown[] = [service, target, root, rung ?? '', reason ?? '', message ?? '']
  return (
    words.every(word => typeof word === 'string') &&
    ['real', 'stand-in', 'skip'].includes(decision) &&
    Array.isArray(sources) &&
    sources.every(isSource)
  )
}

function isSource(value: unknown): value is Source {
  const source = (value ?? {}) as Source
  return source.kind === 'url' ? typeof source.variable === 'string' : ['pg', 'db'].includes(source.kind)
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
