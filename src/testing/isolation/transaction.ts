import { createRequire } from 'node:module'
import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { requirePackages } from '../../standin/owned/packages.js'

/** What is needed of node-postgres' Client. */
export interface PgClient {
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  end(): Promise<void>
  on(event: 'error' | 'notice', listener: (event: { code?: string }) => void): unknown
  ref?(): void
  unref?(): void
}

/** SQLSTATE of the warning that ROLLBACK gives where there is no transaction. */
const NO_TRANSACTION = '25P01'

/** Connections of one process to one database, each in a transaction while it is lent. */
export class Transactions {
  readonly #idle: Lent[] = []
  readonly #all = new Set<Lent>()

  constructor(
    readonly url: string,
    readonly Client: new (options: { connectionString: string }) => PgClient,
  ) {}

  /** A client in a transaction. Those that are idle do not keep the process alive. */
  async begin(): Promise<Lent> {
    const lent = this.#idle.pop() ?? (await this.#connect())
    lent.client.ref?.()
    await lent.client.query('BEGIN')
    return lent
  }

  /** Takes everything back. False where the test ended the transaction itself, so that its changes stay. */
  async rollback(lent: Lent): Promise<boolean> {
    lent.ended = false
    try {
      // What outlives a transaction, besides prepared statements, which the driver counts on.
      await lent.client.query('ROLLBACK; SELECT pg_advisory_unlock_all(); UNLISTEN *')
    } catch {
      // The test ended the connection, and its transaction with it.
      this.#all.delete(lent)
      await lent.client.end().catch(() => {})
      return true
    }
    lent.client.unref?.()
    this.#idle.push(lent)
    return !lent.ended
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ client }) => client.end().catch(() => {})))
    this.#all.clear()
    this.#idle.length = 0
  }

  async #connect(): Promise<Lent> {
    const client = new this.Client({ connectionString: this.url })
    const lent: Lent = { client, ended: false }
    // The server goes away at the end of the run: nobody needs to hear of an idle connection's end.
    client.on('error', () => {
      this.#all.delete(lent)
      const at = this.#idle.indexOf(lent)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    client.on('notice', ({ code }) => {
      if (code === NO_TRANSACTION) lent.ended = true
    })
    await client.connect()
    this.#all.add(lent)
    return lent
  }
}

interface Lent {
  readonly client: PgClient
  ended: boolean
}

/** @throws HoldfastError where the project has no `pg`. */
export function pgOf(cwd: string): new (options: { connectionString: string }) => PgClient {
  try {
    const [pg] = requirePackages(cwd, 'pg')
    return createRequire(join(cwd, 'package.json'))(pg?.main ?? 'pg').Client
  } catch (error) {
    if (!HoldfastError.is(error)) throw error
    throw new HoldfastError(
      'config',
      `isolation by transaction gives each test a client of node-postgres, which is ${error.message}. Install it: npm i -D pg; or choose mode "database".`,
    )
  }
}
