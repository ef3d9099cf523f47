/** What a real PostgreSQL tells of other sessions and through a pooler, and that asking leaves nothing behind. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { leavingNothing, probe } from '../conformance/probing.js'
import { healthAt } from '../support/healthy.js'
import { startPgBouncer } from '../support/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ hba: ['host all all 127.0.0.0/8 trust'] })
  await server.sql(
    'create role poor login; create role watcher login in role pg_monitor; create table locked (n int)',
  )
})
afterAll(() => server.remove())
leavingNothing()

describe('other sessions', () => {
  test('that wait for a lock, and transactions that are left open, are seen by who may see them', async () => {
    const holder = await probe(server.url({ user: 'postgres' }))
    const waiter = await probe(server.url({ user: 'postgres' }))
    await holder.session?.query?.('begin')
    await holder.session?.query?.('lock table locked')
    const waiting = waiter.session?.query?.('select count(*) from locked')
    await expect
      .poll(async () => (await healthAt(server.url({ user: 'watcher' }))).facts, { timeout: 10_000 })
      .toMatchObject({ waitingForLocks: 1, lockWaitMs: expect.any(Number) })
    const { facts } = await healthAt(server.url({ user: 'watcher' }))
    expect(facts.idleInTransactionMs).toBeGreaterThan(0)
    expect(facts.oldestTransactionMs).toBeGreaterThan(0)
    const poor = await healthAt(server.url({ user: 'poor' }))
    expect(poor.facts).toMatchObject({ connectionsUsed: expect.any(Number), idleInTransaction: 0 })
    await holder.session?.query?.('rollback')
    await waiting
  })

  test('that hold the table of migrations are not waited for', async () => {
    await server.sql(
      'create table schema_migrations (version text); grant select on schema_migrations to poor; insert into schema_migrations values (1)',
    )
    onTestFinished(async () => void (await server.sql('drop table schema_migrations')))
    const holder = await probe(server.url({ user: 'postgres' }))
    await holder.session?.query?.('begin')
    await holder.session?.query?.('lock table schema_migrations')
    expect((await healthAt(server.url({ user: 'poor' }))).facts).not.toHaveProperty('migration')
    await holder.session?.query?.('rollback')
    expect((await healthAt(server.url({ user: 'poor' }))).facts).toMatchObject({ migration: '1' })
  })
})

describe('through PgBouncer', () => {
  test.each(['session', 'transaction', 'statement'] as const)(
    'in mode %s what is of its own connection is left out, and nothing is left behind in it',
    async mode => {
      const pooler = await startPgBouncer({ backend: server, mode, poolSize: 1 })
      try {
        const { session } = await probe(pooler.url())
        const facts = (await session?.health?.())?.facts
        expect(facts).toMatchObject({ via: 'pgbouncer', inRecovery: false, uptimeMs: expect.any(Number) })
        for (const name of ['connectionsMax', 'connectionsUsed', 'peerAddress', 'hbaLine', 'tlsCipher'])
          expect(facts).not.toHaveProperty(name)
        const rows = await session?.query?.(
          "select current_setting('lock_timeout'), current_setting('transaction_read_only')",
        )
        expect(rows).toEqual([['0', 'off']])
      } finally {
        await pooler.remove()
      }
    },
  )
})

test('asking writes nothing, and goes through in a session that goes on', async () => {
  // What writes takes a transaction number.
  const written = () => server.sql('select pg_snapshot_xmax(pg_current_snapshot())')
  const before = await written()
  const { session } = await probe(server.url({ user: 'postgres' }))
  await session?.health?.()
  await session?.ping?.()
  expect(await session?.query?.('select 1')).toEqual([['1']])
  expect(await written()).toBe(before)
})

test('a session that ends meanwhile is an error, and not good health', async () => {
  const { session } = await probe(server.url({ user: 'poor' }))
  await server.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'poor'")
  await session?.closed
  await expect(session?.health?.()).rejects.toThrow()
})
