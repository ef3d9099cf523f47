import { createRequire } from 'node:module'
import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { requirePackages } from '../../standin/owned/packages.js'

/** What is needed of node-postgres' Client. */
export interface PgClient {
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  end(): Promise<void>
  on(event: 'error', listener: () => void): unknown
  ref?(): void
  unref?(): void
}

/** What ends with the transaction, also where the test begins another one in its place. */
const MARK = 'holdfast_begin'

/** SQLSTATE of going back to it where it is gone: in another transaction, or in none. */
const ENDED = ['3B001', '25P01']

/** `gone`: the test closed the connection, so that nobody knows. */
export type TakenBack = 'yes' | 'ended' | 'gone'

/** Connections of one process to one database, each in a transaction while it is lent. */
export class Transactions {
  readonly #idle: PgClient[] = []
  readonly #lent = new Set<PgClient>()
  #spoilt = false

  constructor(
    readonly url: string,
    readonly Client: new (options: { connectionString: string }) => PgClient,
  ) {}

  /** A client in a transaction. Those that are idle do not keep the process alive. */
  async begin(): Promise<PgClient> {
    const client = this.#idle.pop() ?? (await this.#connect())
    this.#lent.add(client)
    client.ref?.()
    try {
      await client.query(`BEGIN; SAVEPOINT ${MARK}`)
    } catch (error) {
      await this.#end(client)
      throw error
    }
    return client
  }

  /** Takes everything back, unless the test ended the transaction itself. */
  async rollback(client: PgClient): Promise<TakenBack> {
    try {
      // What outlives a transaction, besides prepared statements, which the driver counts on.
      await client.query(`ROLLBACK TO ${MARK}; ROLLBACK; SELECT pg_advisory_unlock_all(); UNLISTEN *`)
    } catch (error) {
      this.#spoilt = true
      await this.#end(client)
      return ENDED.includes((error as { code?: string }).code ?? '') ? 'ended' : 'gone'
    }
    if (this.#spoilt) await this.#end(client)
    else {
      this.#lent.delete(client)
      client.unref?.()
      this.#idle.push(client)
    }
    return 'yes'
  }

  /** Closes the connections that no test has any more. Resolves with how many are lent all the same. */
  async closeIdle(): Promise<number> {
    await Promise.all(this.#idle.splice(0).map(client => this.#end(client)))
    return this.#lent.size
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle.splice(0), ...this.#lent].map(client => this.#end(client)))
  }

  async #end(client: PgClient): Promise<void> {
    this.#lent.delete(client)
    await client.end().catch(() => {})
  }

  async #connect(): Promise<PgClient> {
    const client = new this.Client({ connectionString: this.url })
    // The server goes away at the end of the run: nobody needs to hear of an idle connection's end.
    client.on('error', () => {
      const at = this.#idle.indexOf(client)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    await client.connect()
    return client
  }
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
