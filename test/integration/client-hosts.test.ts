/** Several hosts, poolers, TLS, and servers that do not answer: what a pool makes of real ones. */
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Pool, PoolOptions } from '../../src/client/pg/types.js'
import { connect, createPool } from '../../src/client/pg.js'
import { classify } from '../../src/services/classify.js'
import { startBlackhole } from '../support/blackhole.js'
import { certificates } from '../support/certs.js'
import { startPgBouncer } from '../support/pgbouncer.js'
import { startPostgres } from '../support/postgres.js'
import { freePort } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'

const pools: Pool[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map(pool => pool.end()))
})

function poolOf(url: string, options: PoolOptions = {}): Pool {
  const pool = createPool(url, options)
  pools.push(pool)
  return pool
}

async function started(options: Parameters<typeof startPostgres>[0] = {}) {
  const server = await startPostgres(options)
  onTestFinished(() => server.remove())
  return server
}

const failed = (work: Promise<unknown>) =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    error => ({ error, ...classify(error) }),
  )

/** An address with several ports of this machine. */
function spread(server: { url: ReturnType<typeof sharedPostgres>['url'] }, ...ports: number[]): string {
  return server.url().replace(/@[^/]+\//, `@${ports.map(port => `127.0.0.1:${port}`).join(',')}/`)
}

const portOf = async (pool: Pool) => (await pool.query('SELECT inet_server_port() AS port')).rows[0].port

describe('of several hosts', () => {
  test('the next one is tried at once where the first is not there', async () => {
    const pool = poolOf(spread(sharedPostgres(), await freePort(), sharedPostgres().port), {
      connectAttempts: 1,
    })
    expect(await portOf(pool)).toBe(sharedPostgres().port)
  })

  test('the one is taken that target_session_attrs asks for, and none is an error that names what they are', async () => {
    const standby = await started({ state: 'standby' })
    const both = spread(sharedPostgres(), standby.port, sharedPostgres().port)
    const once = { connectAttempts: 1 }
    expect(await portOf(poolOf(both, { ...once, target_session_attrs: 'read-write' }))).toBe(
      sharedPostgres().port,
    )
    expect(await portOf(poolOf(`${both}?target_session_attrs=standby`, once))).toBe(standby.port)
    expect(await portOf(poolOf(both, { ...once, target_session_attrs: 'prefer-standby' }))).toBe(standby.port)
    const alone = poolOf(sharedPostgres().url(), { ...once, target_session_attrs: 'prefer-standby' })
    expect(await portOf(alone)).toBe(sharedPostgres().port)
    const { error, reason } = await failed(
      poolOf(standby.url(), { ...once, target_session_attrs: 'primary' }).query('SELECT 1'),
    )
    expect([reason, error.message]).toEqual([
      'read-only',
      expect.stringContaining('is a standby, and primary is wanted'),
    ])
  })

  test('a server that turns read-only is left for the one that is not', async () => {
    const [old, next] = await Promise.all([started(), started()])
    const pool = poolOf(spread(old, old.port, next.port), { target_session_attrs: 'read-write' })
    expect(await portOf(pool)).toBe(old.port)
    await old.sql('ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()')
    // Its sessions learn of it one statement later or two.
    let told = ''
    while (told === '')
      told = await pool.query('CREATE TABLE t (); DROP TABLE t').then(
        () => '',
        error => classify(error).reason,
      )
    expect(told).toBe('read-only')
    expect(await portOf(pool)).toBe(next.port)
  })
})

describe('behind a transaction-pooling PgBouncer', () => {
  test('the limits hold for each transaction, and for nobody else', async () => {
    const backend = sharedPostgres()
    const bouncer = await startPgBouncer({ backend, mode: 'transaction', poolSize: 1 })
    onTestFinished(() => bouncer.remove())
    const pool = poolOf(bouncer.url(), { lock_timeout: 1234 })
    const limit = "SELECT current_setting('lock_timeout') AS l"
    const inside = await pool.transaction(async client => (await client.query(limit)).rows[0].l)
    expect([inside, (await pool.query(limit)).rows[0].l]).toEqual(['1234ms', '0'])
  })

  test('a statement is cancelled through it', async () => {
    const bouncer = await startPgBouncer({ backend: sharedPostgres(), mode: 'transaction' })
    onTestFinished(() => bouncer.remove())
    const known = await failed(
      poolOf(bouncer.url()).query({ text: 'SELECT pg_sleep(30)', query_timeout: 200 }),
    )
    expect(known).toMatchObject({ reason: 'statement-timeout', outcome: 'rejected' })
  })
})

describe('TLS is as the address says', () => {
  const secure = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'

  test('verified, preferred, and refused where the certificate is another host’s', async () => {
    const [{ ca }, server, wrong] = await Promise.all([
      certificates(),
      started({ tls: 'required' }),
      started({ tls: { certificate: 'wrongHost' } }),
    ])
    const verified = { sslmode: 'verify-full', sslrootcert: ca.certPath }
    for (const query of [verified, { sslmode: 'prefer' }, { sslmode: 'require' }, { sslmode: 'allow' }])
      expect((await poolOf(server.url({ host: 'localhost', query })).query(secure)).rows).toEqual([
        { ssl: true },
      ])
    const refused = await failed(poolOf(wrong.url({ host: 'localhost', query: verified })).query(secure))
    expect(refused).toMatchObject({ reason: 'tls-failure', phase: 'connect', outcome: 'not-sent' })
    const cancelled = poolOf(server.url({ host: 'localhost', query: verified })).query({
      text: 'SELECT pg_sleep(30)',
      query_timeout: 200,
    })
    expect(await failed(cancelled)).toMatchObject({ reason: 'statement-timeout', outcome: 'rejected' })
  })
})

describe('a server that does not answer', () => {
  test('to a dial is given up in time', async () => {
    const hole = await startBlackhole()
    onTestFinished(() => hole.close())
    const pool = poolOf(spread(sharedPostgres(), hole.port), { acquireTimeoutMillis: 200 })
    const { error, ...known } = await failed(pool.query('SELECT 1'))
    expect(known).toMatchObject({
      reason: 'connect-timeout',
      phase: 'connect',
      outcome: 'not-sent',
      httpStatus: 504,
    })
    expect(error.code).toBe('ETIMEDOUT')
  })

  test('to a statement, nor to its cancellation, is given up with an unknown outcome, and the pool ends', async () => {
    const server = await started()
    const pool = poolOf(server.url(), { max: 1 })
    await pool.query('SELECT 1')
    const stopped = (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
    process.kill(stopped, 'SIGSTOP')
    onTestFinished(() => void process.kill(stopped, 'SIGCONT'))
    expect(await failed(pool.query({ text: 'SELECT 1', query_timeout: 100 }))).toMatchObject({
      ...{ reason: 'statement-timeout', phase: 'statement', outcome: 'unknown', code: '57014' },
    })
    expect((await pool.query('SELECT 1')).rowCount).toBe(1)
    await pool.end()
  })

  test('while idle is found out before its connection is handed out', async () => {
    const server = await started()
    const pool = poolOf(server.url(), { max: 1, validateAfterMillis: 0 })
    const pid = async () => (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
    const before = await pid()
    await server.sql(`SELECT pg_terminate_backend(${before})`)
    expect(await pid()).not.toBe(before)
  })
})

test('a wrong password is tried once', async () => {
  const server = await started()
  const pool = poolOf(server.url({ password: 'wrong' }))
  expect(await failed(pool.query('SELECT 1'))).toMatchObject({
    reason: 'authentication-failed',
    phase: 'connect',
    httpStatus: 500,
  })
  expect(server.log().match(/password authentication failed/g)).toHaveLength(1)
})

test('one connection without a pool has the same patience, and ends', async () => {
  const client = await connect(sharedPostgres().url())
  expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  await client.end()
  expect((await failed(client.query('SELECT 1'))).outcome).toBe('not-sent')
})
