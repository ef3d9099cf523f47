import type { Expectation } from '../core/service.js'
import type { Clock } from '../io/clock.js'
import type { Resolve } from '../io/resolve.js'
import type { ResolveSeeds } from '../io/seeds.js'

/** How deep a probe goes. */
export type Depth = 'tcp' | 'auth' | 'query' | 'write' | 'schema'

export interface ProbeOptions {
  /** How deep to go. Default `query`. */
  readonly until?: Depth
  /** Simultaneous authenticated connections that must answer. Default 1. */
  readonly connections?: number
  /** Statements that must each return a row whose first value is not false. */
  readonly queries?: readonly string[]
  /** What `until: 'schema'` compares with. */
  readonly expect?: Expectation
  /** Milliseconds for the whole attempt. Default 5000. */
  readonly timeoutMs?: number
  /** Ask a port that stays silent, or closes, what it is. Default true. */
  readonly identify?: boolean
  /** Ask also for what only a report shows: the server's age, the other addresses of its name. Default true. */
  readonly details?: boolean
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly resolve?: Resolve
  readonly resolveSeeds?: ResolveSeeds
}

export const ATTEMPT_TIMEOUT_MS = 5000
