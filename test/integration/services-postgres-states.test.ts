/** A real PostgreSQL that serves, does not serve yet, not any more, not enough, or not what was asked for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal } from '../conformance/probing.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

const SETUP = `
  create table orders (id int, "Placed At" timestamptz); create schema shop; create table shop.items (sku text);
  create table "Odd.Name" (n int);
  alter table orders owner to app; grant usage on schema shop to app;
`
const ROLES = `
  create role reader login in role app; alter role reader set default_transaction_read_only = on;
  create role plain login; create database hardened; revoke all on database hardened from public;
  grant connect on database hardened to plain, reader;
  create database limited connection limit 0;
`

let server: PostgresServer
/** Room for three sessions. */
let small: PostgresServer
beforeAll(async () => {
  const start = (options: Parameters<typeof startPostgres>[0]) => startPostgres({ auth: 'trust', ...options })
  ;[server, small] = await Promise.all([start({}), start({ maxConnections: 3 })])
  await server.sql(SETUP)
  await server.sql(ROLES, 'postgres')
})
afterAll(async () => {
  await Promise.all([server.remove(), small.remove()])
})
leavingNothing()

const sessionsOf = (it: PostgresServer) =>
  it.sql("select count(*) from pg_stat_activity where usename = 'app'")

describe('connections', () => {
  test('as many as asked are open at the same time, and all of them close', async () => {
    const before = server.connectionsSeen()
    await readiness(server.url(), { connections: 20 })
    expect(server.connectionsSeen() - before).toBe(20)
  })

  test('fewer than asked: too many connections, and how many there were', async () => {
    const verdict = await refusal(small.url(), { connections: 5 })
    expect(verdict).toMatchObject({
      layer: 'auth',
      finding: { reason: 'too-many-connections', code: '53300' },
      server: { product: 'PostgreSQL' },
    })
    // A backend that is about to refuse takes a place, too, so that they may refuse each other.
    expect(verdict.finding.message).toMatch(/^[123] of 5 connections answered/)
    await expect.poll(() => sessionsOf(small), { timeout: 5000 }).toBe('0')
  })

  test('none is left: too many connections, until one is closed', async () => {
    const held = await Promise.all([1, 2, 3].map(() => probe(small.url())))
    const verdict = await refusal(small.url())
    expect(verdict).toMatchObject({
      heard: true,
      finding: { reason: 'too-many-connections', code: '53300' },
    })
    await held[0]?.session?.close()
    await expect.poll(() => sessionsOf(small), { timeout: 5000 }).toBe('2')
    await readiness(small.url())
  })

  test('the database admits none', async () => {
    const { finding } = await refusal(server.url({ database: 'limited' }))
    expect(finding).toMatchObject({ reason: 'too-many-connections', code: '53300' })
  })
})

describe('a server that', () => {
  const own = async (
    options: Parameters<typeof startPostgres>[0],
    work: (it: PostgresServer) => Promise<void>,
  ) => {
    const it = await startPostgres(options)
    await work(it).finally(() => it.remove())
  }
  const notReady = { heard: true, finding: { reason: 'server-not-ready', code: '57P03' } }

  test('is starting is not ready, and ready once it has started', () =>
    own({ state: 'starting' }, async it => {
      expect(await refusal(it.url())).toMatchObject(notReady)
      expect(await refusal(it.url({ password: 'wrong' }))).toMatchObject(notReady)
      await it.release()
      await readiness(it.url())
    }))

  test('is a standby without hot_standby is not ready', () =>
    own({ state: 'closed-standby' }, async it => {
      expect(await refusal(it.url())).toMatchObject(notReady)
    }))

  test('is shutting down is not ready, and a session that is held learns of the end', () =>
    own({}, async it => {
      const { session } = await probe(it.url())
      const stopped = it.stop('smart')
      await it.waitForLog(/smart shutdown request/)
      expect(await refusal(it.url())).toMatchObject(notReady)
      await session?.ping?.()
      await session?.close()
      await stopped
      expect(await refusal(it.url())).toMatchObject({ finding: { reason: 'connection-refused' } })
    }))

  test('is ended tells a session that is held why', () =>
    own({}, async it => {
      const { session } = await probe(it.url())
      await it.stop('fast')
      await session?.closed
      await expect(session?.ping?.()).rejects.toMatchObject({
        finding: { reason: 'connection-lost', code: '57P01' },
      })
    }))

  test('was started anew is another incarnation, also after a crash', () =>
    own({}, async it => {
      const seen = [(await readiness(it.url())).server.incarnation]
      await it.restart('fast')
      seen.push((await readiness(it.url())).server.incarnation)
      // A backend that is killed takes all the others with it; the postmaster, and its start time, stay.
      await it.sql('select pg_backend_pid()').then(() => crash(it))
      seen.push((await readiness(it.url())).server.incarnation)
      expect(new Set(seen).size).toBe(3)
    }))
})

