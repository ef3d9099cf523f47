/** A server with a table of claims, the rows 1 and 2 in it before each test, and a pool. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { type Client, createPool, type Pool, type TransactionOptions } from '../../src/client/pg.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

export function claims() {
  let server: PostgresServer
  let pool: Pool
  beforeAll(async () => {
    server = await startPostgres({ settings: { deadlock_timeout: '20ms' } })
    await server.sql(`CREATE TABLE claim (id int PRIMARY KEY, n int NOT NULL DEFAULT 0,
      UNIQUE (n) DEFERRABLE INITIALLY DEFERRED); GRANT ALL ON claim TO app; GRANT ALL ON SCHEMA public TO app`)
    pool = createPool(server.url())
  })
  afterAll(async () => {
    await pool.end()
    await server.remove()
  })
  beforeEach(() => server.sql('TRUNCATE claim; INSERT INTO claim VALUES (1, -1), (2, -2)'))
  return {
    server: () => server,
    pool: () => pool,
    /** The claims that a test has made. */
    rows: () => server.sql('SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM claim WHERE id > 2'),
    /** What the transaction rejects with. */
    caught: (work: (client: Client) => Promise<unknown>, options: TransactionOptions = {}) =>
      pool.transaction(work, options).then(
        () => expect.unreachable('it resolved'),
        (error: Error & { code?: string }) => error,
      ),
  }
}

export const insert = (client: Client, id: number) => client.query('INSERT INTO claim VALUES ($1, $1)', [id])

export const failing = (client: Client) => client.query('INSERT INTO claim VALUES (1, 1)')
