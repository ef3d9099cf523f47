import {
  type Expectation,
  type Health,
  type Link,
  ProbeError,
  type Row,
  type Session,
} from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import {
  CAN,
  columnCount,
  type Greeting,
  hasMore,
  isEnd,
  isError,
  isOk,
  query,
  quit,
  textRow,
} from '../../wire/mysql.js'
import { type Conversation, failure, unexpected } from './conversation.js'
import { missingFrom } from './schema.js'
import { inspection, productOf } from './server.js'

/** What is kept of a row, in bytes. */
const MAX_ROW = 1 << 20

export class MysqlSession implements Session {
  #asking = false

  constructor(
    readonly talk: Conversation,
    readonly greeting: Greeting,
    readonly capabilities: number,
    /** Ends a question that nobody waits for any more: the server would go on with it. */
    readonly cancel: () => Promise<void> = async () => {},
  ) {}

  get link(): Link {
    return this.talk.link
  }

  get server(): Server {
    return productOf(this.greeting)
  }

  get closed(): Promise<unknown> {
    return this.link.closed
  }

  /** COM_PING is answered by a proxy without its server, and by a Galera node that serves nobody. */
  async ping(): Promise<void> {
    await this.#answer('SELECT 1')
  }

  async inspect(): Promise<Server> {
    const { text, read } = inspection(this.greeting)
    const [row] = await this.ask(text)
    return read(row ?? [])
  }

  async query(text: string): Promise<readonly Row[]> {
    try {
      return await this.ask(text)
    } catch (error) {
      // A table or column that is not there yet is what migrations make.
      if (error instanceof ProbeError && /^(1146|1054|1049)$/.test(error.finding.code ?? '')) {
        throw new ProbeError({ ...error.finding, reason: 'schema-missing' })
      }
      throw error
    }
  }

  async write(): Promise<void> {
    const [row] = await this.ask('SELECT @@global.innodb_read_only')
    if (row?.[0] === '1')
      throw new ProbeError({ reason: 'read-only', message: 'the server runs with innodb_read_only' })
    // Temporary tables may be made on a read-only server, this may not be begun there.
    await this.ask('START TRANSACTION READ WRITE')
    await this.ask('ROLLBACK')
    try {
      await this.ask('CREATE TEMPORARY TABLE holdfast_probe (n INT)')
    } catch (error) {
      // Without a database, or a right to temporary tables, the transaction has to do.
      if (error instanceof ProbeError && /^(1044|1046|1142)$/.test(error.finding.code ?? '')) return
      throw error
    }
    await this.ask('INSERT INTO holdfast_probe VALUES (1)')
    await this.ask('DROP TEMPORARY TABLE holdfast_probe')
  }

  async missing(expected: Expectation): Promise<string | undefined> {
    const missing = await missingFrom(expected, text => this.ask(text))
    if (expected.migration === undefined) return missing
    const { lacking } = await import('./ledgers.js')
    const all = [...(missing ? [missing] : []), ...(await lacking(expected.migration, this))]
    return all.length > 0 ? all.join(', ') : undefined
  }

  async health(): Promise<Health> {
    const { healthOf } = await import('./health.js')
    return healthOf(this)
  }

  /** Resolves when the server has been asked to end what it still works on, where it does: after a second at most. */
  async close(): Promise<void> {
    const cancelled = this.#asking ? this.cancel() : undefined
    this.#asking = false
    this.link.write(quit())
    this.link.close()
    await cancelled
  }

  /** Runs one statement by the text protocol. Gives the first row of its first result, or as many as are asked for. */
  async ask(text: string, most = 1): Promise<Row[]> {
    this.#asking = true
    const rows = await this.#answer(text, most)
    this.#asking = false
    return rows
  }

  async #answer(text: string, most = 1): Promise<Row[]> {
    this.link.write(query(text))
    const { kept, more } = await this.#result(most)
    for (let left = more; left; ) left = (await this.#result(0)).more
    return kept
  }

  async #result(most: number): Promise<{ kept: Row[]; more: boolean }> {
    const kept: Row[] = []
    const first = await this.#read()
    if (isOk(first)) return { kept, more: hasMore(first, this.capabilities) }
    const columns = columnCount(first)
    for (let i = 0; i < columns; i++) await this.#read()
    if (!(this.capabilities & CAN.DEPRECATE_EOF)) {
      const end = await this.#read()
      if (!isEnd(end)) throw unexpected(end, 'a query')
    }
    for (;;) {
      const payload = await this.#read(kept.length < most ? MAX_ROW : undefined)
      if (isEnd(payload)) return { kept, more: hasMore(payload, this.capabilities) }
      if (kept.length < most) kept.push(textRow(payload, columns, payload.length === MAX_ROW))
    }
  }

  async #read(limit?: number): Promise<Uint8Array> {
    const payload = await this.talk.read(limit)
    if (isError(payload)) throw failure(payload, true)
    return payload
  }
}
