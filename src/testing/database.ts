import { usage } from '../core/errors.js'
import { shellWord } from '../core/quoting.js'
import { parseTarget } from '../core/target.js'
import { farHosts } from '../io/near.js'
import type { DatabaseAddress, IsolatedServer, IsolationClient } from '../isolate/client.js'
import { isGone } from '../isolate/client.js'
import { refuse } from '../isolate/maintenance.js'
import { loadService, SCHEMES } from '../services/registry.js'
import { ownEnvironment } from './environment.js'
import { type Address, addressOf } from './isolation/address.js'
import { contentHash, isOfRun } from './isolation/content.js'
import type { Origin } from './isolation/leading.js'
import { type Migrate, migrate } from './isolation/migrate.js'
import { bySchema } from './isolation/schema.js'
import { type PgClient, pgOf, Transactions } from './isolation/transaction.js'
import { digest, runOf } from './run.js'

/** How a test gets a database of its own. */
export interface DatabaseSettings {
  /** Default `database`. */
  readonly mode?: 'database' | 'schema' | 'transaction' | undefined
  /** A command for the shell, or a function: brings the database in DATABASE_URL up to date, once per content hash. */
  readonly migrate?: Migrate | undefined
  /** Patterns of the files whose content the schema is made of. */
  readonly files?: readonly string[] | undefined
  /** Clones that are kept ready. Default 8. */
  readonly pool?: number | undefined
  /** Keeps the database of a test that failed. Default false. */
  readonly keepFailed?: boolean | undefined
  /** Where `files` and `migrate` start. Default: the working directory. */
  readonly cwd?: string | undefined
  /** Hosts beyond this machine on which databases may be made and dropped. */
  readonly allowRemote?: readonly string[] | undefined
  /** For the record on a database that is kept. */
  readonly suite?: string | undefined
  readonly test?: string | undefined
}

/** The PostgreSQL server that a test got. */
export interface ProvidedServer extends Origin {
  /** With a role that may make databases (mode `database`), or schemas (mode `schema`). */
  readonly url: string
  /** True for a stand-in of this run, which ends with it. */
  readonly ours?: boolean | undefined
}

/** A database, a schema or a transaction that belongs to one test. */
export interface IsolatedDatabase {
  readonly name: string
  readonly url: string
  /** DATABASE_URL and libpq's PG* for it. */
  readonly env: Readonly<Record<string, string>>
  /** In mode `transaction`: a connected client of node-postgres, in a transaction that is rolled back. */
  readonly client?: PgClient
  /**
   * Gives it back. Resolves with a sentence for people where it was kept.
   * @throws HoldfastError where a test in mode `transaction` ended its transaction itself, so that what it changed stays.
   */
  release(end: { readonly failed: boolean }): Promise<string | undefined>
}

/**
 * Gives one test a database of its own on the server that it got.
 * @throws HoldfastError where there can be none, with what to do about it; what `migrate` threw.
 */
export async function isolated(
  provided: ProvidedServer,
  settings: DatabaseSettings,
  manager: IsolationClient,
): Promise<IsolatedDatabase> {
  const { mode = 'database' } = settings
  if (mode === 'schema') return bySchema(provided, settings)
  if (mode === 'transaction') return byTransaction(provided, settings, manager)
  if (mode !== 'database')
    throw usage(`isolation: mode "${mode}" is not one of database, schema, transaction`)
  const { server, hash, id, address, name } = await cloneOf(provided, settings, manager)
  return {
    ...{ name, ...address },
    async release({ failed }) {
      if (!failed || !settings.keepFailed) {
        await server.giveBack(hash, id, 'changed')
        return undefined
      }
      const { suite, test } = settings
      await server.keep(hash, id, { ...(suite ? { suite } : {}), ...(test ? { test } : {}) })
      const { PGHOST = '', PGPORT = '', PGUSER = '' } = address.env
      const at = `-h ${shellWord(PGHOST)} -p ${PGPORT} -U ${shellWord(PGUSER)} ${name}`
      const until = provided.ours ? 'until the stand-in ends' : `for 7 days, or until: dropdb ${at}`
      return `The database of the failed test is here: psql ${at}. It stays ${until}`
    },
  }
}

interface Claimed {
  readonly server: IsolatedServer
  readonly hash: string
  readonly id: number
  readonly name: string
  readonly address: Address
}

/** How often a clone is asked for again whose template was discarded meanwhile. */
const TRIES = 3

