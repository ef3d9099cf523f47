import type { Target } from '../../core/target.js'
import { isTold } from '../told.js'
import { Leaks, type Watched } from './leaks.js'
import { type Metrics, metricsOf } from './metrics.js'
import type { Settings } from './settings.js'
import type { PoolState } from './types.js'

/** What looks on at a pool: leak detection and metrics, as far as they are asked for. */
export interface Watch {
  readonly metrics: Metrics | undefined
  /** Who asks; to be called before anything is awaited. */
  trace(): Error | undefined
  /** From a request for a client until it is there. */
  acquiring<C extends object>(client: Promise<C>, trace: Error | undefined): Promise<C>
  /** A client came back after `ms`, or was closed. */
  returned(client: object, ms: number): void
  /** A client was closed instead of going back: `why`, or what it was released with. */
  discarded(why: unknown): void
  holders(): PoolState['holders']
  end(): void
}

/** Undefined where nothing is asked for. */
export function watchOf(pool: Watched, settings: Settings, target: Target): Watch | undefined {
  const { meter, leakDetectionMillis, min } = settings
  if (!meter && leakDetectionMillis === 0) return undefined
  const leaks = leakDetectionMillis > 0 ? new Leaks(pool, leakDetectionMillis) : undefined
  const metrics = meter && metricsOf(meter, { name: pool.name, min, state: () => pool.state() }, target)
  return {
    metrics,
    trace: () => leaks?.trace(),
    async acquiring(asked, trace) {
      const began = performance.now()
      try {
        const client = await asked
        metrics?.waited(performance.now() - began)
        if (trace) leaks?.took(client, trace)
        return client
      } catch (error) {
        if (isTimeout(error)) metrics?.timedOut()
        throw error
      }
    },
    returned(client, ms) {
      leaks?.gave(client)
      metrics?.used(ms)
    },
    // The text of an error may be anything: no label.
    discarded: why =>
      metrics?.discarded(why instanceof Error ? 'it was released with an error' : String(why)),
    holders: () => leaks?.holders(),
    end() {
      leaks?.end()
      metrics?.end()
    },
  }
}

const isTimeout = (error: unknown): boolean =>
  isTold(error) && /^(pool-exhausted|connect-timeout)$/.test(error.holdfast.reason)
