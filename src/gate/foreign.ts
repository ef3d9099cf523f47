import { classifyTransport } from '../core/classify.js'
import { ProbeError } from '../core/service.js'
import type { Target } from '../core/target.js'
import { clearTimeout, setTimeout } from '../io/clock.js'
import type { NetAttempt } from './attempt.js'

/** How long a port that accepted may stay silent before it is asked what it is, in milliseconds. */
const SILENCE_MS = 1000

/** The outcome, unless the port accepts without a word and turns out to belong to another service. */
export async function unlessForeign<T>(
  examined: Promise<T>,
  target: Target,
  attempt: NetAttempt,
): Promise<T> {
  const silent = Symbol('silent')
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<typeof silent>(resolve => {
    attempt.onReached = () => {
      timer = setTimeout(resolve, SILENCE_MS, silent)
    }
  })
  const first = await Promise.race([
    examined.catch(error => {
      if (attempt.signal.aborted || !endedUnheard(error, attempt)) throw error
      return silent
    }),
    silence,
  ]).finally(() => clearTimeout(timer))
  if (first !== silent) return first as T
  if (attempt.reached && !attempt.heard) {
    const { identify } = await import('./identify.js')
    const foreign = await identify(target, attempt.reached, attempt.signal)
    if (foreign && !attempt.heard) {
      examined.catch(() => {})
      attempt.trace.heard = true
      throw foreign
    }
  }
  return examined
}

function endedUnheard(error: unknown, attempt: NetAttempt): boolean {
  if (error instanceof ProbeError || !attempt.reached || attempt.heard) return false
  return (
    classifyTransport(error).reason === 'connection-lost' ||
    (error as { message?: string }).message === 'socket hang up'
  )
}
