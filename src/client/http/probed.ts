/** Asks once. `busy`: it works, and nothing is free. */
export type Ask = (signal: AbortSignal, timeoutMs: number) => Promise<{ busy: boolean }>

/** As much of a pool as is asked: holdfast's, node-postgres' and mysql2's have it. */
export interface ProbedPool {
  // biome-ignore lint/suspicious/noExplicitAny: each of them has overloads of its own
  query(config: any): unknown
  /** holdfast's: its numbers. */
  readonly state?: unknown
  /** pg-pool's. */
  readonly totalCount?: number
  readonly idleCount?: number
  readonly options?: { readonly max?: number | undefined }
  /** mysql2/promise's: the callback pool inside. */
  readonly pool?: unknown
  // biome-ignore lint/suspicious/noExplicitAny: the same
  on?(event: any, listener: (...given: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: the same
  off?(event: any, listener: (...given: any[]) => void): unknown
}
