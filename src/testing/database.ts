import type { IsolationClient } from '../isolate/client.js'

/** How a test gets a database of its own. */
export interface DatabaseSettings {
  /** Default `database`. */
  readonly mode?: 'database' | 'schema' | 'transaction' | undefined
  /** A command for the shell, or a function: brings the database in DATABASE_URL up to date, once per content hash. */
  readonly migrate?: string | ((url: string, env: Record<string, string>) => Promise<void> | void) | undefined
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

/** A database, a schema or a transaction that belongs to one test. */
export interface IsolatedDatabase {
  readonly name: string
  readonly url: string
  /** DATABASE_URL and libpq's PG* for it. */
  readonly env: Readonly<Record<string, string>>
  /** In mode `transaction`: a connected `pg` client, in a transaction that is rolled back. */
  readonly client?: unknown
  /** Gives it back. Resolves with a sentence for people where it was kept. */
  release(end: { readonly failed: boolean }): Promise<string | undefined>
}

export declare function isolated(
  provided: { readonly url: string /** A stand-in of this run. */; readonly ours?: boolean },
  settings: DatabaseSettings,
  manager: IsolationClient,
): Promise<IsolatedDatabase>
