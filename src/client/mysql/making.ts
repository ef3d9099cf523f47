import type { Pool as DriverPool } from 'mysql2/promise'
import { systemClock } from '../../io/clock.js'
import { untilAborted } from '../../io/resolve.js'
import { mayConnectAgain, retrying, Sleepers } from '../again.js'
import { failure, type Told, told } from '../told.js'
import type { Connection, Core } from './connection.js'
import { type MysqlLimits, setup } from './options.js'

export interface CorePool {
  readonly config: { connectionLimit: number }
  on(event: 'connection' | 'acquire' | 'release', listener: (connection: Core) => void): void
}

/** A third rejected login may lock the account; so long it is not asked again. */
const MOST_REJECTED = 2

/** How a pool of mysql2's gets its connections: attempts are repeated, and logins that are rejected are few. */
export class Making {
  readonly open = new Set<Core>()
  readonly idle = new Set<Core>()
  /** Of the last login, unless it was let in. */
  failed: Told | undefined
  readonly #sleepers = new Sleepers()
  #proving: Promise<void> | undefined
  #rejected = 0
  #lockedUntil = 0
  #closed = false
  readonly #get: () => Promise<Connection>

  constructor(
    readonly pool: DriverPool,
    core: CorePool,
    readonly name: string,
    readonly limits: MysqlLimits,
    readonly signal: AbortSignal | undefined,
  ) {
    this.#get = pool.getConnection.bind(pool) as unknown as () => Promise<Connection>
    core.config.connectionLimit = limits.max
    core.on('acquire', connection => this.idle.delete(connection))
    core.on('release', connection => this.idle.add(connection))
    core.on('connection', connection => this.#watch(connection))
  }

  /** An idle connection or a new one. Rejects with what is told, or with the signal's reason. */
  async take(signal: AbortSignal): Promise<Connection> {
    // One login goes first, so that a password that is wrong, or was changed, is not tried by all.
    if (this.idle.size === 0) await untilAborted(this.#prove(), signal)
    return this.#acquire(signal)
  }

  /** Makes none any more; who pauses between attempts is woken. */
  close(): void {
    this.#closed = true
    this.#sleepers.wake()
  }

  ended(): Told {
    return failure('client-misuse', 'Pool is closed.', {
      phase: 'acquire',
      sent: false,
      code: 'POOL_ENDED',
      target: this.name,
    })
  }

  #watch(connection: Core): void {
    const gone = () => {
      this.open.delete(connection)
      this.idle.delete(connection)
    }
    this.open.add(connection)
    this.failed = undefined
    this.#rejected = 0
    this.#lockedUntil = 0
    // Without a listener it would end the process.
    connection.on('error', gone)
    connection.on('end', gone)
    const destroy = connection.destroy.bind(connection)
    connection.destroy = () => {
      gone()
      destroy()
    }
    // Before whatever its first user asks.
    connection.query(setup(this.limits), error => {
      if (error) connection.destroy()
    })
  }

  #prove(): Promise<void> {
    this.#proving ??= this.#acquire(this.signal)
      .then(connection => connection.release())
      .finally(() => {
        this.#proving = undefined
      })
    return this.#proving
  }

  #acquire(signal: AbortSignal | undefined): Promise<Connection> {
    return retrying((_, cut) => this.#attempt(cut), {
      ...this.limits,
      connectTimeoutMillis: this.limits.connectDeadlineMillis,
      again: error => !this.#closed && mayConnectAgain(error),
      onRetry: event => this.pool.emit('retry', event),
      sleepers: this.#sleepers,
      signal,
    })
  }

  async #attempt(signal: AbortSignal): Promise<Connection> {
    if (this.idle.size === 0) {
      if (this.#closed) throw this.ended()
      if (this.failed && systemClock.now() < this.#lockedUntil) throw this.#locked(this.failed)
    }
    try {
      return await this.#got(signal)
    } catch (error) {
      if (signal.aborted) throw error
      const seen = told(error, { driver: 'mysql2', phase: 'connect' })
      this.failed = seen
      if (seen.holdfast.reason === 'authentication-failed' && ++this.#rejected >= MOST_REJECTED)
        this.#lockedUntil = systemClock.now() + this.limits.backoffMostMillis
      throw seen
    }
  }

  /** What is there too late goes into the pool. */
  #got(signal: AbortSignal): Promise<Connection> {
    const waits = this.#get()
    waits.then(
      connection => signal.aborted && connection.release(),
      () => {},
    )
    return untilAborted(waits, signal)
  }

  #locked = (cause: Told) =>
    failure(
      'authentication-failed',
      `${this.#rejected} logins were rejected; the server is asked again later`,
      { phase: 'connect', sent: false, target: this.name, cause },
    )
}
