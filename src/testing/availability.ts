import type { Verdict } from '../core/verdict.js'
import type { Aim } from '../gate/outcome.js'
import { type Clock, systemClock, wallClock } from '../io/clock.js'
import { type FileLock, takeLock } from '../io/lockfile.js'
import type { Seen } from '../standin/settle.js'
import { type Answer, Answers } from './answers.js'
import { type Budget, look, type Shared } from './look.js'

/** What an answer depends on; a TestPlan has it. */
export interface Terms extends Budget {
  /** How long an answer holds, in milliseconds; with 0 only for those who asked before it was found. */
  readonly availabilityMs: number
}

export interface Known extends Seen {
  /** When it was found: Unix time in milliseconds. */
  readonly at: number
}

export interface Asking extends Shared {
  /** Look although there is an answer; it is stored for the others. */
  readonly afresh?: boolean
  /** Names the run: its rejected logins are not tried again in it, however old they are. */
  readonly run?: string
  /** Unix time in milliseconds. */
  readonly time?: () => number
  /** Where answers are kept. Default: `holdfast-availability-UID` in the temporary folder. */
  readonly directory?: string
}

/** How often those that wait for another process' look see whether there is an answer, in milliseconds. */
const POLL_MS = 20

/** What a look may take beyond its time: a session that is closed, a machine that is slow. In milliseconds. */
const SLACK_MS = 1000

/**
 * Is the service there? One look for all processes of this user, on all their targets with this address: the answer
 * holds `availabilityMs`. Whoever comes while another process looks waits for its answer, but no longer than a look
 * may take; then, and where there is no private directory for answers, it looks itself.
 *
 * @throws the signal's reason, and nothing for the target's sake.
 */
export async function available(aim: Aim, terms: Terms, asking: Asking): Promise<Known> {
  const { afresh = false, clock = systemClock, time = wallClock, signal, run } = asking
  // What a command says may depend on all that is around it.
  const answers = aim.service.name === 'exec' ? undefined : Answers.open(asking.directory)
  const file = answers?.fileOf(aim, terms) ?? ''
  const rejection = run === undefined ? undefined : answers?.rejectionOf(aim, run)
  const since = time()
  const ask = async () => {
    const seen = await look(aim, terms, asking)
    signal.throwIfAborted()
    const at = time()
    const { state, verdict, attempts, readyAfterMs } = seen.outcome
    const answer = { state, verdict, attempts, readyAfterMs, waited: seen.waited, at }
    answers?.write(file, answer)
    if (rejection && isRejected(verdict)) answers?.write(rejection, answer)
    answers?.sweep(at)
    return { ...seen, at }
  }
  if (!answers || afresh) return ask()
  const known = () => {
    const now = time()
    const rejected = rejection && answers.read(rejection, Number.POSITIVE_INFINITY, now)
    const answer = rejected || answers.read(file, terms.availabilityMs, now, since)
    return answer && knownOf(aim, answer)
  }
  const lastMs = terms.timeoutMs + SLACK_MS
  const end = clock.now() + lastMs
  for (;;) {
    signal.throwIfAborted()
    const before = known()
    if (before) return before
    const lock = lockOf(file, lastMs, time)
    if (lock) {
      try {
        // Between the two another process may have stored one.
        return known() ?? (await ask())
      } finally {
        lock.release()
      }
    }
    if (clock.now() >= end) return ask()
    await sleep(clock, signal)
  }
}

/** Did a server turn the login down? Asked again it may lock the account. */
export const isRejected = (verdict: Verdict): boolean =>
  !verdict.ready && verdict.finding.reason === 'authentication-failed'

/** Another target of the same address may have another name. */
const knownOf = ({ target }: Aim, { verdict, waited, at, ...outcome }: Answer): Known => ({
  outcome: { ...outcome, target, verdict: { ...verdict, target: target.name } },
  waited,
  at,
})

const UNLOCKED: FileLock = { release: () => {} }

/** The lock, or undefined where another one has it. Where no lock can be had nobody is kept waiting for one. */
function lockOf(file: string, lastMs: number, time: () => number): FileLock | undefined {
  try {
    return takeLock(`${file}.lock`, lastMs, time)
  } catch {
    return UNLOCKED
  }
}

const sleep = (clock: Clock, signal: AbortSignal): Promise<void> =>
  clock.sleep(POLL_MS * (0.5 + Math.random()), signal)
