import { untilAborted } from '../../io/resolve.js'
import { codeFor, isTold } from '../told.js'
import { askCore, type CorePool, coreOf, headOf, isCoreTaken } from './mysqlpool.js'
import type { Ask, ProbedPool } from './probed.js'

/**
 * `SELECT 1` through the pool, unless all of its connections are taken: a busy pool is no broken database, and a
 * question more would wait behind its users. Then it works as long as one comes back sound. At most one is under way,
 * however long the pool holds it.
 */
export function asksPool(pool: ProbedPool): Ask {
  const core = coreOf(pool)
  let underWay: Promise<unknown> | undefined
  const isTaken = () => (core ? isCoreTaken(core) : isPgTaken(pool))

  const ask = (signal: AbortSignal, timeoutMs: number): Promise<unknown> => {
    const text = { text: 'SELECT 1', sql: 'SELECT 1' }
    const asked = core
      ? askCore(core, timeoutMs)
      : (async () => pool.query({ ...text, query_timeout: timeoutMs, timeout: timeoutMs, signal }))()
    underWay = asked
    const over = () => {
      underWay = undefined
    }
    asked.then(over, over)
    return asked
  }

  return async (signal, timeoutMs) => {
    const watch = watchOf(core ?? pool, core)
    const leave = new AbortController()
    try {
      if (isTaken() && watch) {
        await watch.first(signal)
        return { busy: true }
      }
      // Where nothing is idle it has to connect itself, so that what fails to connect is the answer.
      const fails = watch && numbersOf(pool)?.idle === 0 ? watch.unconnected : NEVER
      const asked = underWay ?? ask(AbortSignal.any([signal, leave.signal]), timeoutMs)
      await untilAborted(Promise.race([asked, fails]), signal)
      return { busy: false }
    } catch (error) {
      if (isFull(error) && watch) return await busyOnce(watch.first(signal))
      // It may have been taken meanwhile, or hold its users back before they come to it.
      if (watch?.sound() && (isTaken() || signal.aborted)) return { busy: true }
      throw isTaken() ? new PoolTaken() : (watch?.failed() ?? error)
    } finally {
      leave.abort()
      watch?.end()
    }
  }
}

const NEVER = new Promise<never>(() => {})

async function busyOnce(sound: Promise<void>): Promise<{ busy: boolean }> {
  await sound.catch(() => {
    throw new PoolTaken()
  })
  return { busy: true }
}

/** Nothing came back for the whole time. */
class PoolTaken extends Error {
  readonly code = codeFor('pool-exhausted')
}

export const isPoolTaken = (error: unknown): boolean => error instanceof PoolTaken

/** The bulkhead before a pool of holdfast's. */
const isFull = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'BULKHEAD_FULL'

interface Numbers {
  readonly max: number
  readonly used: number
  readonly idle: number
}

const numbersOf = (pool: ProbedPool): Numbers | undefined =>
  typeof pool.state === 'function' ? (pool.state() as Numbers) : undefined

function isPgTaken(pool: ProbedPool): boolean {
  const state = numbersOf(pool)
  if (state) return state.idle === 0 && state.used >= state.max
  const { totalCount, idleCount, options } = pool
  return idleCount === 0 && totalCount !== undefined && totalCount >= (options?.max ?? 10)
}

/**
 * Clients that come back sound: pg-pool tells the error first, mysql2 the connection. And attempts to connect that
 * failed, which holdfast's pool repeats for longer than a sample takes.
 */
function watchOf(pool: Pick<ProbedPool, 'on' | 'off'>, core: CorePool | undefined) {
  if (typeof pool.on !== 'function' || typeof pool.off !== 'function') return undefined
  const head = core && headOf(core)
  let sound = false
  let failed: Error | undefined
  let tell = () => {}
  let fail = (_: Error) => {}
  const unconnected = new Promise<never>((_, reject) => {
    fail = reject
  })
  unconnected.catch(() => {})
  const released = (error: unknown) => {
    if (error === true || error instanceof Error) return
    sound = true
    tell()
  }
  const retried = ({ error }: { error?: Error } = {}) => {
    if (!isTold(error) || error.holdfast.phase !== 'connect') return
    failed = error
    fail(error)
  }
  pool.on('release', released)
  pool.on('retry', retried)
  return {
    unconnected,
    sound: () => sound || (core !== undefined && head !== undefined && headOf(core) !== head),
    failed: () => failed,
    first(signal: AbortSignal): Promise<void> {
      const back = new Promise<void>(resolve => {
        tell = resolve
      })
      if (sound) tell()
      return untilAborted(back, signal)
    },
    end() {
      pool.off?.('release', released)
      pool.off?.('retry', retried)
    },
  }
}
