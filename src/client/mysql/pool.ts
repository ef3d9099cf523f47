import type { Pool as DriverPool } from 'mysql2/promise'
import { type Deadline, systemClock } from '../../io/clock.js'
import { failure, isTold, type Told } from '../told.js'
import { type Connection, Session } from './connection.js'
import { type CorePool, Making } from './making.js'
import type { MysqlLimits } from './options.js'
import { Slots } from './slots.js'
import { aborted, type MysqlTransactionOptions, transact } from './transaction.js'

export interface MysqlPoolState {
  readonly name: string
  readonly max: number
  /** Open. */
  readonly total: number
  readonly idle: number
  /** Checked out. */
  readonly used: number
  readonly waiting: number
}

/** mysql2/promise's pool, and what holds. */
export interface MysqlPool extends DriverPool {
  withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  transaction<T>(work: (connection: Connection) => Promise<T>, options?: MysqlTransactionOptions): Promise<T>
  /** The numbers of this moment. */
  readonly state: State & (() => MysqlPoolState)
}

/** mysql2's types have a word there for every connection, which no pool has. */
type State = DriverPool extends { readonly state: infer S } ? S : unknown

/** Puts what holds around a pool of mysql2's, in place. */
export function guardPool(
  pool: DriverPool & { readonly pool?: unknown },
  name: string,
  limits: MysqlLimits,
  signal?: AbortSignal,
): MysqlPool {
  const { end } = pool
  const making = new Making(pool, pool.pool as unknown as CorePool, name, limits, signal)
  // The queue is here, and not mysql2's, which makes a connection for each that waits as soon as one is lost.
  const slots = new Slots(limits.max)
  const sessions = new Map<Connection, Session>()
  let waiting = 0
  let closing: Promise<void> | undefined
  let drained: (() => void) | undefined

  const tellDrained = () => {
    if (sessions.size + waiting === 0) drained?.()
  }

  /** Why there was none in time. */
  const late = (): Told => {
    const millis = limits.acquireTimeoutMillis
    const about = { phase: 'acquire', sent: false, target: name } as const
    if (sessions.size >= limits.max)
      return failure(
        'pool-exhausted',
        `no connection became free within ${millis} ms: ${sessions.size} of ${limits.max} are checked out`,
        about,
      )
    const cause = making.failed
    if (!cause) return failure('connect-timeout', `no connection within ${millis} ms`, about)
    const { reason, code } = cause.holdfast
    const message = `no connection within ${millis} ms: ${cause.message}`
    return failure(reason, message, { ...about, cause, ...(code ? { code } : {}) })
  }

  const found = async (limit: Deadline, stop?: AbortSignal): Promise<Connection> => {
    try {
      await slots.take(limit.signal)
      return await making.take(limit.signal).catch(error => {
        slots.give()
        throw error
      })
    } catch (error) {
      if (stop?.aborted) throw aborted(stop, { phase: 'acquire', sent: false, target: name })
      throw limit.signal.aborted && !isTold(error) ? late() : error
    } finally {
      limit.clear()
    }
  }

  const checkOut = async (stop?: AbortSignal): Promise<Connection> => {
    if (closing) throw making.ended()
    const limit = systemClock.deadline(limits.acquireTimeoutMillis, stop)
    waiting++
    const connection = await found(limit, stop).catch(error => {
      waiting--
      tellDrained()
      throw error
    })
    const session = new Session(connection, limits.query_timeout, name)
    sessions.set(connection, session)
    waiting--
    const { release, destroy } = connection
    const gone = () => {
      if (!sessions.delete(connection)) return
      session.leave()
      slots.give()
    }
    connection.destroy = () => {
      gone()
      destroy.call(connection)
      tellDrained()
    }
    let released = false
    connection.release = () => {
      if (released) return
      released = true
      const back = () => {
        if (!session.fit) return connection.destroy()
        gone()
        release.call(connection)
        tellDrained()
      }
      // At once where it can be: who asks next finds it, and makes no other one.
      if (session.quiet) back()
      else
        void session
          .settled()
          .then(() => session.certain())
          .then(back)
    }
    return connection
  }

  const withConnection = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const connection = await checkOut()
    try {
      return await work(connection)
    } finally {
      connection.release()
    }
  }

  const close = async () => {
    const limit = systemClock.deadline(limits.endTimeoutMillis)
    const late = new Promise<void>(resolve => limit.signal.addEventListener('abort', () => resolve()))
    const idle = new Promise<void>(resolve => {
      drained = resolve
    })
    making.close()
    tellDrained()
    await Promise.race([idle, late])
    await Promise.race([end.call(pool).catch(() => {}), late]).finally(() => limit.clear())
    for (const session of sessions.values()) session.cut(cutShort(name))
    for (const connection of making.open) connection.destroy()
  }

  return Object.assign(pool, {
    getConnection: () => checkOut(),
    withConnection,
    query: (sql: never, values?: never) => withConnection(it => it.query(sql, values)),
    execute: (sql: never, values?: never) => withConnection(it => it.execute(sql, values)),
    transaction: <T>(work: (connection: Connection) => Promise<T>, options: MysqlTransactionOptions = {}) =>
      transact(checkOut, connection => sessions.get(connection) as Session, work, options, name),
    state: (): MysqlPoolState => ({
      name,
      max: limits.max,
      total: making.open.size,
      idle: making.idle.size,
      used: sessions.size,
      waiting,
    }),
    end: () => (closing ??= close()),
  }) as unknown as MysqlPool
}

const cutShort = (target: string) =>
  failure('connection-lost', 'the pool was closed while this was under way', {
    phase: 'statement',
    sent: true,
    target,
  })
