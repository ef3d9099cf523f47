import type { ProbedPool } from './probed.js'

/** As much of mysql2's callback pool, which is in its promise pool, too, and in holdfast's. What begins with _ may be missing. */
export interface CorePool {
  query(config: object, done: (error: unknown) => void): unknown
  promise(): unknown
  on(event: 'release', listener: () => void): unknown
  off(event: 'release', listener: () => void): unknown
  readonly config?: { readonly connectionLimit?: number }
  readonly _allConnections?: { readonly length: number }
  readonly _freeConnections?: { readonly length: number }
  readonly _connectionQueue?: { get(index: number): unknown }
}

/** mysql2's callback pool is told by its method `promise`, its promise pool by what it has inside. */
export function coreOf(pool: ProbedPool): CorePool | undefined {
  return [pool, pool.pool].find(one => typeof (one as Partial<CorePool>)?.promise === 'function') as
    | CorePool
    | undefined
}

/** By callback, and past holdfast's patience, which would outlast a sample. */
export const askCore = (core: CorePool, timeoutMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    core.query({ sql: 'SELECT 1', timeout: timeoutMs }, error => (error ? reject(error) : resolve()))
  })

export function isCoreTaken({ config, _allConnections: all, _freeConnections: free }: CorePool): boolean {
  const max = config?.connectionLimit ?? 0
  return max > 0 && free?.length === 0 && all !== undefined && all.length >= max
}

/** Who waits first: where somebody does, mysql2 hands a connection on without an event. */
export const headOf = (core: CorePool): unknown => core._connectionQueue?.get(0)
