import { systemClock } from '../../io/clock.js'
import { cachedResolve, resolveHost } from '../../io/resolve.js'
import type { Checkup, DoctorOptions, Patient } from './checkup.js'
import { Examiner } from './examiner.js'

const TIMEOUT_MS = 30_000

/**
 * Examines every target, all at the same time; those that take many connections do so one after another. Never rejects
 * for a target's sake; read-only, bounded, and leaves nothing open.
 */
export async function examineAll(
  patients: readonly Patient[],
  options: DoctorOptions = {},
): Promise<Checkup[]> {
  const clock = options.clock ?? systemClock
  const resolve = options.resolve ?? cachedResolve(resolveHost, () => clock.now())
  const deadline = clock.deadline(options.timeoutMs ?? TIMEOUT_MS, options.signal)
  let turn: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => {})
    return mine
  }
  const shared = { ...options, resolve, signal: deadline.signal, clock, logins: new Map(), alone }
  try {
    return await Promise.all(patients.map(patient => new Examiner(patient, shared).run()))
  } finally {
    deadline.clear()
  }
}
