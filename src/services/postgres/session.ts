import {
  type Expectation,
  type Health,
  type Link,
  ProbeError,
  type Row,
  type Session,
} from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Server } from '../../core/verdict.js'
import { dataRow, query, terminate } from '../../wire/postgres.js'
import { type Conversation, failure, type Message } from './conversation.js'

/** More than anybody here looks at: a table that is asked for by mistake is not kept. */
const MAX_ROWS = 100

/** Linux allows no process number above this; PgBouncer makes up random ones. */
const MAX_PID = 1 << 22

/** The later of the two: crash recovery keeps the start time and resets the statistics. */
const INSPECT = `SELECT pg_backend_pid(), extract(epoch FROM t)::text, extract(epoch FROM clock_timestamp() - t) * 1000
  FROM (SELECT greatest(pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time()) AS t) AS started`

export class PostgresSession implements Session {
  #asking = false

  constructor(
    readonly link: Link,
    readonly talk: Conversation,
    /** Ends a question that nobody waits for any more: the server would go on with it. */
    readonly cancel: () => Promise<void> = async () => {},
    readonly target?: Target,
  ) {}

  get server(): Server {
    const version = this.talk.parameters.get('server_version')
    const pid = this.talk.pid ?? 0
    const pooled = pid < 0 || pid > MAX_PID ? { via: 'pgbouncer' } : {}
    return { product: 'PostgreSQL', ...(version ? { version } : {}), ...pooled }
  }

  get closed(): Promise<unknown> {
    return this.link.closed
  }

  async ping(): Promise<void> {
    await this.ask('SELECT 1')
  }

  async inspect(): Promise<Server> {
    const [row] = await this.ask(INSPECT)
    const [pid, incarnation, age] = row ?? []
    const via = this.server.via ?? (pid && Number(pid) !== this.talk.pid ? 'pooler' : undefined)
    return {
      ...this.server,
      ...(incarnation ? { incarnation } : {}),
      ...(age && Number.isFinite(Number(age)) ? { ageMs: Math.max(0, Math.round(Number(age))) } : {}),
      ...(via ? { via } : {}),
    }
  }

  async query(text: string): Promise<readonly Row[]> {
    try {
      return await this.ask(text)
    } catch (error) {
      // A table that is not there yet is what migrations make.
      if (error instanceof ProbeError && /^(42P01|3F000|42703)$/.test(error.finding.code ?? '')) {
        throw new ProbeError({ ...error.finding, reason: 'schema-missing' })
      }
      throw error
    }
  }

  async write(): Promise<void> {
    try {
      await this.ask(
        'BEGIN; CREATE TEMPORARY TABLE holdfast_probe (n int); INSERT INTO holdfast_probe VALUES (1); ROLLBACK',
      )
    } catch (error) {
      // Where the role may not make temporary tables, drawing a transaction number has to do; read-only comes first.
      if (!(error instanceof ProbeError && error.finding.code === '42501')) throw error
      await this.ask('ROLLBACK; SELECT txid_current()')
    }
  }

  /** Whether it recovers from another server, and whether it takes writes. */
  async role(): Promise<{ standby: boolean; readOnly: boolean }> {
    const [row] = await this.ask("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')")
    const standby = row?.[0] === 't'
    return { standby, readOnly: standby || row?.[1] === 'on' }
  }

  async missing(expected: Expectation): Promise<string | undefined> {
    const { missingFrom } = await import('./schema.js')
    return missingFrom(expected, this)
  }

  async health(): Promise<Health> {
    const { healthOf } = await import('./health.js')
    return healthOf(this)
  }

  async close(): Promise<void> {
    this.link.write(terminate())
    this.link.close()
    if (this.#asking) await this.cancel()
  }

  /**
   * Runs a simple query; the rows are those of its first result, or of another, counted from 0. Without a text it reads the
   * answer to one that was sent already.
   */
  async ask(text?: string, nth = 0): Promise<Row[]> {
    this.#asking = true
    if (text !== undefined) this.link.write(query(text))
    const rows = await this.#answer(nth)
    this.#asking = false
    return rows
  }

  async series(texts: readonly string[]): Promise<Row[][]> {
    return (await import('./series.js')).series(this, texts)
  }

  async #answer(nth: number): Promise<Row[]> {
    const rows: Row[] = []
    let results = 0
    let error: ProbeError | undefined
    for (;;) {
      const message: Message = await this.talk.next().catch(closed => {
        // A FATAL is the last message: it, and not the end after it, tells why.
        throw error ?? closed
      })
      if (message.type === 'Z') {
        if (error) throw error
        return rows
      }
      if (message.type === 'E') {
        error = failure(message.body)
        // After a FATAL there is no ReadyForQuery.
        if (error.finding.reason === 'connection-lost') throw error
      } else if (message.type === 'D') {
        if (results === nth && rows.length < MAX_ROWS) rows.push(dataRow(message.body))
      } else if (message.type === 'C' || message.type === 'I') {
        results++
      } else if (message.type !== 'T') {
        throw this.talk.unexpected(message, 'a query')
      }
    }
  }
}
