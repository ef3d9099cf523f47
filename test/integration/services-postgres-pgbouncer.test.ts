/** A real PgBouncer in front of a real PostgreSQL: it says 08P01 to everything, and only the words tell. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal } from '../conformance/probing.js'
import * as peers from '../support/peers.js'
import { type PgBouncerOptions, type PgBouncerServer, startPgBouncer } from '../support/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { sharedPostgres } from '../support/shared.js'

/** The one that serves. */
let pooler: PgBouncerServer
beforeAll(async () => {
  pooler = await startPgBouncer({ backend: sharedPostgres() })
})
afterAll(() => pooler.remove())
leavingNothing()

/** Its clients wait for a server connection for a second. */
const QUICK = { settings: { query_wait_timeout: '1' } }

async function withPooler(options: PgBouncerOptions, work: (it: PgBouncerServer) => Promise<void>) {
  const it = await startPgBouncer(options)
  await work(it).finally(() => it.remove())
}

async function withBackend(
  options: Parameters<typeof startPostgres>[0],
  work: (backend: PostgresServer, it: PgBouncerServer) => Promise<void>,
) {
  const backend = await startPostgres(options)
  await withPooler({ backend, ...QUICK }, it => work(backend, it)).finally(() => backend.remove())
}

const FROM_POOLER = { product: 'PgBouncer', via: 'pgbouncer' }

describe('a session', () => {
  test.each(['scram-sha-256', 'md5', 'plain', 'trust', 'any'] as const)(
    'with auth_type %s is recognised as one through PgBouncer',
    auth =>
      withPooler({ backend: sharedPostgres(), auth }, async it => {
        const { server } = await readiness(it.url())
        expect(server).toMatchObject({ product: 'PostgreSQL', via: 'pgbouncer' })
        expect(server.version).toMatch(/^15\./)
        expect(server.incarnation).toBeDefined()
      }),
  )

  test.each(['session', 'transaction'] as const)('writes, asks and fills a pool in mode %s', mode =>
    withPooler({ backend: sharedPostgres(), mode }, async it => {
      const verdict = await readiness(it.url(), { until: 'write', queries: ['select 1'], connections: 5 })
      expect(verdict.server.via).toBe('pgbouncer')
    }),
  )

  test('finds its way through TLS that PgBouncer wants, also where it was only allowed', () =>
    withPooler({ backend: sharedPostgres(), tls: 'require' }, async it => {
      for (const sslmode of ['allow', 'prefer', 'require']) {
        const { steps } = await readiness(it.url({ query: { sslmode } }))
        expect(steps.some(({ layer, state }) => layer === 'tls' && state === 'ok')).toBe(true)
      }
      const { finding } = await refusal(it.url({ query: { sslmode: 'disable' } }))
      expect(finding).toMatchObject({ reason: 'tls-failure', code: '08P01' })
      expect(finding.advice).toContain('sslmode=require')
    }))
})

describe('PgBouncer refuses', () => {
  const refuses = async (address: string, reason: string, layer: string, message: RegExp) => {
    const verdict = await refusal(address)
    expect(verdict).toMatchObject({
      layer,
      heard: true,
      finding: { reason, code: '08P01', byText: true },
      server: FROM_POOLER,
    })
    expect(verdict.finding.message).toMatch(message)
    return verdict
  }

  test('a database that it does not know, by its name', async () => {
    const address = pooler.url({ database: 'elsewhere' })
    const { finding } = await refuses(address, 'database-not-found', 'auth', /elsewhere/)
    expect(finding.advice).toContain('pgbouncer.ini')
  })

  test('a wrong password, which it is shown once', async () => {
    const before = pooler.rejectedLogins()
    await refuses(pooler.url({ password: 'wrong' }), 'authentication-failed', 'auth', /authentication failed/)
    expect(pooler.rejectedLogins() - before).toBe(1)
  })

  test('a user that it does not know', async () => {
    await refuses(pooler.url({ user: 'stranger' }), 'authentication-failed', 'auth', /authentication failed/)
  })

  test('a start-up parameter that it cannot pass on', async () => {
    const address = pooler.url({ query: { options: '-c work_mem=1MB' } })
    const { finding } = await refuses(address, 'client-misuse', 'handshake', /options/)
    expect(finding.advice).toContain('ignore_startup_parameters')
  })

  test('one client more than max_client_conn', () =>
    withPooler({ backend: sharedPostgres(), maxClientConn: 1 }, async it => {
      const { session } = await probe(it.url())
      await refuses(it.url(), 'too-many-connections', 'handshake', /max_client_conn/)
      await session?.close()
    }))

  test('to fill a pool beyond max_client_conn, and says how much of it there was', () =>
    withPooler({ backend: sharedPostgres(), maxClientConn: 3 }, async it => {
      const { finding } = await refusal(it.url(), { connections: 5 })
      expect(finding.reason).toBe('too-many-connections')
      // It counts who is only knocking, too, and may turn all of them away.
      expect(finding.message).toMatch(/^[123] of 5 connections answered/)
    }))

  test('a query while every server connection is taken', () =>
    withPooler({ backend: sharedPostgres(), poolSize: 1, ...QUICK }, async it => {
      const { session } = await probe(it.url())
      const { finding } = await refuses(it.url(), 'pool-exhausted', 'query', /query_wait_timeout/)
      expect(finding.advice).toContain('default_pool_size')
      await session?.close()
    }))
})

describe('the server behind PgBouncer', () => {
  const speaks = async (it: PgBouncerServer, reason: string, message: RegExp) => {
    const { finding, heard } = await refusal(it.url())
    expect({ ...finding, heard }).toMatchObject({ reason, code: '08P01', byText: true, heard: true })
    expect(finding.message).toMatch(message)
  }

  test('is dead: the pool stays empty', async () => {
    const backend = await peers.refused()
    await withPooler({ backend, ...QUICK }, it => speaks(it, 'pool-exhausted', /query_wait_timeout/))
  })

  test('is starting, and ready once it has started', () =>
    withBackend({ state: 'starting' }, async (backend, it) => {
      await speaks(it, 'server-not-ready', /starting up/)
      await backend.release()
      await expect.poll(async () => (await probe(it.url())).verdict.ready, { timeout: 5000 }).toBe(true)
    }))

  test('rejects the password of PgBouncer', () =>
    withBackend({}, async (backend, it) => {
      await backend.sql("alter role app password 'another'")
      await speaks(it, 'authentication-failed', /password authentication failed/)
    }))

  test('lacks the database', () =>
    withBackend({}, async (backend, it) => {
      await backend.sql('alter database app rename to gone', 'postgres')
      await speaks(it, 'database-not-found', /"app" does not exist/)
    }))

  test('dies: a session that waits learns of it, and the next one is told that logins fail', () =>
    withBackend({}, async (backend, it) => {
      const { session } = await probe(it.url())
      await backend.stop()
      await expect(session?.ping?.()).rejects.toMatchObject({ finding: { reason: 'connection-lost' } })
      await speaks(it, 'pool-exhausted', /query_wait_timeout/)
      await speaks(it, 'server-not-ready', /login has been failing/)
    }))
})