async function cloneOf(
  provided: ProvidedServer,
  settings: DatabaseSettings,
  manager: IsolationClient,
): Promise<Claimed> {
  const { url, ours } = provided
  const { pool, allowRemote, cwd = process.cwd() } = settings
  const server = await manager.server({
    ...{ url, ours: ours === true },
    ...(pool ? { pool } : {}),
    ...(allowRemote ? { allowRemote } : {}),
  })
  const hash = hashOf(settings, cwd, server.major)
  for (let left = TRIES; ; left--) {
    const fill = (database: DatabaseAddress) => migrate(settings.migrate, addressOf(database), cwd, provided)
    await server.template(hash, fill, { ofRun: isOfRun(settings) })
    try {
      const { id, database } = await server.claim(hash)
      return { server, hash, id, name: database.database, address: addressOf(database) }
    } catch (error) {
      if (left === 1 || !isGone(error)) throw error
    }
  }
}

const hashes = new Map<string, string>()

/** Files are read once in a process: a test does not change its own migrations. */
function hashOf({ files, migrate: how }: DatabaseSettings, cwd: string, major: number): string {
  const text = typeof how === 'function' ? `function ${how}` : how
  const key = JSON.stringify([files, text, cwd, major])
  const run = () => digest(runOf(ownEnvironment()).root)
  const hash = hashes.get(key) ?? contentHash({ cwd, files, migrate: text }, major, run)
  hashes.set(key, hash)
  return hash
}

interface Shared {
  readonly transactions: Transactions
  readonly address: Address
  readonly name: string
  /** False for the database that was provided, where nothing can be undone. */
  readonly clone: boolean
  /** Gives the clone back, which nobody uses any more: sequences went on in it, whatever was taken back. */
  readonly end: () => Promise<void>
}

/** What the tests of this process have their transactions in. */
const shared = new Map<string, Promise<Shared>>()

async function byTransaction(
  provided: ProvidedServer,
  settings: DatabaseSettings,
  manager: IsolationClient,
): Promise<IsolatedDatabase> {
  const { files, migrate: how, cwd } = settings
  const key = JSON.stringify([provided.url, files, String(how), cwd])
  const found = shared.get(key) ?? share(provided, settings, manager)
  shared.set(key, found)
  found.catch(() => shared.delete(key))
  const { transactions, address, name, clone, end } = await found
  const client = await transactions.begin()
  return {
    ...{ name, ...address, client },
    async release() {
      const taken = await transactions.rollback(client)
      if (taken === 'yes' && shared.get(key) === found) return undefined
      // Whoever is still in it ends there; the next one gets another.
      if (shared.get(key) === found) shared.delete(key)
      if ((await transactions.closeIdle()) === 0) await end()
      if (taken === 'yes' || (taken === 'gone' && clone)) return undefined
      throw usage(
        `isolation by transaction: the test ${taken === 'ended' ? 'ended its transaction itself (COMMIT or ROLLBACK)' : 'closed the connection of its transaction, perhaps after a COMMIT'}, so its changes were not taken back${clone ? '' : `: what it wrote is in the database ${name} for good`}. Give it mode "database"${clone ? '' : ', or `migrate`, which makes a copy'}.`,
      )
    },
  }
}

/** A clone, where something migrates it; else the database that was provided, as it is. */
async function share(
  provided: ProvidedServer,
  settings: DatabaseSettings,
  manager: IsolationClient,
): Promise<Shared> {
  const Client = pgOf(settings.cwd ?? process.cwd())
  if (settings.migrate === undefined) {
    const target = parseTarget(provided.url, { schemes: SCHEMES })
    refuse(await farHosts([target], settings.allowRemote ?? []))
    const address = { url: provided.url, env: { DATABASE_URL: provided.url } }
    const transactions = new Transactions(provided.url, Client)
    const name = target.database ?? target.user ?? ''
    return { transactions, address, name, clone: false, end: async () => {} }
  }
  const { server, hash, id, address, name } = await cloneOf(provided, settings, manager)
  const transactions = new Transactions(address.url, Client)
  let ended: Promise<void> | undefined
  const end = () => {
    ended ??= server.giveBack(hash, id, 'changed')
    return ended
  }
  return { transactions, address, name, clone: true, end }
}

/** Gives back what the tests of this process shared. For the end of a file or a worker; never rejects. */
export async function endIsolation(): Promise<void> {
  const all = await Promise.allSettled(shared.values())
  shared.clear()
  for (const one of all) {
    if (one.status !== 'fulfilled') continue
    await one.value.transactions.close()
    await one.value.end().catch(() => {})
  }
}

/** For an Isolation: reads the address of a server. */
export async function aimOf(url: string) {
  const target = parseTarget(url, { schemes: SCHEMES, source: 'isolation' })
  return { target, service: await loadService(target.service) }
}
