import type { Settle } from './running.js'

/** Told of each statement: milliseconds from the call to its end, and the error. */
export type Operated = (ms: number, error?: unknown) => void

export function timing(operated: Operated, settle: Settle): Settle {
  const began = performance.now()
  return (error, result) => {
    operated(performance.now() - began, error ?? undefined)
    settle(error, result)
  }
}
