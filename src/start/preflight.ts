import { HoldfastError } from '../core/errors.js'
import { shellWord } from '../core/quoting.js'
import type { Aim, Outcome, WaitOptions } from '../gate/outcome.js'
import { farHosts } from '../io/near.js'
import type { Reaper } from '../io/reaper.js'
import { dialectOf } from './dialects.js'
import { type Infrastructure, needs, partial, whole } from './infrastructure.js'
import { type Live, liveOf } from './live.js'
import { migrate } from './migrate.js'
import { checkSchema, expectingOf } from './schema.js'
import { type StageEnd, type Stages, skipped } from './stages.js'

/** What is done between the configuration and the start of COMMAND. */
export interface Preflight {
  readonly aims: readonly Aim[]
  readonly wait: WaitOptions
  /** What migrates, and where the lock is taken: one of `aims`, or a target for nothing else. */
  readonly migration?: { readonly command: string; readonly lock: Aim } | undefined
  readonly lockTimeoutMs: number
  /** Judges production settings, with what the servers told of themselves. */
  readonly deploy: (live: readonly Live[], without: string | undefined) => StageEnd
  /** Set for a run without infrastructure: the targets that must be there all the same. */
  readonly required?: readonly string[] | undefined
  /** The remote hosts whose databases a run without infrastructure may migrate. */
  readonly allowRemote: readonly string[]
  /** Gets what became of the targets. */
  readonly outcomes: Outcome[]
  readonly reaper: Reaper
  readonly signal: AbortSignal
  readonly say: (text: string) => void
  readonly env: NodeJS.ProcessEnv
}

/** Runs the stages from the wait on; a stage after one that failed is skipped. */
export async function preflight(plan: Preflight, stages: Stages): Promise<void> {
  const { aims, migration, required, signal } = plan
  const separate = migration && !aims.includes(migration.lock) ? [migration.lock] : []
  const all = [...aims, ...separate]
  let found: Infrastructure = { end: skipped('no target'), outcomes: [], present: [], absent: [] }
  await stages.run('wait', async () => {
    if (all.length === 0) return found.end
    found = await (required
      ? partial(all.map(shallow), plan.wait, required)
      : whole(migration ? all.map(shallow) : all, plan.wait))
    plan.outcomes.push(...found.outcomes)
    signal.throwIfAborted()
    return found.end
  })
  const wait = { ...plan.wait, signal }
  const names = (some: readonly Aim[]) => some.map(({ target }) => target.name)
  const absent = (some: readonly Aim[]) => some.filter(one => names(found.absent).includes(one.target.name))
  /** A stage that stands on these targets. */
  const on = async (stage: string, some: readonly Aim[], work: () => Promise<StageEnd>) => {
    const missing = absent(some)
    // Without infrastructure the stages say all that they can.
    const before = stages.all.find(
      ({ stage: name, state }) => state === 'failed' && !(required && TRIALS.has(name)),
    )
    if (before && !(required && stage === 'deploy'))
      return stages.run(stage, () => skipped(`${before.stage} failed`))
    if (missing.length > 0) return stages.run(stage, () => skipped(needs(missing)))
    return stages.run(stage, work)
  }
  const expecting = expectingOf(aims)
  if (migration)
    await on('migrate', [migration.lock, ...expecting], async () =>
      migrate({
        ...plan,
        ...migration,
        expecting,
        wait,
        refusal: required && (await refusalOf(plan, migration.lock)),
      }),
    )
  await on('schema', expecting, async () => {
    if (expecting.length === 0) return skipped('the configuration expects nothing of it')
    return (await checkSchema(expecting, wait)).end
  })
  const present = aims.filter(one => names(found.present).includes(one.target.name))
  await on('deploy', [], async () => {
    const without = aims.filter(one => !present.includes(one))
    const { live, silent } = await liveOf(present, wait)
    const lacks = [
      ...(without.length > 0 ? [needs(without)] : []),
      ...silent.map(name => `${name} did not tell`),
    ]
    return plan.deploy(live, lacks.join('; ') || undefined)
  })
}

/** CMD takes its address from the environment: all databases that it may mean count. */
async function refusalOf({ aims, allowRemote }: Preflight, lock: Aim): Promise<string | undefined> {
  const meant = [lock, ...aims.filter(({ service }) => dialectOf(service.name))]
  const hosts = await farHosts(
    meant.map(({ target }) => target),
    allowRemote,
  )
  if (hosts.length === 0) return undefined
  const options = hosts.map(host => `--allow-remote ${shellWord(host)}`).join(' ')
  return `CMD would change a database at ${hosts.join(' and ')}, which --validate does on this machine only. Give it a database of its own, or say ${options}`
}

/** Stages that say nothing of targets. */
const TRIALS = new Set(['command', 'import-check', 'smoke'])

/** As deep as a database goes that may still lack its schema. */
function shallow(aim: Aim): Aim {
  const { until = 'query' } = aim.probe ?? {}
  return { ...aim, probe: { until: until === 'schema' ? 'query' : until } }
}

/** A failed stage of what holdfast's own errors say; any other error passes. */
export function failedBy(error: unknown): StageEnd {
  if (!HoldfastError.is(error)) throw error
  return { state: 'failed', status: error.exitStatus, message: error.message }
}
