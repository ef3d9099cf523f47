import { clearTimeout, monotonic, setTimeout } from '../../io/clock.js'

/** Time that keeps no process alive. */
export interface Timing {
  /** Milliseconds on a monotonic scale. */
  now(): number
  /** Calls `work` after `ms`, once; what it returns takes that back. */
  after(ms: number, work: () => void): () => void
  /** From 0 to 1. */
  random(): number
}

export const systemTiming: Timing = {
  now: monotonic,
  after(ms, work) {
    const timer = setTimeout(work, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
