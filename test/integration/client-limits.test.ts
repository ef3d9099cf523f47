import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { opening } from '../../src/client/pg/session.js'
import { settingsOf } from '../../src/client/pg/settings.js'
import type { Way } from '../../src/client/pg/ways.js'
import { createPool, type PoolOptions } from '../../src/client/pg.js'
import { startPgBouncer } from '../support/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

const SHOWN = `SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'),
  current_setting('idle_in_transaction_session_timeout')) AS limits`

let server: PostgresServer

/** The role is allowed two seconds for a statement and two minutes for a lock. */
beforeAll(async () => {
  server = await startPostgres()
  await server.sql(`ALTER ROLE app SET statement_timeout = '2s'; ALTER ROLE app SET lock_timeout = '2min'`)
})
afterAll(() => server.remove())

async function limits(url: string, options: PoolOptions = {}) {
  const pool = createPool(url, { max: 1, ...options })
  try {
    const alone = (await pool.query<{ limits: string }>(SHOWN)).rows[0]?.limits
    const within = await pool.transaction(client => client.query<{ limits: string }>(SHOWN))
    return { alone, within: within.rows[0]?.limits }
  } finally {
    await pool.end()
  }
}

const bothWays = (limits: string) => ({ alone: limits, within: limits })

test.each<[string, Record<string, string>, PoolOptions, string]>([
  ['a default only makes what the role has stricter', {}, {}, '2s 30s 1min'],
  ['an option that is given holds', {}, { statement_timeout: 9000, lock_timeout: 0 }, '9s 0 1min'],
  ['a parameter of the address holds', { statement_timeout: '3000', lock_timeout: '77' }, {}, '3s 77ms 1min'],
  ['what options= names is left alone', { options: '-c lock_timeout=90s' }, {}, '2s 90s 1min'],
])('%s', async (_, query, options, expected) => {
  expect(await limits(server.url({ query }), options)).toEqual(bothWays(expected))
})

test('behind a pooler the same holds in each transaction', async () => {
  const bouncer = await startPgBouncer({ backend: server, mode: 'transaction' })
  onTestFinished(() => bouncer.remove())
  expect((await limits(bouncer.url())).within).toBe('2s 30s 1min')
  const given = await limits(bouncer.url({ query: { lock_timeout: '77' } }), { statement_timeout: 9000 })
  expect(given.within).toBe('9s 77ms 1min')
})

test('a session of another process than the one that the login named is left as it is', async () => {
  const pool = createPool(server.url(), { max: 1 })
  onTestFinished(() => pool.end())
  const settings = settingsOf({ statement_timeout: 9000, lock_timeout: 1000 })
  const { rows } = await pool.query(opening(settings, { wants: 'any' } as Way, 1) ?? '')
  const local = "SET LOCAL statement_timeout = '9000ms'; SET LOCAL lock_timeout = '1000ms'"
  expect(rows).toEqual([{ own: false, local }])
  expect((await pool.query(SHOWN)).rows).toEqual([{ limits: '2s 30s 1min' }])
})
