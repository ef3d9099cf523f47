import { HoldfastError } from '../core/errors.js'
import { sqlLiteral } from '../core/quoting.js'
import type { Row, Session } from '../core/service.js'
import { systemClock } from '../io/clock.js'
import { ident, lockKey, templateName } from './names.js'
import { newRecord, type OwnerRecord, readRecord } from './record.js'
import type { Ask, Server } from './server.js'

/** How old the note of a template's last use may be before it is written anew, in milliseconds. */
const TOUCH_MS = 3_600_000

/** How often it is looked whether another process has finished a template, in milliseconds. */
const LOOK_MS = 50

/** What is copied. */
export interface Source {
  readonly name: string
  /** `ALTER DATABASE … SET`, which no copy takes over: the part behind SET. */
  readonly settings: readonly string[]
}

/** A template whose lock this process holds: exclusive while it is built, shared while it is used. */
export class Template implements Source {
  settings: readonly string[] = []
  readonly #ask: Ask

  private constructor(
    readonly server: Server,
    readonly hash: string,
    readonly name: string,
    readonly session: Session,
    private record: OwnerRecord,
  ) {
    this.#ask = server.asker(session)
  }

  /**
   * The finished template of this hash, else a new empty one that this process has to fill. Waits while another
   * process builds it; what one left unfinished that holds its lock no longer is dropped.
   */
  static async open(
    server: Server,
    hash: string,
    { run, ofRun }: { readonly run: string; readonly ofRun: boolean },
    signal: AbortSignal,
  ): Promise<{ template: Template; finished: boolean }> {
    const name = templateName(hash, server.about.role)
    const key = lockKey(name)
    const session = await server.dedicated()
    const ask = server.asker(session)
    const leave = () => void session.close()
    signal.addEventListener('abort', leave, { once: true })
    try {
      for (;;) {
        // As long as somebody builds, which no statement may take.
        const [[shared] = []] = await ask([`SELECT pg_try_advisory_lock_shared(${key})`])
        if (shared?.[0] !== 't') {
          await systemClock.sleep(LOOK_MS, signal)
          continue
        }
        const found = await look(ask, name)
        if (found?.finished) {
          const template = new Template(server, hash, name, session, found.record)
          await template.#use()
          return { template, finished: true }
        }
        const [, [row] = []] = await ask([
          `SELECT pg_advisory_unlock_shared(${key})`,
          `SELECT pg_try_advisory_lock(${key})`,
        ])
        if (row?.[0] === 't') break
      }
      const found = await look(ask, name)
      const record = {
        ...newRecord('template', run, name),
        ...{ hash: hash.slice(0, 100), ...(ofRun ? { ofRun } : {}) },
      }
      const template = new Template(server, hash, name, session, found?.finished ? found.record : record)
      if (found?.finished) await template.#share()
      else {
        if (found) await ask(dropStatements(server, name))
        await ask([`CREATE DATABASE ${ident(name)}`, comment(name, record)])
      }
      return { template, finished: found?.finished ?? false }
    } catch (error) {
      await session.close()
      throw error
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** Nobody connects to it from now on, and everybody may copy it. */
  async finish(): Promise<void> {
    this.record = { ...this.record, finished: true, usedAt: Date.now() }
    await this.#ask([
      `ALTER DATABASE ${ident(this.name)} ALLOW_CONNECTIONS false`,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${sqlLiteral(this.name)} AND pid <> pg_backend_pid()`,
      comment(this.name, this.record),
    ])
    await this.#share()
  }

  /** Drops it, whoever uses it: its content is wrong. */
  async discard(): Promise<void> {
    await this.#ask(dropStatements(this.server, this.name)).finally(() => this.session.close())
  }

  /** Lets it stay for later runs; with `drop` only while others use it. */
  async leave(drop: boolean): Promise<void> {
    try {
      if (!drop) return
      const key = lockKey(this.name)
      const [, [row] = []] = await this.#ask([
        `SELECT pg_advisory_unlock_shared(${key})`,
        `SELECT pg_try_advisory_lock(${key})`,
      ])
      if (row?.[0] === 't') await this.#ask(dropStatements(this.server, this.name))
    } finally {
      await this.session.close()
    }
  }

  /** From the exclusive lock to the shared one, without a moment between. */
  async #share(): Promise<void> {
    const key = lockKey(this.name)
    await this.#ask([`SELECT pg_advisory_lock_shared(${key})`, `SELECT pg_advisory_unlock(${key})`])
    await this.#use()
  }

  async #use(): Promise<void> {
    const [rows = []] = await this.#ask([settingsOf(this.name)])
    this.settings = rows.flatMap(([setting]) => (setting ? [setClause(setting)] : []))
    const { usedAt = this.record.madeAt } = this.record
    if (Date.now() - usedAt < TOUCH_MS) return
    this.record = { ...this.record, usedAt: Date.now() }
    await this.#ask([comment(this.name, this.record)])
  }
}

interface Found {
  readonly record: OwnerRecord
  readonly finished: boolean
}

async function look(ask: Ask, name: string): Promise<Found | undefined> {
  const [rows = []] = await ask([
    `SELECT datallowconn, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = ${sqlLiteral(name)}`,
  ])
  const [row] = rows as readonly Row[]
  if (!row) return undefined
  const record = readRecord(row[1], name)
  if (!record)
    throw new HoldfastError(
      'config',
      `isolation: the database ${name} is there and has no record of holdfast's (its comment). If nobody needs it, drop it: DROP DATABASE ${ident(name)}`,
    )
  return { record, finished: record.finished === true && row[0] === 'f' }
}

export const comment = (name: string, record: OwnerRecord): string =>
  `COMMENT ON DATABASE ${ident(name)} IS ${sqlLiteral(JSON.stringify(record))}`

/** Drops a database with whoever is connected to it. */
export function dropStatements({ about }: Server, name: string): string[] {
  if (about.major >= 13) return [`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`]
  return [
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${sqlLiteral(name)}`,
    `DROP DATABASE IF EXISTS ${ident(name)}`,
  ]
}

const settingsOf = (name: string): string =>
  `SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
   WHERE setrole = 0 AND datname = ${sqlLiteral(name)}`

/** Lists of names, which the catalog has with quotes. Source: GUC_LIST_QUOTE in PostgreSQL's guc_tables.c. */
const LISTS =
  /^(search_path|temp_tablespaces|local_preload_libraries|session_preload_libraries|shared_preload_libraries|unix_socket_directories)$/i

/** Those of which the names of files are none. */
const IDENTIFIERS = /^(search_path|temp_tablespaces)$/i

function setClause(setting: string): string {
  const sign = setting.indexOf('=')
  const [name, value] = [setting.slice(0, sign), setting.slice(sign + 1)]
  const quoted = name.split('.').map(ident).join('.')
  return `${quoted} TO ${(LISTS.test(name) ? namesIn(value, IDENTIFIERS.test(name)) : [value]).map(sqlLiteral).join(', ')}`
}

/** As SplitIdentifierString of PostgreSQL's varlena.c reads them. */
function namesIn(list: string, fold: boolean): string[] {
  const names = (list.match(/(?:"(?:[^"]|"")*"|[^",])+/g) ?? []).map(name => name.trim())
  if (names.length === 0) return ['']
  return names.map(name =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : fold ? name.toLowerCase() : name,
  )
}
