import { randomUUID } from 'node:crypto'
import { clickhouseLiteral } from '../../core/quoting.js'
import { type Expectation, type Health, ProbeError, type Row, type Session } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import { tabSeparated } from '../../wire/tsv.js'
import { type Answer, refused } from './answer.js'
import { Births } from './births.js'
import type { Exchange } from './exchange.js'

/** More than anybody here looks at. */
const MAX_ROWS = 100

/** How long the server keeps the temporary table of a probe that is cut off, in seconds. */
const SESSION_S = 10

/** Its tables and columns are what migrations make. */
const LACKING = new Set(['16', '47', '60'])

const births = new Births()

export class ClickHouseSession implements Session {
  /** The query_id of what was asked and not answered. */
  #asking: string | undefined

  constructor(
    readonly wire: Exchange,
    readonly version: string | undefined,
    /** Where the server is, so that readings of its age are compared with those of the same server. */
    readonly place: string,
  ) {}

  get server(): Server {
    return { product: 'ClickHouse', ...(this.version ? { version: this.version } : {}) }
  }

  get closed(): Promise<unknown> {
    return this.wire.closed
  }

  async ping(): Promise<void> {
    await this.ask('SELECT 1')
  }

  async inspect(): Promise<Server> {
    const [uptime, now, uuid] = await this.#life()
    const seconds = Number(uptime)
    if (!/^\d+$/.test(uptime ?? '')) return this.server
    // Tables of `system` get a random UUID at each start.
    const unique = uuid && !/^[0-]*$/.test(uuid) ? uuid : undefined
    const incarnation = unique ?? String(births.of(this.place, Number(now) - seconds))
    return { ...this.server, incarnation, ageMs: seconds * 1000 }
  }

  async #life(): Promise<Row> {
    const basic = 'SELECT uptime(), toUnixTimestamp(now())'
    if (!atLeast(this.version, 20, 12)) return (await this.ask(basic))[0] ?? []
    const uuid = "(SELECT toString(uuid) FROM system.tables WHERE database = 'system' AND name = 'one')"
    try {
      return (await this.ask(`${basic}, ${uuid}`))[0] ?? []
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error
      return (await this.ask(basic))[0] ?? []
    }
  }

  async query(text: string): Promise<readonly Row[]> {
    const id = `holdfast-${randomUUID()}`
    this.#asking = id
    try {
      const rows = await this.ask(text, { query_id: id })
      this.#asking = undefined
      return rows
    } catch (error) {
      if (error instanceof ProbeError) this.#asking = undefined
      if (error instanceof ProbeError && LACKING.has(error.finding.code ?? ''))
        throw new ProbeError({ ...error.finding, reason: 'schema-missing' })
      throw error
    }
  }

  /** A temporary table lives in a session of HTTP, and ends with it. */
  async write(): Promise<void> {
    const [row] = await this.ask("SELECT value FROM system.settings WHERE name = 'readonly'")
    const readonly = row?.[0] ?? '0'
    if (readonly !== '0') {
      throw new ProbeError({
        reason: 'read-only',
        code: '164',
        message: `readonly=${readonly} holds for this user`,
        advice: 'Use a user whose profile has readonly=0.',
      })
    }
    const session = { session_id: `holdfast-${randomUUID()}`, session_timeout: String(SESSION_S) }
    await this.ask('CREATE TEMPORARY TABLE holdfast_probe (n UInt8)', session).catch(ungranted)
    await this.ask('INSERT INTO holdfast_probe VALUES (1)', session)
    await this.ask('DROP TEMPORARY TABLE holdfast_probe', session)
  }

  async missing(expected: Expectation): Promise<string | undefined> {
    const { tables = [], columns = [], extensions = [], migration } = expected
    if (extensions.length > 0) {
      throw new ProbeError({
        reason: 'client-misuse',
        message: `ClickHouse has no extensions, and ${extensions.join(', ')} ${extensions.length > 1 ? 'are' : 'is'} expected`,
        advice: 'Leave out extensions for this target; expect tables and columns.',
      })
    }
    const absent = [
      ...(await this.#absent(tables, 'system.tables', 'name')).map(name => `table ${name}`),
      ...(await this.#absent(columns, 'system.columns', "concat(table, '.', name)")).map(
        name => `column ${name}`,
      ),
      ...(migration === undefined ? [] : await (await import('./ledgers.js')).lacking(migration, this)),
    ]
    return absent.length > 0 ? absent.join(', ') : undefined
  }

  async health(): Promise<Health> {
    const { healthOf } = await import('./health.js')
    return healthOf(this)
  }

  /** Names count with their database, or without it for the one of the session. */
  async #absent(names: readonly string[], from: string, name: string): Promise<string[]> {
    if (names.length === 0) return []
    const counts = names.map(
      one => `countIf(whole = ${clickhouseLiteral(one)} OR (here AND own = ${clickhouseLiteral(one)}))`,
    )
    const rows = `SELECT ${name} AS own, concat(database, '.', ${name}) AS whole, database = currentDatabase() AS here FROM ${from}`
    const [row] = await this.ask(`SELECT ${counts.join(', ')} FROM (${rows})`)
    return names.filter((_, i) => (row?.[i] ?? '0') === '0')
  }

  /** Resolves once the server was told to end what it still works on; after a second at most. */
  async close(): Promise<void> {
    const asking = this.#asking
    this.#asking = undefined
    const killed = asking ? this.wire.kill(asking) : undefined
    this.wire.close()
    await killed
  }

  async ask(text: string, parameters: Readonly<Record<string, string>> = {}): Promise<Row[]> {
    const answer = await this.wire.ask(text, { default_format: 'TabSeparated', ...parameters })
    const refusal = refused(answer)
    if (refusal) throw refusal
    return rowsOf(answer, text)
  }
}

function ungranted(error: unknown): never {
  if (error instanceof ProbeError && error.finding.reason === 'access-denied') {
    const advice = 'GRANT CREATE TEMPORARY TABLE ON *.* to the user: a probe writes into one.'
    throw new ProbeError({ ...error.finding, advice })
  }
  throw error
}

/** A result as rows. A FORMAT that a statement names itself has to be of the family of TabSeparated. */
export function rowsOf({ head, text, end }: Answer, statement: string): Row[] {
  if (text === '') return []
  const type = head.headers.get('content-type') ?? ''
  const named = /\bFORMAT\s+(\w+)(?:\s+SETTINGS\b[\s\S]*)?\s*;?\s*$/i.exec(statement)?.[1]
  const format = head.headers.get('x-clickhouse-format') ?? named ?? 'TabSeparated'
  if (!/^(TabSeparated|TSV)/i.test(format) || !/tab-separated|^$/.test(type)) {
    throw new ProbeError({
      reason: 'client-misuse',
      message: `the query asks for FORMAT ${named ?? format}, whose first value a probe does not read`,
      advice: 'Leave FORMAT out of the query.',
    })
  }
  const titles = /WithNamesAndTypes$/i.test(format) ? 2 : /WithNames$/i.test(format) ? 1 : 0
  // Where it was cut, the last line is not whole.
  const whole = end === 'whole' ? text : text.slice(0, text.lastIndexOf('\n') + 1)
  return tabSeparated(whole, MAX_ROWS + titles, !/Raw/i.test(format)).slice(titles)
}

function atLeast(version: string | undefined, major: number, minor: number): boolean {
  const [a = 0, b = 0] = (version ?? '').split('.').map(Number)
  return a > major || (a === major && b >= minor)
}
