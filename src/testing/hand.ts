import { EXIT } from '../core/errors.js'
import { adviceOf } from '../core/verdict.js'
import { urlOf } from '../gate/discover.js'
import { DB_VARIABLES, type Env, PG_VARIABLES, type Source } from '../gate/variables.js'
import { type Handover, handOver } from '../standin/handover.js'
import { placesOf } from './held.js'
import type { Provided } from './provided.js'
import type { Served } from './served.js'
import type { Asked } from './services.js'
import { handoversOf, keywordsOf } from './variables.js'

/** What suites get for what was settled of `all` targets. */
export async function providedOf(
  served: readonly Served[],
  env: Env,
  all: readonly Asked[] = served,
): Promise<Provided[]> {
  const handovers = await handoversOf(served, env, all)
  return served.map(one => {
    const { name, service, wanted, choice } = one
    const { decision, message } = choice
    const reason = wanted && choice.decision !== 'real' ? { reason: choice.verdict.finding.reason } : {}
    const base = { name, service, decision, ...reason }
    if (choice.decision === 'fail') {
      const advice = wanted ? adviceOf(choice.verdict.finding) : undefined
      const told = advice && !message.includes(advice) ? `${message} ${advice}` : message
      return { ...base, message: told, env: {}, exitStatus: statusOf(one) }
    }
    const handover = handovers.find(it => it.name === name)
    const given = { ...base, message, env: handover ? differenceOf(env, handover) : {} }
    if (choice.decision === 'skip') return given
    if (choice.decision === 'stand-in') return { ...given, with: choice.with, url: choice.standIn.url }
    const url = realUrl(one)
    return { ...given, ...(url ? { url } : {}) }
  })
}

/** As `holdfast test` ends. */
function statusOf({ outcome }: Served): number {
  if (outcome?.state === 'broken') return EXIT.config
  const missing = outcome && !outcome.verdict.ready && outcome.verdict.finding.reason === 'schema-missing'
  return missing ? EXIT.schema : EXIT.unavailable
}

/** As it was given; what came in parts is put together. */
function realUrl({ wanted }: Served): string | undefined {
  if (!wanted) return undefined
  const { target, sources } = wanted
  const given = target.given.reveal()
  const inParts = sources.length > 0 && sources.every(({ kind }) => kind !== 'url')
  if (!inParts && given.includes('://')) return given
  return urlOf(target.service, keywordsOf(target))
}

/** The variables that name it, as they become; undefined for those that go. */
function differenceOf(env: Env, handover: Handover): Record<string, string | undefined> {
  const after = handOver(env, [handover])
  const named = placesOf(handover).flatMap(variablesOf)
  const names = new Set([...Object.keys(after), ...Object.keys(env), ...named])
  return Object.fromEntries(
    [...names]
      .filter(name => after[name] !== env[name] || (named.includes(name) && after[name] !== undefined))
      .map(name => [name, after[name]]),
  )
}

/** The variables that such a source consists of. */
export function variablesOf(source: Source): readonly string[] {
  if (source.kind === 'url') return [source.variable]
  return Object.keys(source.kind === 'pg' ? PG_VARIABLES : DB_VARIABLES)
}
