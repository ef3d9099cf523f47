import { HoldfastError } from '../core/errors.js'
import { sqlLiteral } from '../core/quoting.js'
import { ProbeError, type Row } from '../core/service.js'
import { openSession } from '../gate/open.js'
import type { Aim } from '../gate/outcome.js'
import { ident, newRun, PREFIX, runName } from './names.js'
import { isLeftover, newRecord, type OwnerRecord, readRecord } from './record.js'
import { refuseRemote } from './server.js'

/** Schemas for tests in one database, for a role that may make no databases. */
export class Schemas {
  readonly #run = newRun()
  #made = 0
  #swept = false

  constructor(
    readonly aim: Aim,
    allowRemote: readonly string[] = [],
  ) {
    refuseRemote(aim.target, allowRemote)
  }

  /** Makes an empty one; the first time it drops what crashed runs left. */
  async make(): Promise<string> {
    const name = runName('s', this.#run, ++this.#made)
    await this.#inSession(async ask => {
      if (!this.#swept) await sweep(ask).catch(() => {})
      this.#swept = true
      // One transaction: there is none without a record.
      await ask(`CREATE SCHEMA ${ident(name)}; ${comment(name, newRecord('schema', this.#run))}`)
    })
    return name
  }

  /** Drops it with all that is in it. */
  drop(name: string): Promise<void> {
    return this.#inSession(async ask => void (await ask(`DROP SCHEMA IF EXISTS ${ident(name)} CASCADE`)))
  }

  keep(name: string, about: { suite?: string; test?: string }): Promise<void> {
    const record = { ...newRecord('schema', this.#run), kept: { at: Date.now(), ...about } }
    return this.#inSession(async ask => void (await ask(comment(name, record))))
  }

  async #inSession(work: (ask: Ask) => Promise<void>): Promise<void> {
    const { verdict, session } = await openSession(this.aim, {
      timeoutMs: 10_000,
      graceMs: 0,
      details: false,
    })
    if (!verdict.ready) throw HoldfastError.fromVerdict(verdict)
    try {
      await work(async text => (await session?.query?.(text)) ?? [])
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error
      const { code, message } = error.finding
      const role = this.aim.target.user ?? 'ROLE'
      const next =
        code === '42501'
          ? `. Let the role make schemas: GRANT CREATE ON DATABASE ${this.aim.target.database ?? role} TO ${role}`
          : ''
      throw new HoldfastError('config', `isolation by schema: ${message}${next}`, { cause: error })
    } finally {
      await session?.close()
    }
  }
}

type Ask = (text: string) => Promise<readonly Row[]>

const comment = (name: string, record: OwnerRecord) =>
  `COMMENT ON SCHEMA ${ident(name)} IS ${sqlLiteral(JSON.stringify(record))}`

async function sweep(ask: Ask): Promise<void> {
  const [row] = await ask(
    `SELECT json_agg(json_build_array(nspname, obj_description(oid, 'pg_namespace'))) FROM pg_namespace
     WHERE starts_with(nspname, ${sqlLiteral(PREFIX)}) AND nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)`,
  )
  for (const [name, text] of JSON.parse(row?.[0] ?? '[]') as [string, string | null][]) {
    const record = readRecord(text)
    if (record?.kind === 'schema' && isLeftover(record)) await ask(`DROP SCHEMA ${ident(name)} CASCADE`)
  }
}
