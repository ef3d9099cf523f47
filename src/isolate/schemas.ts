import { HoldfastError } from '../core/errors.js'
import { sqlLiteral } from '../core/quoting.js'
import { ProbeError, type Row } from '../core/service.js'
import { openSession } from '../gate/open.js'
import type { Aim } from '../gate/outcome.js'
import { refuseReached, refuseRemote } from './maintenance.js'
import { ident, newRun, PREFIX, runName } from './names.js'
import { isLeftover, newRecord, type OwnerRecord, readRecord } from './record.js'

/** Schemas for tests in one database, for a role that may make no databases. */
export class Schemas {
  readonly #run = newRun()
  #made = 0
  #swept = false

  constructor(
    readonly aim: Aim,
    readonly allowRemote: readonly string[] = [],
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
      await ask(`CREATE SCHEMA ${ident(name)}; ${comment(name, newRecord('schema', this.#run, name))}`)
    })
    return name
  }

  /** Drops it with all that is in it, but for extensions that others use. */
  drop(name: string): Promise<void> {
    return this.#inSession(ask => drop(ask, name))
  }

  /** Extensions are there once in a database, so that other tests cannot have one that is in this schema. */
  async refuseExtensions(name: string): Promise<void> {
    const found: string[] = []
    await this.#inSession(async ask => void found.push(...(await extensionsIn(ask, name))))
    if (found.length === 0) return
    const statements = found.map(one => `CREATE EXTENSION ${ident(one)} SCHEMA public`).join('; ')
    throw new HoldfastError(
      'config',
      `isolation by schema: the migration made ${found.length > 1 ? 'extensions' : 'an extension'} (${found.join(', ')}), of which a database has one for all schemas. Take mode "database"; or make it once before the tests (${statements}) and name its schema where it is used, like public.NAME`,
    )
  }

  keep(name: string, about: { suite?: string; test?: string }): Promise<void> {
    const record = { ...newRecord('schema', this.#run, name), kept: { at: Date.now(), ...about } }
    return this.#inSession(async ask => void (await ask(comment(name, record))))
  }

  async #inSession(work: (ask: Ask) => Promise<void>): Promise<void> {
    const { verdict, session } = await openSession(this.aim, {
      timeoutMs: 10_000,
      graceMs: 0,
      details: false,
    })
    if (!verdict.ready) throw HoldfastError.fromVerdict(verdict)
    await refuseReached(this.aim.target, this.allowRemote, verdict, session)
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

async function extensionsIn(ask: Ask, schema: string): Promise<string[]> {
  const [row] = await ask(
    `SELECT json_agg(extname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE nspname = ${sqlLiteral(schema)}`,
  )
  return JSON.parse(row?.[0] ?? '[]')
}

/** CASCADE would take extensions along, and columns of their types in everybody's tables. */
async function drop(ask: Ask, name: string): Promise<void> {
  const [row] = await ask(beyond(name))
  const found = JSON.parse(row?.[0] ?? '[]') as string[]
  if (found.length > 0)
    throw new HoldfastError(
      'config',
      `isolation by schema: the schema ${name} stays, since it has an extension that others use: ${found.join(', ')}. As a superuser, ALTER EXTENSION ${(await extensionsIn(ask, name)).map(ident).join(', ')} SET SCHEMA public; then DROP SCHEMA ${ident(name)} CASCADE`,
    )
  await ask(`DROP SCHEMA IF EXISTS ${ident(name)} CASCADE`)
}

/** What outside of the schema uses extensions in it. Source: PostgreSQL manual, section 51.18 (pg_depend). */
const beyond = (schema: string): string =>
  `SELECT json_agg(DISTINCT o.identity) FROM pg_extension e
   JOIN pg_namespace n ON n.oid = e.extnamespace
   JOIN pg_depend m ON m.refclassid = 'pg_extension'::regclass AND m.refobjid = e.oid AND m.deptype = 'e'
   JOIN pg_depend d ON d.deptype = 'n' AND (d.refclassid = m.classid AND d.refobjid = m.objid
     OR d.refclassid = m.refclassid AND d.refobjid = m.refobjid)
   CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
   CROSS JOIN LATERAL pg_identify_object_as_address(d.classid, d.objid, d.objsubid) a
   WHERE n.nspname = ${sqlLiteral(schema)}
   AND d.classid NOT IN ('pg_amop'::regclass, 'pg_amproc'::regclass)
   AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = d.classid AND x.objid = d.objid AND x.deptype = 'e')
   AND NOT EXISTS (SELECT FROM pg_extension x WHERE d.classid = m.refclassid AND x.oid = d.objid AND x.extnamespace = n.oid)
   AND coalesce(o.schema, a.object_names[1]) <> n.nspname`

async function sweep(ask: Ask): Promise<void> {
  const [row] = await ask(
    `SELECT json_agg(json_build_array(nspname, obj_description(oid, 'pg_namespace'))) FROM pg_namespace
     WHERE starts_with(nspname, ${sqlLiteral(PREFIX)}) AND nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)`,
  )
  for (const [name, text] of JSON.parse(row?.[0] ?? '[]') as [string, string | null][]) {
    const record = readRecord(text, name)
    if (record?.kind === 'schema' && isLeftover(record)) await drop(ask, name).catch(() => {})
  }
}
