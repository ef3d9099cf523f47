import type { Attempt, Service } from '../core/service.js'
import { mayDescend, type Verdict } from '../core/verdict.js'
import type { Logins } from '../gate/logins.js'
import type { Aim, Progress } from '../gate/outcome.js'
import { waitForTargets } from '../gate/wait.js'
import { type Clock, childOf, systemClock, TimeoutError } from '../io/clock.js'
import type { Seen } from '../standin/settle.js'

/** How long an absent service is asked again before something else takes its place, in milliseconds. */
const SECOND_LOOK_MS = 250

/** How long a port may take to accept: a firewall that drops packets is known by then. In milliseconds. */
const PORT_MS = 1000

/** How long to wait for a service that is starting, and for one attempt, in milliseconds. */
export interface Budget {
  readonly timeoutMs: number
  readonly attemptTimeoutMs: number
}

/** What a look shares with the others of its run. */
export interface Shared {
  /** Shared by all services of one run. */
  readonly logins: Map<string, Logins>
  readonly signal: AbortSignal
  /** Hears of every verdict as it is reached; of an answer that was kept it hears nothing. */
  readonly onVerdict?: (verdict: Verdict, progress: Progress) => void
  readonly clock?: Clock
}

/** Waits for what is starting, looks twice at what is absent, and stops at once at what will not heal. */
export async function look(aim: Aim, { timeoutMs, attemptTimeoutMs }: Budget, shared: Shared): Promise<Seen> {
  const { clock = systemClock, logins } = shared
  const seen = childOf(shared.signal)
  let enough = false
  const stop = (reason: unknown) => {
    enough = true
    seen.abort(reason)
  }
  let absentSince: number | undefined
  try {
    const patient = { ...aim, service: impatient(aim, clock, stop) }
    const { outcomes } = await waitForTargets([patient], {
      timeoutMs,
      attemptTimeoutMs,
      graceMs: 0,
      logins,
      clock,
      signal: seen.signal,
      onVerdict(verdict, progress) {
        shared.onVerdict?.(verdict, progress)
        if (verdict.ready || !mayDescend(verdict, false)) {
          absentSince = undefined
          return
        }
        absentSince ??= progress.elapsedMs
        const slow = verdict.finding.reason === 'connect-timeout'
        if (slow || progress.elapsedMs - absentSince >= SECOND_LOOK_MS) stop(new Error('it is absent'))
      },
    })
    const [outcome] = outcomes
    if (!outcome) throw new Error('a wait for one target has one outcome')
    return { outcome, waited: !enough && outcome.state === 'waiting' }
  } finally {
    seen.clear()
  }
}

/**
 * The same service, but a port that does not accept within PORT_MS ends the look: on the connection of the probe
 * itself, so that a server counts one. Of several hosts each has its share of the attempt instead.
 */
function impatient({ service, target }: Aim, clock: Clock, stop: (reason: unknown) => void): Service {
  if (target.hosts.length !== 1 || target.srv) return service
  const watched = async <T>(connecting: Promise<T>): Promise<T> => {
    const limit = clock.deadline(PORT_MS)
    const late = () => stop(new TimeoutError(PORT_MS))
    limit.signal.addEventListener('abort', late, { once: true })
    try {
      return await connecting
    } finally {
      limit.signal.removeEventListener('abort', late)
      limit.clear()
    }
  }
  const observed = (attempt: Attempt): Attempt =>
    Object.assign(Object.create(attempt), {
      connect: (options?: Parameters<Attempt['connect']>[0]) => watched(attempt.connect(options)),
    })
  return {
    name: service.name,
    abilities: service.abilities,
    classify: error => service.classify(error),
    open: (at, attempt) => service.open(at, observed(attempt)),
  }
}
