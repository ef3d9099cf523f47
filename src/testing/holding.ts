import { urlOf } from '../gate/discover.js'
import { DB_VARIABLES, type Env, keywords, PG_VARIABLES, type Source } from '../gate/variables.js'
import { lacking } from '../standin/capabilities.js'
import { variablesOf } from './hand.js'
import type { Held } from './held.js'
import type { Provided } from './provided.js'

/** What a suite gets by a decision that `holdfast test` made: the environment is right already. */
export function providedBy(held: Held, env: Env): Provided {
  const { target: name, service, decision, message = '', reason } = held
  const base = { name, service, decision, message, ...(reason ? { reason } : {}) }
  const names = held.sources.flatMap(variablesOf)
  if (decision === 'skip') return { ...base, env: Object.fromEntries(names.map(it => [it, undefined])) }
  const given = Object.fromEntries(names.flatMap(it => (env[it] === undefined ? [] : [[it, env[it]]])))
  const url = held.sources.map(source => addressIn(env, source, service)).find(it => it !== undefined)
  return { ...base, env: given, ...(held.with ? { with: held.with } : {}), ...(url ? { url } : {}) }
}

/** What the stand-in that a run has chosen lacks of what a suite needs, as a sentence. */
export function shortOf(held: Held, needs: readonly string[]): string | undefined {
  const lacks = held.with ? lacking(held.service, held.with, needs) : []
  if (lacks.length === 0) return undefined
  return `${held.with} stands in for ${held.service}, and lacks ${lacks.join(', ')}: pass --needs ${lacks.join(',')} to holdfast test.`
}

function addressIn(env: Env, source: Source, service: string): string | undefined {
  if (source.kind === 'url') return env[source.variable]
  const found = keywords(env, source.kind === 'pg' ? PG_VARIABLES : DB_VARIABLES)
  return found.size > 0 ? urlOf(service, found) : undefined
}