/** Kills a backend, and resolves once the server has recovered. */
async function crash(it: PostgresServer): Promise<void> {
  const { session } = await probe(it.url())
  const [row] = (await session?.query?.('select pg_backend_pid()')) ?? []
  process.kill(Number(row?.[0]), 'SIGKILL')
  await it.waitForLog(/all server processes terminated; reinitializing[\s\S]*ready to accept connections/)
}

describe('until write', () => {
  test('a server that takes writes is ready, and nothing is left there', async () => {
    const census = () => server.sql('select count(*) from pg_class')
    const before = await census()
    const { steps } = await readiness(server.url(), { until: 'write' })
    expect(steps.at(-1)).toMatchObject({ layer: 'write', state: 'ok' })
    expect(await census()).toBe(before)
  })

  test.each(['app', 'hardened'])('a session that is read-only is told so, in %s', async database => {
    const verdict = await refusal(server.url({ user: 'reader', database }), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'read-only' } })
  })

  test('a role that may not make temporary tables is no failure of the server', async () => {
    await readiness(server.url({ user: 'plain', database: 'hardened' }), { until: 'write' })
  })
})

describe('until schema', () => {
  test('tables, columns and extensions that are there are met', async () => {
    const expect = {
      tables: ['orders', 'shop.items', 'public.orders', '"Odd.Name"'],
      columns: ['orders.id', 'shop.items.sku', 'orders.Placed At', '"Odd.Name".n'],
      extensions: ['plpgsql'],
    }
    await readiness(server.url(), { until: 'schema', expect })
  })

  test('what is missing is listed, and only that', async () => {
    const verdict = await refusal(server.url(), {
      until: 'schema',
      expect: {
        tables: ['orders', 'refunds', 'shop.orders', 'nowhere.orders'],
        columns: ['orders.id', 'orders.total', 'refunds.id'],
        extensions: ['plpgsql', 'pgcrypto'],
      },
    })
    expect(verdict).toMatchObject({ layer: 'schema', finding: { reason: 'schema-missing' } })
    expect(verdict.finding.message).toBe(
      'missing: table refunds, table shop.orders, table nowhere.orders, column orders.total, column refunds.id, extension pgcrypto',
    )
  })
})

describe('a query', () => {
  test.each([
    ['select 1 where false', 'no row'],
    ['select null', 'NULL'],
    ['select false', '"f"'],
    ['select 0', '"0"'],
  ])('%s is unmet, and what came is told', async (query, came) => {
    const { layer, finding } = await refusal(server.url(), { queries: [query] })
    expect({ layer, reason: finding.reason }).toEqual({ layer: 'query', reason: 'unmet' })
    expect(finding.message).toContain(came)
    expect(finding.message).toContain(query)
  })

  test.each([
    ['select * from migrations', '42P01'],
    ['create table nowhere.t (n int)', '3F000'],
    ['select nothing from orders', '42703'],
  ])('%s asks for a schema that is not there yet', async (query, code) => {
    const { finding } = await refusal(server.url(), { queries: [query] })
    expect(finding).toMatchObject({ reason: 'schema-missing', code })
  })

  test('that is wrong is told in the words of the server', async () => {
    const { finding } = await refusal(server.url(), { queries: ['selec 1'] })
    expect(finding).toMatchObject({ reason: 'query-error', code: '42601' })
    expect(finding.message).toContain('selec')
  })

  test('that the server cuts off is a time-out of the statement', async () => {
    const address = server.url({ query: { options: '-c statement_timeout=20' } })
    const { finding } = await refusal(address, { queries: ['select pg_sleep(10)'] })
    expect(finding).toMatchObject({ reason: 'statement-timeout', code: '57014' })
  })

  test('that outlasts the attempt is a time-out of the query layer', async () => {
    const verdict = await refusal(server.url(), { queries: ['select pg_sleep(0.5)'], timeoutMs: 150 })
    expect(verdict).toMatchObject({ layer: 'query', finding: { reason: 'statement-timeout' } })
    expect(verdict.steps.at(-1)).toMatchObject({ layer: 'query', state: 'running' })
  })

  test('that nobody waits for any more is cancelled at the server', async () => {
    await refusal(server.url(), { queries: ['select pg_sleep(600)'], timeoutMs: 150 })
    await expect.poll(() => sessionsOf(server), { timeout: 5000 }).toBe('0')
  })
})
