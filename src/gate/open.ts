import type { Session } from '../core/service.js'
import type { NotReady, Ready } from '../core/verdict.js'
import { systemClock } from '../io/clock.js'
import type { Aim, WaitOptions } from './outcome.js'
import { probeOnce } from './probe.js'
import { TIMEOUT_MS, waitForTargets } from './wait.js'

export type Opened =
  | { readonly session: Session | undefined; readonly verdict: Ready }
  | { readonly session?: undefined; readonly verdict: NotReady }

/** What keeps failing although the target becomes ready in between is no matter of waiting. */
const ROUNDS = 3

/**
 * A probe of a target that was ready before. What heals is waited for, by the table; `final` says which verdicts are
 * an answer all the same. The caller closes the session.
 */
export async function openSession(
  aim: Aim,
  options: WaitOptions,
  final: (verdict: NotReady) => boolean = () => false,
): Promise<Opened> {
  const clock = options.clock ?? systemClock
  const end = clock.now() + (options.timeoutMs ?? TIMEOUT_MS)
  // The time for all of it is none for one attempt.
  const { attemptTimeoutMs, timeoutMs: _, stableMs: __, connections: ___, ...probe } = options
  for (let round = 1; ; round++) {
    const { verdict, session } = await probeOnce(aim.target, aim.service, {
      ...probe,
      ...aim.probe,
      ...(attemptTimeoutMs === undefined ? {} : { timeoutMs: attemptTimeoutMs }),
    })
    if (verdict.ready) return { verdict, session }
    const left = end - clock.now()
    if (final(verdict) || round === ROUNDS || left <= 0 || options.signal?.aborted) return { verdict }
    const { culprit } = await waitForTargets([{ ...aim, probe: {} }], { ...options, timeoutMs: left })
    if (culprit && !culprit.verdict.ready) return { verdict: culprit.verdict }
  }
}
