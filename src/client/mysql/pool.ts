import type { Pool as DriverPool } from 'mysql2/promise'
import { systemClock } from '../../io/clock.js'
import { mayConnectAgain, retrying, Sleepers } from '../again.js'
import { failure, type Told, told } from '../told.js'
import { type Connection, type Core, Session } from './connection.js'
import { type MysqlLimits, setup } from './options.js'
import { type MysqlTransactionOptions, transact } from './transaction.js'

/** mysql2/promise's pool, and what holds. */
export interface MysqlPool extends DriverPool {
  withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  transaction<T>(work: (connection: Connection) => Promise<T>, options?: MysqlTransactionOptions): Promise<T>
}

interface CorePool {
  on(event: 'connection', listener: (connection: Core) => void): void
}

/** A third rejected login may lock the account; so long it is not asked again. */
const MOST_REJECTED = 2

/** Puts what holds around a pool of mysql2's, in place. */
export function guardPool(
  pool: DriverPool & { readonly pool?: unknown },
  name: string,
  limits: MysqlLimits,
  signal?: AbortSignal,
): MysqlPool {
  const core = pool.pool as unknown as CorePool
  const sleepers = new Sleepers()
  const open = new Set<Core>()
  const sessions = new Map<Connection, Session>()
  /** The first connection of a login is made alone, so that a wrong password is not tried by all. */
  let proven = false
  let proving: Promise<void> | undefined
  let rejected = 0
  let locked: { readonly cause: Told; readonly until: number } | undefined
  let closing: Promise<void> | undefined
  let drained: (() => void) | undefined
  const { getConnection, end } = pool

  core.on('connection', connection => {
    open.add(connection)
    // Without a listener it would end the process.
    connection.on('error', () => open.delete(connection))
    connection.on('end', () => open.delete(connection))
    // Before whatever its first user asks.
    connection.query(setup(limits), error => {
      if (error) connection.destroy()
    })
  })

  const take = async (signal: AbortSignal): Promise<Connection> => {
    const waits = getConnection.call(pool) as Promise<Connection>
    let late = false
    const cut = new Promise<never>((_, reject) => {
      const stop = () => {
        late = true
        reject(signal.reason)
      }
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
    })
    waits.then(
      connection => late && connection.release(),
      () => {},
    )
    return Promise.race([waits, cut])
  }

  const attempt = async (signal: AbortSignal): Promise<Connection> => {
    if (locked && systemClock.now() < locked.until) throw stillLocked(locked.cause)
    try {
      const connection = await take(signal)
      proven = true
      rejected = 0
      locked = undefined
      return connection
    } catch (error) {
      if (signal.aborted) throw exhausted() ?? error
      const seen = told(error, { driver: 'mysql2', phase: 'connect' })
      if (seen.holdfast.reason === 'authentication-failed') {
        proven = false
        if (++rejected >= MOST_REJECTED)
          locked = { cause: seen, until: systemClock.now() + limits.backoffMostMillis }
      }
      throw seen
    }
  }

  const stillLocked = (cause: Told) =>
    failure('authentication-failed', `${rejected} logins were rejected; the server is asked again later`, {
      phase: 'connect',
      sent: false,
      target: name,
      cause,
    })

  const exhausted = () =>
    sessions.size >= limits.max
      ? failure(
          'pool-exhausted',
          `no connection became free within ${limits.acquireTimeoutMillis} ms: ${sessions.size} of ${limits.max} are checked out`,
          { phase: 'acquire', sent: false, target: name },
        )
      : undefined

  const acquire = (millis: number, stop?: AbortSignal) =>
    retrying((_, cut) => attempt(cut), {
      ...limits,
      connectTimeoutMillis: millis,
      connectDeadlineMillis: Math.min(limits.connectDeadlineMillis, millis),
      again: error => !closing && error.holdfast.reason !== 'pool-exhausted' && mayConnectAgain(error),
      sleepers,
      signal: stop,
    })

  const prove = () => {
    proving ??= acquire(limits.connectDeadlineMillis, signal)
      .then(connection => connection.release())
      .finally(() => {
        proving = undefined
      })
    return proving
  }

  const within = async (work: Promise<void>, millis: number): Promise<void> => {
    const limit = systemClock.deadline(millis)
    const late = new Promise<never>((_, reject) => {
      limit.signal.addEventListener('abort', () =>
        reject(
          failure('connect-timeout', `no connection within ${millis} ms`, {
            phase: 'acquire',
            sent: false,
            target: name,
          }),
        ),
      )
    })
    await Promise.race([work, late]).finally(() => limit.clear())
  }

  const checkOut = async (): Promise<Connection> => {
    if (closing)
      throw failure('client-misuse', 'Pool is closed.', { phase: 'acquire', sent: false, target: name })
    const started = systemClock.now()
    if (!proven) await within(prove(), limits.acquireTimeoutMillis)
    const left = limits.acquireTimeoutMillis - (systemClock.now() - started)
    const connection = await acquire(Math.max(1, left))
    const session = new Session(connection, limits.query_timeout, name)
    sessions.set(connection, session)
    const { release, destroy } = connection
    const gone = () => {
      sessions.delete(connection)
      if (sessions.size === 0) drained?.()
    }
    connection.destroy = () => {
      gone()
      destroy.call(connection)
    }
    let released = false
    connection.release = () => {
      if (released) return
      released = true
      session.settled().then(() => {
        gone()
        if (session.broken || session.inTransaction) destroy.call(connection)
        else release.call(connection)
      })
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
      if (sessions.size === 0) resolve()
    })
    await Promise.race([idle, late])
    await Promise.race([end.call(pool).catch(() => {}), late]).finally(() => limit.clear())
    for (const connection of open) connection.destroy()
  }

  return Object.assign(pool, {
    getConnection: checkOut,
    withConnection,
    query: (sql: never, values?: never) => withConnection(it => it.query(sql, values)),
    execute: (sql: never, values?: never) => withConnection(it => it.execute(sql, values)),
    transaction: <T>(work: (connection: Connection) => Promise<T>, options: MysqlTransactionOptions = {}) =>
      transact(checkOut, connection => sessions.get(connection) as Session, work, options),
    end: () => (closing ??= close()),
  }) as unknown as MysqlPool
}
