import type { PoolConnection } from 'mysql2/promise'
import type { Phase } from '../../core/rules.js'
import { classify } from '../../services/classify.js'
import { failure, type Told, told } from '../told.js'

/** As much of a connection of mysql2's, and of its promise, as is used here. */
export interface Core {
  threadId: number
  on(event: string, listener: (error?: Error) => void): void
  query(sql: string, done: (error: Error | null) => void): void
  destroy(): void
}

export type Connection = PoolConnection & { readonly connection: Core }

/** SERVER_STATUS_IN_TRANS. Source: MySQL's include/mysql_com.h. */
const IN_TRANSACTION = 1

/** What is known of a connection that is checked out. */
export class Session {
  /** What broke it. */
  broken: Told | undefined
  /** By the server's last word on it. */
  inTransaction = false
  /** The deadlock after which the server has rolled all back. */
  rolledBack: Told | undefined
  /** Within `transaction()`: after that nothing more is sent, which would be committed alone. */
  strict = false
  readonly #pending = new Set<Promise<unknown>>()
  #end: (error: Told) => void = () => {}
  readonly #cut = new Promise<never>((_, reject) => {
    this.#end = reject
  })

  constructor(
    readonly connection: Connection,
    readonly queryTimeout: number,
    readonly target: string,
  ) {
    this.#cut.catch(() => {})
    const { query, execute, beginTransaction, commit, rollback } = connection
    const statement = (method: typeof query | typeof execute) => (sql: unknown, values?: unknown) => {
      const given = sql as { readonly sql: string; readonly timeout?: number }
      const text = typeof sql === 'string' ? sql : given.sql
      const args = values === undefined ? [sql] : [sql, values]
      return this.#run(
        text,
        () => (method as (...args: unknown[]) => Promise<unknown>).apply(connection, args),
        typeof sql === 'string' ? undefined : given.timeout,
      )
    }
    Object.assign(connection, {
      query: statement(query),
      execute: statement(execute),
      beginTransaction: () => this.#run('START TRANSACTION', () => beginTransaction.call(connection)),
      commit: () => this.#run('COMMIT', () => commit.call(connection)),
      rollback: () => this.#run('ROLLBACK', () => rollback.call(connection)),
    })
    connection.connection.on('error', error => this.break(error, 'idle'))
    connection.connection.on('end', () =>
      this.break(new Error('the server closed the connection'), 'idle', 'PROTOCOL_CONNECTION_LOST'),
    )
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    if (!this.broken) await Promise.race([Promise.allSettled(this.#pending), this.#cut.catch(() => {})])
  }

  break(error: unknown, phase: Phase, code?: string): Told {
    if (code && error instanceof Error) Object.assign(error, { code })
    this.broken ??= told(error, { driver: 'mysql2', phase })
    return this.broken
  }

  async #run(sql: string, work: () => Promise<unknown>, millis = this.queryTimeout): Promise<unknown> {
    const ends = /^\s*(commit|rollback)\b(?!\s+to\b)/i.exec(sql)?.[1]?.toLowerCase()
    const phase = ends === 'commit' ? 'commit' : 'statement'
    if (this.broken) throw ends === 'rollback' ? this.broken : this.#unsent(this.broken, phase)
    if (this.strict && this.rolledBack && !ends) throw this.#unsent(this.rolledBack, phase)
    const running = work()
    this.#pending.add(running)
    // mysql2's own time-out begins after it has prepared the statement, and does not close the connection.
    const timer = millis > 0 ? setTimeout(() => this.#late(millis, phase), millis) : undefined
    try {
      const result = await Promise.race([running, this.#cut])
      const status = (result as [{ serverStatus?: number }] | undefined)?.[0]?.serverStatus
      if (ends) this.inTransaction = false
      else if (status !== undefined) this.inTransaction = (status & IN_TRANSACTION) !== 0
      return result
    } catch (error) {
      // What was noticed first is the cause; the statement under way hears of it as the driver says.
      const sent = !/ in closed state$/.test((error as Error).message)
      const seen = told(error, { driver: 'mysql2', phase, sent })
      const { reason } = seen.holdfast
      if (
        seen.holdfast.code === 'PROTOCOL_SEQUENCE_TIMEOUT' ||
        reason === 'connection-lost' ||
        (error as { fatal?: boolean }).fatal
      ) {
        this.broken ??= seen
        this.connection.destroy()
      } else if (this.inTransaction && (error as { errno?: number }).errno === 1213) {
        this.rolledBack = seen
      }
      throw seen
    } finally {
      clearTimeout(timer)
      this.#pending.delete(running)
    }
  }

  /** What the server goes on with, its own limit ends. */
  #late(millis: number, phase: Phase): void {
    this.broken ??= failure('statement-timeout', `no answer within ${millis} ms`, {
      phase,
      sent: true,
      code: 'PROTOCOL_SEQUENCE_TIMEOUT',
      target: this.target,
    })
    this.connection.destroy()
    this.#end(this.broken)
  }

  /** Nothing is sent where it would not belong to what went before. */
  #unsent(cause: Told, phase: Phase): Told {
    const { reason, code } = classify(cause)
    return failure(reason, `not sent: ${cause.message}`, {
      phase,
      sent: false,
      cause,
      target: this.target,
      ...(code ? { code } : {}),
    })
  }
}
