import pg from 'pg'
import type { Pool, PoolOptions } from '../../src/client/pg/types.js'
import { type Classification, classify } from '../../src/services/classify.js'

export type Kind = 'bare' | 'ours'
export type Make = (url: string, options?: PoolOptions) => Pool

/** What a program is told by its parent: the server, straight. */
export interface Told {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** What a program says of an error. */
export interface Heard {
  readonly message: string
  readonly code: string | undefined
  readonly told: Classification
}

export function heard(error: unknown): Heard {
  const { message, code } = error as Error & { code?: string }
  return {
    message,
    code,
    told: classify(error, (error as { holdfast?: unknown }).holdfast ? {} : { driver: 'pg' }),
  }
}

/** What became of a promise. */
export const outcome = (promise: Promise<unknown>): Promise<'ok' | Heard> =>
  promise.then(() => 'ok' as const, heard)

/** The superuser's or owner's own way to the server: node-postgres as it is, and a look at what others do. */
export class Admin {
  private constructor(readonly client: pg.Client) {}

  static async connect(url: string): Promise<Admin> {
    const client = new pg.Client({ connectionString: url, application_name: 'admin' })
    client.on('error', () => {})
    await client.connect()
    return new Admin(client)
  }

  async sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await this.client.query(text, values)).rows
  }

  /** Ends a client's backend, and resolves once the client knows. */
  async kill(client: { processID?: number | null; once(event: 'end', listener: () => void): unknown }) {
    const ended = new Promise<void>(resolve => client.once('end', resolve))
    await this.sql('SELECT pg_terminate_backend($1)', [client.processID])
    await ended
  }

  /** Resolves once a condition on pg_stat_activity (of others than this) holds for any session. */
  async until(condition: string): Promise<void> {
    const query = `SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ${condition}`
    for (;;) if ((await this.sql(query)).length > 0) return
  }

  /** Resolves once none does. */
  async gone(condition: string): Promise<void> {
    while ((await this.sessions(condition)).length > 0);
  }

  async sessions(condition: string): Promise<Record<string, unknown>[]> {
    return this.sql(
      `SELECT pid, state, wait_event_type, query FROM pg_stat_activity
       WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND ${condition}`,
    )
  }
}
