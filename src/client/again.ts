import { type Clock, childOf, systemClock } from '../io/clock.js'
import type { Classification } from '../services/classify.js'
import { failure, type Told, told } from './told.js'

/** How patiently a connection is made, by the pool and the helpers alike: long enough for a fail-over, and bounded. */
export interface ConnectLimits {
  /** One attempt to connect, name to first answer. Milliseconds, default 30,000. */
  readonly connectTimeoutMillis?: number
  /** Attempts to connect, where the table says that repeating is safe. Default 10. */
  readonly connectAttempts?: number
  /** All attempts to connect together. Milliseconds, default 120,000. */
  readonly connectDeadlineMillis?: number
  /** Pause after the first failed attempt; each later one is `backoffFactor` times as long. Milliseconds, default 1000. */
  readonly backoffMillis?: number
  /** Default 1.5. */
  readonly backoffFactor?: number
  /** The longest pause. Milliseconds, default 30,000. A random part of up to a half is taken off each. */
  readonly backoffMostMillis?: number
}

export const CONNECT_LIMITS: Required<ConnectLimits> = {
  connectTimeoutMillis: 30_000,
  connectAttempts: 10,
  connectDeadlineMillis: 120_000,
  backoffMillis: 1000,
  backoffFactor: 1.5,
  backoffMostMillis: 30_000,
}

export interface RetryingOptions extends ConnectLimits {
  /** Whether to try again after this error, the `failures`-th. Default `mayConnectAgain`. */
  readonly again?: (error: Told, failures: number) => boolean
  /** Told of each failed attempt that another one follows. */
  readonly onRetry?: (event: {
    readonly error: Told
    readonly attempt: number
    readonly delayMillis: number
  }) => void
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Who share it wake each other: `wake()` once one of them got through. */
  readonly sleepers?: Sleepers
  readonly clock?: Clock
  readonly random?: () => number
}

/**
 * Runs `work` until it succeeds, and between failures pauses. `work` is given the number of the attempt, from 1, and a
 * signal that ends the attempt (`connectTimeoutMillis`, the deadline or the caller), which it has to heed, closing what it opened.
 * Rejects, with what is told, with the last error that the table does not repeat, or that came when attempts or time were used up; with the one before it,
 * where the deadline cut an attempt short; with the signal's reason.
 */
export async function retrying<T>(
  work: (attempt: number, signal: AbortSignal) => Promise<T>,
  options: RetryingOptions = {},
): Promise<T> {
  const { clock = systemClock, sleepers = new Sleepers(), again = mayConnectAgain, signal } = options
  const { connectAttempts, connectDeadlineMillis, connectTimeoutMillis } = limitsOf(options)
  const end = clock.now() + connectDeadlineMillis
  let last: Told | undefined
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const left = end - clock.now()
    const limit = clock.deadline(Math.max(0, Math.min(left, connectTimeoutMillis)), signal)
    try {
      const result = await work(attempt, limit.signal)
      sleepers.wake()
      return result
    } catch (error) {
      signal?.throwIfAborted()
      const cut = limit.signal.aborted && left < connectTimeoutMillis
      if (!(cut && last)) last = tell(error, limit.signal)
    } finally {
      limit.clear()
    }
    const delayMillis = pauseAfter(attempt, options)
    const over = attempt >= connectAttempts || clock.now() + delayMillis >= end
    if (over || !again(last, attempt)) throw last
    options.onRetry?.({ error: last, attempt, delayMillis })
    await sleepers.sleep(delayMillis, clock, signal)
  }
}

/** The driver's own words if it has any; told in the phase `connect`, unless `work` told it already. */
function tell(error: unknown, signal: AbortSignal): Told {
  if (!signal.aborted || error !== signal.reason) return told(error, { phase: 'connect' })
  return failure('connect-timeout', 'no session in time', {
    phase: 'connect',
    sent: false,
    code: 'ETIMEDOUT',
    cause: error,
  })
}

/** By the table: a rejected password is not sent twice, and what may have been executed not repeated. */
export const mayConnectAgain = (error: Told): boolean => isRepeatable(error.holdfast)

/** Is it safe to do the same once more, as far as anybody knows? */
export const isRepeatable = ({ retry, outcome }: Classification): boolean =>
  retry === 'yes' ? outcome !== 'unknown' : retry === 'if-unsent' && outcome === 'not-sent'

/** Milliseconds after the `failures`-th failure: exponential, up to a half taken off at random. */
export function pauseAfter(
  failures: number,
  options: Pick<RetryingOptions, 'backoffMillis' | 'backoffFactor' | 'backoffMostMillis' | 'random'> = {},
): number {
  const { backoffMillis, backoffFactor, backoffMostMillis } = limitsOf(options)
  const whole = Math.min(backoffMostMillis, backoffMillis * backoffFactor ** (failures - 1))
  return whole * (1 - (options.random ?? Math.random)() / 2)
}

export function limitsOf(options: ConnectLimits): Required<ConnectLimits> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...CONNECT_LIMITS, ...Object.fromEntries(given) }
}

/** Those who pause between attempts, and go on at once when they are woken. */
export class Sleepers {
  readonly #alarms = new Set<() => void>()

  async sleep(millis: number, clock: Clock = systemClock, signal?: AbortSignal): Promise<void> {
    const nap = childOf(signal)
    const alarm = () => nap.abort(WOKEN)
    this.#alarms.add(alarm)
    try {
      await clock.sleep(millis, nap.signal)
    } catch (error) {
      if (error !== WOKEN) throw error
    } finally {
      this.#alarms.delete(alarm)
      nap.clear()
    }
  }

  wake(): void {
    for (const alarm of this.#alarms) alarm()
  }
}

const WOKEN = Symbol('woken')
