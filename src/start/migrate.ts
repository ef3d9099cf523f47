import { EXIT, statusOfReason } from '../core/errors.js'
import { formatMs } from '../core/options.js'
import type { Aim, WaitOptions } from '../gate/outcome.js'
import { type Clock, monotonic } from '../io/clock.js'
import { Job, type JobEnd } from '../io/job.js'
import type { Reaper } from '../io/reaper.js'
import { type Forwarded, Interrupted, onSignals } from '../io/signals.js'
import { type Lock, LockError, takeLock } from './lock.js'
import { checkSchema } from './schema.js'
import { failed, passed, type StageEnd } from './stages.js'

export interface Migration {
  /** What the shell runs. */
  readonly command: string
  /** Where the lock is taken: a direct connection to the database that CMD changes. */
  readonly lock: Aim
  /** The targets whose expectations say whether there is something to do. */
  readonly expecting: readonly Aim[]
  readonly wait: WaitOptions
  /** How long another migration is waited for, in milliseconds. */
  readonly lockTimeoutMs: number
  readonly reaper: Reaper
  readonly signal: AbortSignal
  readonly say: (text: string) => void
  readonly env: NodeJS.ProcessEnv
  /** Why CMD may not be run, where there is something to do. */
  readonly refusal?: string | undefined
  readonly clock?: Clock
  /** How often the lock is looked after, in milliseconds. */
  readonly beatMs?: number
}

/** How long CMD has to end after TERM when the lock is lost, in milliseconds. */
const GRACE_MS = 5000

/**
 * Brings the schema up to date once, however many replicas start: check → lock → check again → CMD → check. Where
 * nothing is expected of the schema CMD runs at each start, one at a time.
 */
export async function migrate(migration: Migration): Promise<StageEnd> {
  const { expecting, wait, signal } = migration
  const known = expecting.length > 0
  const check = () => checkSchema(expecting, { ...wait, signal })
  const before = await check()
  if (before.fatal) return before.end
  if (known && before.met) return passed('up to date')
  if (migration.refusal) return failed(EXIT.config, migration.refusal)
  let lock: Lock
  try {
    lock = await takeLock(migration.lock, { ...migration, timeoutMs: migration.lockTimeoutMs })
  } catch (error) {
    if (!(error instanceof LockError)) throw error
    const finding = error.verdict?.finding
    const fatal = finding && statusOfReason(finding.reason)
    return failed(fatal ?? EXIT.schema, error.message)
  }
  try {
    const again = known ? await check() : before
    if (again.fatal) return again.end
    if (known && again.met) return passed('up to date: another process migrated')
    return await underLock(migration, lock, check)
  } finally {
    await lock.release()
  }
}

async function underLock(
  migration: Migration,
  lock: Lock,
  check: () => ReturnType<typeof checkSchema>,
): Promise<StageEnd> {
  const begun = monotonic()
  const { end, lost, interrupted } = await runCommand(migration, lock)
  const took = formatMs(monotonic() - begun)
  if (interrupted) throw new Interrupted(interrupted)
  if (lost !== undefined)
    return failed(
      EXIT.schema,
      `${lost}, so CMD was ended after ${took}: another process may hold the lock now. Look at what CMD left half done, then start again`,
    )
  if (end.failure) return failed(EXIT.schema, end.failure)
  if (end.status !== 0) return failed(EXIT.schema, `CMD ended with status ${end.status} after ${took}`)
  const after = await check()
  if (after.met) return passed(`migrated in ${took}`)
  return after.fatal ? after.end : failed(EXIT.schema, `CMD ended well, but ${after.end.message}`)
}

interface Ran {
  readonly end: JobEnd
  /** Why the lock was lost meanwhile. */
  readonly lost?: string
  /** The signal that asked to end. */
  readonly interrupted?: Forwarded
}

/** Runs CMD while the lock is held, and passes on what signals come. */
async function runCommand({ command, reaper, env, signal }: Migration, lock: Lock): Promise<Ran> {
  signal.throwIfAborted()
  const early = await Promise.race([lock.lost, Promise.resolve(undefined)])
  if (early !== undefined) return { end: { status: 0, tail: '' }, lost: early }
  let interrupted: Forwarded | undefined
  const job = new Job(['/bin/sh', '-c', command], { reaper, env, output: 'stderr' })
  const restore = onSignals(one => {
    if (one !== 'SIGUSR1' && one !== 'SIGUSR2') interrupted ??= one
    job.kill(one, 'group')
  })
  try {
    const first = await Promise.race([job.ended.then(() => undefined), lock.lost])
    const end = first === undefined ? await job.ended : await job.stop(GRACE_MS, 'group')
    return { end, ...(first === undefined ? {} : { lost: first }), ...(interrupted ? { interrupted } : {}) }
  } finally {
    restore()
  }
}
