/** Time, so that tests can replace it. */
export interface Clock {
  /** Milliseconds on a monotonic scale. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Aborts after `ms`, with a TimeoutError. Call `clear` when it is no longer needed. */
  deadline(ms: number): { signal: AbortSignal; clear(): void }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      signal?.addEventListener('abort', stop, { once: true })
    })
  },
  deadline(ms) {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(new TimeoutError(ms)), Math.min(ms, 2 ** 31 - 1))
    return { signal: controller.signal, clear: () => clearTimeout(timer) }
  },
}

/** A deadline that passed. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
  constructor(readonly ms: number) {
    super(`no answer within ${ms} ms`)
  }
}
