import { aborted } from './failures.js'

/** Pauses between attempts. One success ends all of them: the server is back. */
export class Pauses {
  readonly #wakes = new Set<() => void>()

  /** Resolves after `ms`, or at `wake()`; rejects with the signal. */
  take(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal))
      const done = (act: () => void) => () => {
        clearTimeout(timer)
        this.#wakes.delete(wake)
        signal?.removeEventListener('abort', stop)
        act()
      }
      const wake = done(resolve)
      const stop = done(() => reject(aborted(signal as AbortSignal)))
      const timer = setTimeout(wake, ms)
      this.#wakes.add(wake)
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  wake(): void {
    for (const wake of [...this.#wakes]) wake()
  }
}

/** The pause after the nth failure; up to a half of it is taken off at random. */
export function backoff(
  attempt: number,
  { first, factor, most }: { first: number; factor: number; most: number },
  random = Math.random,
): number {
  return Math.min(first * factor ** (attempt - 1), most) * (1 - random() / 2)
}
