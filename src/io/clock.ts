import { setMaxListeners } from 'node:events'

export interface Deadline {
  readonly signal: AbortSignal
  clear(): void
}

/** Time, so that tests can replace it. */
export interface Clock {
  /** Milliseconds on a monotonic scale. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Aborts after `ms` with a TimeoutError, or with `parent`. Call `clear` when it is no longer needed. */
  deadline(ms: number, parent?: AbortSignal): Deadline
}

/**
 * As they are when this is loaded: tests put others in their place (`vi.useFakeTimers()`), under which no time passes.
 */
export const { setTimeout, clearTimeout } = globalThis
const { hrtime } = process

/** Unix time in milliseconds. */
export const wallClock = Date.now

/** Monotonic milliseconds. `performance` would load node:perf_hooks, 4 ms of a cold start. */
export const monotonic = (): number => Number(hrtime.bigint()) / 1e6

export const systemClock: Clock = {
  now: monotonic,
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const wake = () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      const timer = setTimeout(wake, Math.min(ms, MAX_TIMER_MS))
      signal?.addEventListener('abort', stop, { once: true })
    })
  },
  deadline(ms, parent) {
    const { signal, abort, clear } = childOf(parent)
    const timer = setTimeout(() => abort(new TimeoutError(ms)), Math.min(ms, MAX_TIMER_MS))
    return {
      signal,
      clear() {
        clearTimeout(timer)
        clear()
      },
    }
  },
}

/** Node's timers hold no more. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** A signal that follows `parent` until it is cleared; unlike AbortSignal.any it leaves nothing behind there. */
export function childOf(parent?: AbortSignal): Deadline & { abort(reason: unknown): void } {
  const controller = new AbortController()
  // Each connection of a pool that is filled listens, and none of them is a leak.
  setMaxListeners(0, controller.signal)
  const follow = () => controller.abort(parent?.reason)
  if (parent?.aborted) follow()
  else parent?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    abort: reason => controller.abort(reason),
    clear: () => parent?.removeEventListener('abort', follow),
  }
}

/** A deadline that passed. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
  constructor(readonly ms: number) {
    super(`no answer within ${ms} ms`)
  }
}
