import type { Concern, Level } from '../core/concern.js'
import { EXIT } from '../core/errors.js'
import { checkConfig, checkDeploy, settle } from './check.js'
import { type Live, liveConcerns } from './live.js'
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
  const told = live.map(one => ({
    ...one,
    checked: checked.targets.find(({ target }) => target.name === one.target),
  }))
  const known = told.flatMap(({ target, health, checked: one }) => {
    const room = roomOf(health.facts)
    return one && room !== undefined ? [{ target, room, one }] : []
  })
  const pools = known.flatMap(({ room, one }) => tooLarge(one, room))
  // What the server says itself takes the place of what was assumed of it.
  const assumed = ({ id, level, target }: Concern) =>
    id === 'pool-too-large' && level === 'warning' && known.some(one => one.target === target)
  const all = [...liveConcerns(live), ...pools, ...checkDeploy(checked).filter(one => !assumed(one))]
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
  return { state: 'failed', status: EXIT.config, message: text ?? '', concerns }
}

/** How many connections a program's role may open, by the server's own word. */
function roomOf(facts: Live['health']['facts']): number | undefined {
  const { connectionsMax, connectionsReserved = 0, roleConnectionsMax } = facts
  if (typeof connectionsMax !== 'number' || typeof connectionsReserved !== 'number') return undefined
  const room = connectionsMax - connectionsReserved
  return typeof roleConnectionsMax === 'number' ? Math.min(room, roleConnectionsMax) : room
}

function tooLarge({ target, pool, where }: CheckedTarget, room: number): Concern[] {
  if (!pool) return []
  const { max, processes = 1 } = pool
  if (max * processes <= room) return []
  return [
    {
      id: 'pool-too-large',
      level: 'error',
      message: `the pool opens up to ${max * processes} connections, and the server allows ${room}`,
      advice: "Make the pool smaller, raise the server's limit, or put a pooler in between.",
      target: target.name,
      where,
    },
  ]
}
