import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { usage } from '../../core/errors.js'
import { endOrphan, type Orphan } from './orphan.js'
import type { Client, CommitFate, CommitResolver } from './types.js'

export interface CommitTokensOptions {
  /** With or without a schema: `holdfast_commit`, `app.holdfast_commit`. */
  readonly table?: string
}

/** As much of a pool or a client as is needed to set up. */
interface Queries {
  query(text: string, values?: unknown[]): Promise<unknown>
}

export interface CommitTokens extends CommitResolver {
  /** The table's definition, for a migration. */
  readonly ddl: string
  /** Makes the table where it is missing. */
  create(queries: Queries): Promise<void>
  /** Removes tokens older than this; nobody asks for them any more after an hour. */
  clean(queries: Queries, olderThanMillis?: number): Promise<void>
}

interface Prepared extends Orphan {
  readonly token: string
}

const LOCK_MS = 1000
const HOUR_MS = 3_600_000

/**
 * Writes a random token in the transaction and looks for it afterwards: it is there exactly if the transaction is. Holds
 * across crashes and fail-overs, since the token is replicated as the rest is. One more insert a transaction, and a
 * table: `create(pool)`, or `ddl` in a migration.
 */
export function commitTokens({ table = 'holdfast_commit', ...rest }: CommitTokensOptions = {}): CommitTokens {
  const [other] = Object.keys(rest)
  if (other) throw usage(`commitTokens() has no option "${other}". It has table.`)
  const parts = table.split('.')
  if (!table || parts.length > 2 || parts.includes(''))
    throw usage(`commitTokens(): table: "${table}" is neither a name nor schema.name`)
  const name = parts.map(part => pg.escapeIdentifier(part)).join('.')
  const ddl = `CREATE TABLE IF NOT EXISTS ${name} (token uuid PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())`
  return {
    ddl,
    async create(queries) {
      try {
        await queries.query(ddl)
      } catch (error) {
        // Two at the same time: IF NOT EXISTS looks before either has made it.
        if ((error as { code?: string }).code !== '23505') throw error
      }
    },
    async clean(queries, olderThanMillis = HOUR_MS) {
      const text = `DELETE FROM ${name} WHERE made_at < now() - $1::float8 * interval '1 ms'`
      await queries.query(text, [olderThanMillis])
    },
    async prepare(client) {
      const token = randomUUID()
      const { rows } = await client.query<Orphan>({
        text: `INSERT INTO ${name} (token) VALUES ($1) RETURNING txid_current()::text AS xid, pg_backend_pid() AS pid`,
        values: [token],
      })
      return { ...rows[0], token }
    },
    ask: (client, prepared) =>
      prepared ? ask(client, name, prepared as Prepared) : Promise.resolve('unknown'),
  }
}

/**
 * Inserts the same token, which waits for the transaction that holds it and then says whether it was committed. Never
 * keeps it: who asks once more would find it.
 */
async function ask(client: Client, name: string, prepared: Prepared): Promise<CommitFate> {
  for (;;) {
    await endOrphan(client, prepared)
    await client.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE; SET LOCAL lock_timeout = ${LOCK_MS}`,
    )
    try {
      const { rowCount } = await client.query({
        text: `INSERT INTO ${name} (token) VALUES ($1) ON CONFLICT DO NOTHING`,
        values: [prepared.token],
      })
      return rowCount === 0 ? 'committed' : 'rolled-back'
    } catch (error) {
      // Still under way: see whether it waits for its client.
      if ((error as { code?: string }).code !== '55P03') throw error
    } finally {
      await client.query('ROLLBACK')
    }
  }
}
