import { type Clock, childOf, type Deadline, TimeoutError } from '../../src/io/clock.js'

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** Lets everything happen that needs no time: promises that follow from one another. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

/** Virtual time: it passes only when a test lets it, and then timers fire in their order. */
export class FakeClock implements Clock {
  #now: number
  // In the order of `at`, and of their making where that is the same.
  #timers: Timer[] = []

  constructor(start = 0) {
    this.#now = start
  }

  /** How many sleeps and deadlines are still under way; none should be once everything is done. */
  get pending(): number {
    return this.#timers.length
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.#after(ms, () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      })
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  deadline(ms: number, parent?: AbortSignal): Deadline {
    const { signal, abort, clear } = childOf(parent)
    const cancel = this.#after(ms, () => abort(new TimeoutError(ms)))
    return {
      signal,
      clear() {
        cancel()
        clear()
      },
    }
  }

  /** Lets `ms` pass, with everything that falls due meanwhile. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    while (this.#timers[0] && this.#timers[0].at <= end) await this.#next()
    this.#now = end
  }

  /**
   * Lets as much time pass as it takes until the promise settles. Rejects when nothing is left that time could
   * bring about, which in real time would be a hang.
   */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    await settle()
    while (!settled) {
      if (!this.#timers[0]) throw new Error(`it would hang for ever: nothing is due after ${this.#now} ms`)
      await this.#next()
    }
    return promise
  }

  async #next(): Promise<void> {
    const timer = this.#timers.shift()
    if (!timer) return
    this.#now = Math.max(this.#now, timer.at)
    timer.fire()
    await settle()
  }

  #after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), fire }
    const later = this.#timers.findIndex(other => other.at > timer.at)
    this.#timers.splice(later < 0 ? this.#timers.length : later, 0, timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }
}
