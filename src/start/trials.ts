import { EXIT } from '../core/errors.js'
import { formatMs } from '../core/options.js'
import { plain, redactAddress } from '../core/redact.js'
import type { Aim } from '../gate/outcome.js'
import { waitForTargets } from '../gate/wait.js'
import { type Clock, childOf, monotonic, systemClock } from '../io/clock.js'
import { Job, type JobEnd } from '../io/job.js'
import type { Reaper } from '../io/reaper.js'
import { statusOf, why } from './outcome.js'
import { findProgram } from './program.js'
import { failed, passed, type StageEnd } from './stages.js'

/** What all trials of a program share. */
export interface Trial {
  readonly reaper: Reaper
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds for one command or module. */
  readonly timeoutMs: number
  /** Milliseconds that a program has to end after TERM. */
  readonly stopGraceMs: number
  /** Hides secrets in a line that a program wrote. */
  readonly hush: (text: string) => string
  readonly clock?: Clock
}

/** Imports what its argument names, as a file in the working directory would. */
const IMPORT = `import(process.argv[1]).then(
  () => process.exit(0),
  error => {
    console.error(String(error?.message ?? error).split('\\n')[0])
    process.exit(1)
  })`

/** Loads each module in a Node of its own. */
export async function importCheck(modules: readonly string[], trial: Trial): Promise<StageEnd> {
  const node = findProgram('node', trial.env.PATH) ?? process.execPath
  const flaws: string[] = []
  for (const module of modules) {
    const argv = [node, '--input-type=module', '--eval', IMPORT, module]
    const flaw = await bounded(argv, trial)
    if (flaw) flaws.push(`${redactAddress(module)}: ${flaw}`)
  }
  return flaws.length > 0 ? failed(EXIT.findings, flaws.join('; ')) : passed(modules.join(', '))
}

/** Runs a command of the shell that must exit 0. */
export async function smoke(command: string, trial: Trial): Promise<StageEnd> {
  const flaw = await bounded(['/bin/sh', '-c', command], trial)
  return flaw ? failed(EXIT.findings, flaw) : passed()
}

/** What went wrong, or undefined. */
async function bounded(argv: readonly string[], trial: Trial): Promise<string | undefined> {
  const { signal, timeoutMs, stopGraceMs, clock = systemClock } = trial
  signal.throwIfAborted()
  const limit = clock.deadline(timeoutMs, signal)
  const job = new Job(argv, { ...trial, output: 'kept' })
  const late = new Promise<'late'>(resolve => {
    limit.signal.addEventListener('abort', () => resolve('late'), { once: true })
  })
  const first = await Promise.race([job.ended, late])
  limit.clear()
  if (first !== 'late') return first.status === 0 ? undefined : ending(first, trial)
  await job.stop(Math.min(stopGraceMs, LATE_MS), 'group')
  signal.throwIfAborted()
  return `did not end within ${formatMs(timeoutMs)}`
}

/** How long what took too long already has to end, in milliseconds. */
const LATE_MS = 1000

/** How many lines of a program's last words are shown. */
const LINES = 5

function ending({ failure, status, tail }: JobEnd, { hush }: Trial): string {
  if (failure) return failure
  const lines = tail.trimEnd().split('\n').slice(-LINES)
  const words = lines.map(line => plain(hush(line), 300)).filter(Boolean)
  return [`status ${status}`, ...words].join(words.length > 1 ? '\n      ' : ': ')
}

/**
 * Starts COMMAND: it must stay up for `forMs`, and answer at `health` meanwhile and at the end. It is always stopped.
 */
export async function upFor(
  command: readonly string[],
  forMs: number,
  health: Aim | undefined,
  trial: Trial,
): Promise<StageEnd> {
  const { signal, stopGraceMs, clock = systemClock } = trial
  signal.throwIfAborted()
  const begun = monotonic()
  const over = childOf(signal)
  const job = new Job(command, { ...trial, output: 'kept' })
  try {
    const watched = watch(forMs, health, over.signal, clock)
    const first = await Promise.race([job.ended, watched])
    if ('tail' in first) {
      const text = `it ended after ${formatMs(monotonic() - begun)} with ${ending(first, trial)}`
      return failed(first.status || EXIT.findings, text)
    }
    over.abort(new Error('decided'))
    const asked = monotonic()
    const { status, killed } = await job.stop(stopGraceMs, 'leader')
    signal.throwIfAborted()
    const stop = killed
      ? `it did not end within ${formatMs(stopGraceMs)} of TERM and was killed`
      : `TERM ended it with status ${status} after ${formatMs(monotonic() - asked)}`
    const text = [first.message, stop].join('; ')
    return { ...first, message: text }
  } finally {
    over.abort(new Error('over'))
    over.clear()
    await job.stop(stopGraceMs, 'leader')
  }
}

/** Resolves when the time is over, or health is not what it should be. */
async function watch(
  forMs: number,
  health: Aim | undefined,
  signal: AbortSignal,
  clock: Clock,
): Promise<StageEnd> {
  const begun = clock.now()
  const up = `up for ${formatMs(forMs)}`
  const ask = (options: object) =>
    health ? waitForTargets([health], { ...options, graceMs: forMs, signal }) : undefined
  const first = await ask({ timeoutMs: forMs })
  const unhealthy = (culprit: NonNullable<typeof first>['culprit']) =>
    culprit && !culprit.verdict.ready && !signal.aborted
      ? failed(statusOf(culprit.verdict, culprit.state), why(culprit.verdict))
      : undefined
  const never = unhealthy(first?.culprit)
  if (never) return never
  await clock.sleep(Math.max(0, forMs - (clock.now() - begun)), signal).catch(() => {})
  if (!first) return passed(up)
  const last = unhealthy((await ask({ once: true, timeoutMs: HEALTH_MS }))?.culprit)
  return last ?? passed(`${up}, healthy after ${formatMs(first.durationMs)}`)
}

/** For the last look at the health address, in milliseconds. */
const HEALTH_MS = 5000
