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
  /** Patterns of the files whose content the schema is made of: `migrations/**`. */
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
  /** In isolation `transaction`: the connected client, in the transaction that is rolled back. */
  readonly client?: unknown
}

export type ServiceFixtures = { readonly [name in FixtureName]: ServiceFixture }

/** A test, for the journal and for the record on a database that is kept. */
export interface Where {
  readonly suite: string
  readonly test: string
}

export interface Opened {
  readonly fixture: ServiceFixture
  /** After the test: gives its database back. */
  close(end: { readonly failed: boolean }): Promise<void>
}

/** What the test gets for a service that is there. */
export async function open(provided: Provided, settings: FixtureSettings, where: Where): Promise<Opened> {
  return { fixture: serviceOf(provided), close: async () => {} }
}
