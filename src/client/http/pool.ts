import { untilAborted } from '../../io/resolve.js'
import { codeFor } from '../told.js'

/** As much of a pool as is asked: holdfast's, node-postgres' and mysql2's have it. */
export interface ProbedPool {
  // biome-ignore lint/suspicious/noExplicitAny: each of them has overloads of its own
  query(config: any): unknown
  /** holdfast's. */
  state?(): { readonly max: number; readonly used: number; readonly idle: number }
  /** pg-pool's. */
  readonly totalCount?: number
  readonly idleCount?: number
  readonly options?: { readonly max?: number | undefined }
  // biome-ignore lint/suspicious/noExplicitAny: the same
  on?(event: any, listener: (...given: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: the same
  off?(event: any, listener: (...given: any[]) => void): unknown
}

/**
 * `SELECT 1` through the pool, unless all of its connections are taken: a busy pool is no broken database, and a
 * question more would wait behind its users. Then it works as long as one comes back sound.
 */
export async function askPool(
  pool: ProbedPool,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ busy: boolean }> {
  const watch = watchOf(pool)
  try {
    if (!isTaken(pool) || !watch) {
      const query = {
        text: 'SELECT 1',
        sql: 'SELECT 1',
        query_timeout: timeoutMs,
        timeout: timeoutMs,
        signal,
      }
      await untilAborted(Promise.resolve(pool.query(query)), signal)
      return { busy: false }
    }
    await watch.first(signal)
    return { busy: true }
  } catch (error) {
    // It may have been taken meanwhile.
    if (!isTaken(pool)) throw watch?.failed() ?? error
    if (watch?.sound()) return { busy: true }
    throw new PoolTaken()
  } finally {
    watch?.end()
  }
}

/** Nothing came back for the whole time. */
class PoolTaken extends Error {
  readonly code = codeFor('pool-exhausted')
}

export const isPoolTaken = (error: unknown): boolean => error instanceof PoolTaken

function isTaken(pool: ProbedPool): boolean {
  const state = pool.state?.()
  if (state) return state.idle === 0 && state.used >= state.max
  const { totalCount, idleCount, options } = pool
  return idleCount === 0 && totalCount !== undefined && totalCount >= (options?.max ?? 10)
}

/**
 * Clients that come back sound: pg-pool tells the error first, mysql2 the connection. And attempts to connect that
 * failed, which holdfast's pool repeats for longer than a sample takes.
 */
function watchOf(pool: ProbedPool) {
  if (typeof pool.on !== 'function' || typeof pool.off !== 'function') return undefined
  let sound = false
  let failed: Error | undefined
  let tell = () => {}
  const released = (error: unknown) => {
    if (error === true || error instanceof Error) return
    sound = true
    tell()
  }
  const retried = (event?: { error?: Error }) => {
    failed = event?.error
  }
  pool.on('release', released)
  pool.on('retry', retried)
  return {
    sound: () => sound,
    failed: () => failed,
    first: (signal: AbortSignal) => untilAborted(new Promise<void>(resolve => (tell = resolve)), signal),
    end() {
      pool.off?.('release', released)
      pool.off?.('retry', retried)
    },
  }
}
