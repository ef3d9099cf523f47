import type { PoolConnection } from 'mysql2/promise'
import type { Phase } from '../../core/rules.js'
import { classify } from '../../services/classify.js'
import { MOST_MILLIS } from '../checked.js'
import { failure, type Told, told } from '../told.js'
import { AUTOCOMMIT, endIn, IN_TRANSACTION, statusOf, staysWithin } from './words.js'

/** As much of a connection of mysql2's, and of its promise, as is used here. */
export interface Core {
  threadId: number
  on(event: string, listener: (error?: Error) => void): void
  off(event: string, listener: (error?: Error) => void): void
  query(sql: string, done: (error: Error | null) => void): void
  destroy(): void
}

export type Connection = PoolConnection & { readonly connection: Core }

type Work = () => Promise<unknown>

/** What is known of a connection that is checked out. */
export class Session {
  /** What broke it. */
  broken: Told | undefined
  /** By the server's last word on it. */
  inTransaction = false
  /** The deadlock after which the server has rolled all back. */
  rolledBack: Told | undefined
  /** Within `transaction()`: after a deadlock nothing more is sent, which would be committed alone. */
  strict = false
  /** True as long as nothing was sent, within `transaction()`, that may have been committed. */
  repeatable = true
  /** Another user, or settings of its own: nobody else's. */
  #changed = false
  /** Without autocommit the next one's statement would be acknowledged, and never committed. */
  #manual = false
  /** An error has no status: what failed may have begun or ended a transaction. */
  #unsure = false
  readonly #pending = new Map<Promise<unknown>, Phase>()
  readonly #threw = new WeakSet<object>()
  #end: (error: Told) => void = () => {}
  readonly #cut = new Promise<never>((_, reject) => {
    this.#end = reject
  })
  readonly #query: (sql: string) => Promise<unknown>

  constructor(
    readonly connection: Connection,
    readonly queryTimeout: number,
    readonly target: string,
  ) {
    this.#cut.catch(() => {})
    const { query, execute, prepare, changeUser } = connection
    const given = connection as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    const of = (name: string, text: string) => {
      const method = given[name]
      return method && ((...args: unknown[]) => this.#run(text, () => method.apply(connection, args)))
    }
    const statement = (method: typeof query | typeof execute) => (sql: unknown, values?: unknown) => {
      const { sql: text, timeout } = textOf(sql)
      const args = values === undefined ? [sql] : [sql, values]
      const work = () => (method as (...args: unknown[]) => Promise<unknown>).apply(connection, args)
      return this.#run(text, work, timeout)
    }
    this.#query = statement(query)
    const reset = of('reset', 'RESET')
    Object.assign(connection, {
      query: this.#query,
      execute: statement(execute),
      beginTransaction: of('beginTransaction', 'START TRANSACTION'),
      commit: of('commit', 'COMMIT'),
      rollback: of('rollback', 'ROLLBACK'),
      ping: of('ping', 'DO 0'),
      prepare: async (sql: unknown) => {
        const { sql: text } = textOf(sql)
        const prepared = (await this.#run('DO 0', () => prepare.call(connection, sql as string))) as {
          execute(values?: unknown): Promise<unknown>
        }
        const { execute } = prepared
        return Object.assign(prepared, {
          execute: (values?: unknown) => this.#run(text, () => execute.call(prepared, values)),
        })
      },
      reset: () => this.#change('reset', reset),
      changeUser: (options: never) =>
        this.#change('changeUser', () => this.#run('RESET', () => changeUser.call(connection, options))),
    })
    connection.connection.on('error', this.#onError)
    connection.connection.on('end', this.#onEnd)
  }

  /** It is given back: its events are somebody else's. */
  leave(): void {
    this.connection.connection.off('error', this.#onError)
    this.connection.connection.off('end', this.#onEnd)
  }

  readonly #onError = (error?: Error) => {
    this.broken ??= this.#told(error, this.#phase())
  }
  readonly #onEnd = () =>
    this.#onError(
      Object.assign(new Error('the server closed the connection'), { code: 'PROTOCOL_CONNECTION_LOST' }),
    )

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    if (!this.broken)
      await Promise.race([Promise.allSettled(this.#pending.keys()), this.#cut.catch(() => {})])
  }

  /** Asks the server for its status, where it is not known. */
  async certain(): Promise<void> {
    if (this.#unsure && !this.broken) await this.#query('DO 0').catch(() => {})
  }

  /** Whether there is nothing to wait for, and nothing to ask. */
  get quiet(): boolean {
    return this.broken !== undefined || (this.#pending.size === 0 && !this.#unsure)
  }

  /** Whether the next one may have it, after `settled()` and `certain()`. */
  get fit(): boolean {
    return !this.broken && !this.inTransaction && !this.#changed && !this.#manual && !this.#unsure
  }

  /** Was this, or its cause, told by this connection? */
  threw(error: unknown): error is Told {
    const cause = (error as { cause?: unknown } | undefined)?.cause
    return [error, cause].some(it => it instanceof Error && this.#threw.has(it))
  }

  /** Closes it; what is under way ends with `cause`. */
  cut(cause: Told): void {
    this.broken ??= this.#own(cause)
    this.connection.destroy()
    this.#end(this.broken)
  }

  async #run(sql: string, work: Work, millis = this.queryTimeout): Promise<unknown> {
    const ends = endIn(sql)
    const phase = ends === 'commit' ? 'commit' : 'statement'
    if (this.broken) throw ends === 'rollback' ? this.broken : this.#unsent(this.broken, phase)
    if (this.strict && this.rolledBack && !ends) throw this.#unsent(this.rolledBack, phase)
    if (this.strict && !staysWithin(sql)) this.repeatable = false
    const running = work()
    this.#pending.set(running, phase)
    // mysql2's own time-out begins after it has prepared the statement, and does not close the connection.
    const timer =
      millis > 0 ? setTimeout(() => this.#late(millis, phase), Math.min(millis, MOST_MILLIS)) : undefined
    try {
      const result = await Promise.race([running, this.#cut])
      this.#heard(statusOf(result), ends)
      return result
    } catch (error) {
      throw this.#failed(error, phase)
    } finally {
      clearTimeout(timer)
      this.#pending.delete(running)
    }
  }

  #heard(status: number | undefined, ends: string | undefined): void {
    if (status === undefined) {
      if (ends) this.inTransaction = false
      return
    }
    this.#unsure = false
    this.inTransaction = (status & IN_TRANSACTION) !== 0
    this.#manual = (status & AUTOCOMMIT) === 0
  }

  #failed(error: unknown, phase: Phase): Told {
    // What was noticed first is the cause; the statement under way hears of it as the driver says.
    const seen = this.#told(error, phase)
    const { code, reason } = seen.holdfast
    const fatal = (error as { fatal?: boolean }).fatal
    this.#unsure = true
    if (code === 'PROTOCOL_SEQUENCE_TIMEOUT' || reason === 'connection-lost' || fatal) {
      this.broken ??= seen
      this.connection.destroy()
    } else if (this.inTransaction && (error as { errno?: number }).errno === 1213) {
      this.rolledBack = seen
      // What was sent after it is committed alone.
      if (this.#pending.size > 1) this.repeatable = false
    }
    return seen
  }

  /** What the server goes on with, its own limit ends. */
  #late(millis: number, phase: Phase): void {
    const about = { phase, sent: true, code: 'PROTOCOL_SEQUENCE_TIMEOUT', target: this.target }
    this.cut(failure('statement-timeout', `no answer within ${millis} ms`, about))
  }

  async #change(name: string, work: Work | undefined): Promise<unknown> {
    if (!work) throw new TypeError(`this version of mysql2 has no ${name}()`)
    this.#changed = true
    const result = await work()
    this.#unsure = true
    return result
  }

  /** Of what is under way, that which promises least. */
  #phase(): Phase {
    const phases = [...this.#pending.values()]
    return phases.includes('commit') ? 'commit' : (phases[0] ?? 'idle')
  }

  #told(error: unknown, phase: Phase): Told {
    const sent = phase === 'idle' ? undefined : !/ in closed state$/.test((error as Error)?.message)
    return this.#own(told(error, { driver: 'mysql2', phase, ...(sent === undefined ? {} : { sent }) }))
  }

  #own<E extends Told>(error: E): E {
    this.#threw.add(error)
    return error
  }

  /** Nothing is sent where it would not belong to what went before. */
  #unsent(cause: Told, phase: Phase): Told {
    const { reason, code } = classify(cause)
    return this.#own(
      failure(reason, `not sent: ${cause.message}`, {
        phase,
        sent: false,
        cause,
        target: this.target,
        ...(code ? { code } : {}),
      }),
    )
  }
}

const textOf = (sql: unknown) =>
  (typeof sql === 'string' ? { sql } : sql) as { sql: string; timeout?: number }
