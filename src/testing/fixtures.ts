import { dirname, resolve } from 'node:path'
import type { IsolationConfig } from '../config/config.js'
import { findConfig } from '../config/find.js'
import { loadConfig } from '../config/load.js'
import { IsolationClient } from '../isolate/client.js'
import { type DatabaseSettings, isolated } from './database.js'
import { ownEnvironment } from './environment.js'
import { changesFor } from './isolation/leading.js'
import { keeperSocket } from './keeper/client.js'
import type { Provided } from './provided.js'
import { type RequiredService, serviceOf } from './suite.js'

/** The services that a test takes by naming them in its parameter. */
export const FIXTURES = ['postgres', 'redis', 'mysql', 'clickhouse'] as const
export type FixtureName = (typeof FIXTURES)[number]

/** What `test.with` takes; what is left out is as the configuration's `test.isolation` says. */
export interface FixtureSettings {
  /**
   * What a test has for itself on PostgreSQL: a database, a schema, or a transaction that is rolled back; `none`: all tests
   * share what there is. Default: `test.isolation.mode` of the configuration; `database` where `migrate` is given; else `none`.
   */
  readonly isolation?: 'database' | 'schema' | 'transaction' | 'none'
  /** A command for the shell, or a function: brings the database in DATABASE_URL up to date, once per content of `files`. */
  readonly migrate?: string | ((url: string, env: Record<string, string>) => Promise<void> | void)
  /**
   * Patterns of the files whose content the schema is made of: `migrations/**`. They and `migrate` start in the project (Jest's
   * `rootDir`, Vitest's `root`, else the working directory); those of a configuration in its folder.
   */
  readonly files?: readonly string[]
  /** Keeps the database of a test that failed. Default false. */
  readonly keepFailed?: boolean
  /** Hosts beyond this machine on which databases may be made and dropped. */
  readonly allowRemote?: readonly string[]
  /** Capabilities that a stand-in must have. */
  readonly needs?: readonly string[]
}

/** A service as one test has it: with isolation its own database. */
export interface ServiceFixture extends RequiredService {
  /** In isolation `transaction`: the connected client, in the transaction that is rolled back; pg's `Client`. */
  // biome-ignore lint/suspicious/noExplicitAny: its type is of pg, which need not be installed.
  readonly client?: any
}

export type ServiceFixtures = { readonly [name in FixtureName]: ServiceFixture }

/** A test, for the journal and for the record on a database that is kept. */
export interface Where {
  readonly suite: string
  readonly test: string
  /** The folder of the project. Default: the working directory. */
  readonly cwd?: string
}

export interface Opened {
  readonly fixture: ServiceFixture
  /** After the test: gives its database back. */
  close(end: { readonly failed: boolean }): Promise<void>
}

/** What the test gets for a service that is there. @throws what making its database throws. */
export async function open(provided: Provided, settings: FixtureSettings, where: Where): Promise<Opened> {
  const shared = serviceOf(provided)
  const isolation = provided.service === 'postgres' ? await isolationOf(settings, where.cwd) : undefined
  if (!isolation) return { fixture: shared, close: async () => {} }
  const server = { url: shared.url, env: provided.env, ours: provided.decision === 'stand-in' }
  const wanted = { ...isolation, suite: where.suite, test: where.test }
  const { url, client, release, ...given } = await withKeeper(keeper => isolated(server, wanted, keeper))
  // A transaction may be in the server's own database.
  const moved = url === shared.url ? {} : changesFor({ url, env: given.env }, server, ownEnvironment())
  const fixture = { ...shared, url, env: Object.freeze({ ...given.env, ...provided.env, ...moved }) }
  return {
    fixture: Object.freeze(client === undefined ? fixture : { ...fixture, client }),
    async close(end) {
      const kept = await release(end)
      if (kept) process.stderr.write(`holdfast: ${kept}\n`)
    },
  }
}

async function isolationOf(
  { isolation, needs: _, ...own }: FixtureSettings,
  cwd = process.cwd(),
): Promise<DatabaseSettings | undefined> {
  if (isolation === 'none') return undefined
  const file = process.env.HOLDFAST_CONFIG || findConfig(cwd)
  const configured = file ? await configuredIn(file) : undefined
  const asked = configured !== undefined || own.migrate !== undefined
  const mode = isolation ?? configured?.mode ?? (asked ? 'database' : undefined)
  const here = own.migrate !== undefined || own.files !== undefined
  return mode && { ...configured, ...own, mode, cwd: file && !here ? dirname(resolve(file)) : cwd }
}

const read = new Map<string, Promise<IsolationConfig | undefined>>()

/** Once a file: a worker may have tests of several projects. */
function configuredIn(file: string): Promise<IsolationConfig | undefined> {
  const found = read.get(file) ?? loadConfig(file).then(({ config }) => config.test?.isolation)
  read.set(file, found)
  return found
}

let client: Promise<IsolationClient> | undefined

/** The keeper of the run makes databases and takes them away, so that they outlive no worker. One that is gone is replaced once. */
async function withKeeper<T>(act: (keeper: IsolationClient) => Promise<T>): Promise<T> {
  const mine = keeper()
  try {
    return await act(await mine)
  } catch (error) {
    const { place } = await mine
    if ((error as { readonly place?: unknown }).place !== place) throw error
    if (client === mine) client = undefined
    return act(await keeper())
  }
}

function keeper(): Promise<IsolationClient> {
  const found =
    client ?? keeperSocket(ownEnvironment()).then(socketPath => new IsolationClient({ socketPath }))
  client = found
  found.catch(() => {
    if (client === found) client = undefined
  })
  return found
}
