import { capacity, type Pool } from '../core/capacity.js'
import { type Concern, type Level, reaches } from '../core/concern.js'
import { EXIT } from '../core/errors.js'
import { checkConfig, checkDeploy, settle } from './check.js'
import { type Live, liveConcerns } from './live.js'
import { poolsByServer, sizeOf } from './rules/server.js'
import { hush } from './secrets.js'
import type { StageEnd } from './stages.js'
import type { Checked, CheckedTarget } from './subject.js'

/** The configuration: what keeps it from being used, or reaches the configured level. */
export function judgeConfig(checked: Checked): StageEnd {
  const failLevel = checked.config.check?.failLevel ?? 'error'
  const names = checked.targets.map(({ target }) => target.name).join(', ')
  return judge(checkConfig(checked), checked, failLevel, names || 'no target')
}

/** Production settings, as they are written and as the servers tell them. `without` says which were not asked. */
export function judgeDeploy(
  checked: Checked,
  live: readonly Live[],
  { failLevel, without }: { failLevel: Level; without?: string | undefined },
): StageEnd {
  const fixed = checkDeploy(checked)
  const pools = poolsByServer(checked)
    .map(sharing => ({ sharing, facts: factsOf(sharing, live) }))
    .filter(({ facts }) => facts.length > 0)
  const known = pools.flatMap(({ sharing }) => sharing.map(({ target }) => target.name))
  // What the server says itself takes the place of what was assumed of it.
  const assumed = ({ id, level, target = '' }: Concern) =>
    id === 'pool-too-large' && level === 'warning' && known.includes(target)
  const told = hush(
    [...liveConcerns(live).map(one => asWritten(one, fixed)), ...pools.flatMap(tooLarge)],
    checked,
  )
  const all = [...told, ...fixed.filter(one => !assumed(one))]
  const keyOf = ({ id, target }: Concern) => JSON.stringify([id, target])
  const once = all.filter(
    (one, i) => !one.target || all.findIndex(other => keyOf(other) === keyOf(one)) === i,
  )
  const asked = without ? `without what the servers say of themselves (${without})` : undefined
  return judge(once, checked, failLevel, asked)
}

function judge(
  found: readonly Concern[],
  { config }: Checked,
  failLevel: Level,
  message: string | undefined,
): StageEnd {
  const { counted, silenced, failing, failed } = settle(found, {
    silence: config.check?.silence ?? {},
    failLevel,
  })
  const concerns = [...counted, ...silenced]
  if (!failed) return { state: 'passed', ...(message ? { message } : {}), concerns }
  const texts = failing.map(
    ({ id, message: text, target }) =>
      `${id}: ${target && !text.includes(target) ? `${target}: ` : ''}${text}`,
  )
  const text =
    texts.length === 1 ? texts[0] : `${texts.length} findings\n${texts.map(one => `  ${one}`).join('\n')}`
  return { state: 'failed', status: EXIT.config, message: text ?? '', concerns, failing }
}

/** A server without a password is as bad as the rule about addresses without one says it is, where that is less. */
function asWritten(one: Concern, fixed: readonly Concern[]): Concern {
  const rule = fixed.find(({ id, target }) => id === 'empty-password' && target === one.target)
  return one.id === 'no-password' && rule && reaches(one.level, rule.level)
    ? { ...one, level: rule.level }
    : one
}

type Facts = Live['health']['facts']
type Known = readonly [one: CheckedTarget, facts: Facts]

const factsOf = (sharing: readonly CheckedTarget[], live: readonly Live[]): Known[] =>
  sharing.flatMap(one => {
    const facts = live.find(({ target }) => target === one.target.name)?.health.facts
    return facts && capacityKnown(facts) ? [[one, facts] as const] : []
  })

const capacityKnown = ({ connectionsMax }: Facts): boolean => typeof connectionsMax === 'number'

/** What is taken at the moment may be of the program that this start replaces: only limits count. */
const LIMITS = [
  'connectionsMax',
  'connectionsReserved',
  'roleConnectionsMax',
  'databaseConnectionsMax',
] as const

const only = (facts: Facts, names: readonly string[]): Facts =>
  Object.fromEntries(Object.entries(facts).filter(([name]) => names.includes(name)))

/** Each pool by what its login is allowed, and all pools of one server together by what that allows. */
function tooLarge({
  sharing,
  facts,
}: {
  sharing: readonly CheckedTarget[]
  facts: readonly Known[]
}): Concern[] {
  const [first, ofFirst] = facts[0] as Known
  const each = facts.flatMap(([one, own]) => (one.pool ? judged(one, only(own, LIMITS), one.pool) : []))
  if (each.length > 0 || sharing.length === 1) return each
  const max = sharing.reduce((sum, one) => sum + sizeOf(one), 0)
  const names = sharing.map(({ target }) => target.name).join(' and ')
  return judged(first, only(ofFirst, LIMITS.slice(0, 2)), { max }).map(({ fix: _, ...one }) => ({
    ...one,
    message: `${names} together: ${one.message}`,
  }))
}

function judged({ target, where }: CheckedTarget, facts: Facts, pool: Pool): Concern[] {
  const one = capacity(facts, pool)
  return one?.id === 'pool-too-large' ? [{ ...one, target: target.name, where }] : []
}
