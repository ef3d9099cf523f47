import type { Service } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { Verdict } from '../core/verdict.js'
import type { Logins } from './logins.js'
import type { ProbeOptions } from './options.js'

export interface WaitOptions extends Omit<ProbeOptions, 'timeoutMs' | 'signal'> {
  /** Milliseconds for everything together. Default 60000. */
  readonly timeoutMs?: number
  /** Milliseconds for one attempt. Default 5000. */
  readonly attemptTimeoutMs?: number
  /** How long the server must have been, and stay, the same one, in milliseconds. Default 0: not asked. */
  readonly stableMs?: number
  /** How long a reason that does not heal must persist before the wait ends, in milliseconds. Default 3000. */
  readonly graceMs?: number
  /** One attempt, then an answer. */
  readonly once?: boolean
  /** Ready as soon as one target is. */
  readonly any?: boolean
  /** Wait until the targets refuse, or their names are gone. */
  readonly gone?: boolean
  readonly signal?: AbortSignal
  /** What other waits know of the same logins: together they must not lock an account. */
  readonly logins?: Map<string, Logins>
  /** Hears of every verdict as it is reached. */
  readonly onVerdict?: (verdict: Verdict, progress: Progress) => void
}

export interface Progress {
  readonly target: Target
  readonly attempts: number
  readonly elapsedMs: number
}

export type State = 'ready' | 'gone' | 'waiting' | 'broken'

export interface Outcome {
  readonly target: Target
  readonly state: State
  readonly verdict: Verdict
  readonly attempts: number
  /** When the target became ready (or gone), in milliseconds since the wait began. */
  readonly readyAfterMs: number | null
}

export interface WaitResult {
  readonly ok: boolean
  readonly durationMs: number
  readonly outcomes: readonly Outcome[]
  /** The outcome that decided against: the first that broke, else the first that is not ready. */
  readonly culprit?: Outcome
}

export interface Aim {
  readonly target: Target
  readonly service: Service
  /** What differs for this target. */
  readonly probe?: Pick<ProbeOptions, 'until' | 'queries' | 'expect'>
}
