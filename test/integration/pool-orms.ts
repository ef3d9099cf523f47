/** A database of the shared server for one file, and pools to it that end with their test. */
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import type { PoolOptions } from '../../src/client/pg/types.js'
import { createPool } from '../../src/client/pg.js'
import { sharedPostgres } from '../support/shared.js'

export function ownDatabase(name: string, tables = '') {
  const server = sharedPostgres()
  const url = server.url({ database: name })
  beforeAll(async () => {
    await server.sql(`CREATE DATABASE ${name} OWNER app`)
    if (tables) await server.sql(`SET ROLE app; ${tables}`, name)
  })
  afterAll(() => server.sql(`DROP DATABASE ${name} WITH (FORCE)`))
  return {
    url,
    sql: (text: string) => server.sql(text, name),
    pool(options?: PoolOptions) {
      const pool = createPool(url, { max: 2, ...options })
      onTestFinished(() => pool.end())
      return pool
    },
  }
}

export const SHOP = `
  CREATE TABLE customer (id serial PRIMARY KEY, email text NOT NULL UNIQUE);
  CREATE TABLE purchase (
    id serial PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customer,
    cents integer NOT NULL CHECK (cents >= 0));`

/** What ends the session that is asked, from within. */
export const KILL = 'SELECT pg_terminate_backend(pg_backend_pid())'
