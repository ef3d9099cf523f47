import type * as cockatiel from 'cockatiel'
import { formatMs } from '../../core/options.js'
import { type Clock, systemClock } from '../../io/clock.js'
import { failure, told } from '../told.js'
import type { PoolOptions } from './types.js'

/** Lets so many through at the same time, and as many wait in `queue`, none longer than `acquireTimeoutMillis`. */
export class Bulkhead {
  readonly #policy: cockatiel.BulkheadPolicy
  readonly #limits: Required<NonNullable<PoolOptions['bulkhead']>>
  readonly #name: string
  readonly #acquireTimeoutMillis: number
  readonly #clock: Clock
  #waiting = 0

  constructor(
    lib: typeof cockatiel,
    limits: NonNullable<PoolOptions['bulkhead']>,
    pool: { readonly name: string; readonly acquireTimeoutMillis: number },
    clock = systemClock,
  ) {
    this.#limits = { queue: 0, ...limits }
    // The policy's own queue keeps a place for whoever has given up; places are counted here.
    this.#policy = lib.bulkhead(this.#limits.concurrent, Number.POSITIVE_INFINITY)
    this.#name = pool.name
    this.#acquireTimeoutMillis = pool.acquireTimeoutMillis
    this.#clock = clock
  }

  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(aborted(signal))
    if (this.#policy.executionSlots > 0) return this.#policy.execute(work)
    if (this.#waiting >= this.#limits.queue) return Promise.reject(this.#full(''))
    return this.#wait(work, signal)
  }

  #wait<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const patience = this.#clock.deadline(this.#acquireTimeoutMillis, signal)
      let waits = true
      this.#waiting++
      const leave = () => {
        waits = false
        this.#waiting--
        patience.clear()
      }
      patience.signal.addEventListener('abort', () => {
        if (!waits) return
        leave()
        reject(
          signal?.aborted ? aborted(signal) : this.#full(` within ${formatMs(this.#acquireTimeoutMillis)}`),
        )
      })
      const enter = async () => {
        if (!waits) return
        leave()
        resolve(await work())
      }
      this.#policy.execute(enter).catch(reject)
    })
  }

  #full(time: string): Error {
    const { concurrent, queue } = this.#limits
    const message = `${this.#name}: no place in the bulkhead was free${time}: ${concurrent} at work, ${this.#waiting} of ${queue} waiting`
    return failure('pool-exhausted', message, {
      phase: 'acquire',
      sent: false,
      code: 'BULKHEAD_FULL',
      target: this.#name,
      advice: 'Answer 503, or raise bulkhead.concurrent where the database has room for more.',
    })
  }
}

const aborted = (signal: AbortSignal) => told(signal.reason, { driver: 'pg', phase: 'acquire', sent: false })
