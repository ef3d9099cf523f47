/** What `holdfast/mysql` holds, against a real server. */
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { connect, createPool, type MysqlOptions } from '../../src/client/mysql.js'
import { certificates } from '../support/certs.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb({
    tls: 'wrongHost',
    setup: 'create table t (id int primary key, v int) engine=innodb',
  })
})
afterAll(() => server.remove())
beforeEach(() => server.sql('delete from t; insert into t values (1, 0), (2, 0)'))

async function pooled(options: MysqlOptions = {}) {
  const pool = await createPool(server.url(), { endTimeoutMillis: 1000, ...options })
  onTestFinished(() => pool.end())
  return pool
}

const kill = async (id: number | null) => void (await server.sql(`kill ${id}`))

test('a transaction is committed as a whole, or not at all', async () => {
  const pool = await pooled()
  expect(await pool.transaction(async it => it.query('update t set v = 1').then(() => 'done'))).toBe('done')
  const failed = pool.transaction(async it => {
    await it.query('update t set v = 2')
    throw new Error('ours')
  })
  await expect(failed).rejects.toThrow('ours')
  expect(await server.sql('select sum(v) from t')).toBe('2')
})

test('one that loses its connection tells the first cause, leaves nothing, and may be repeated by option', async () => {
  const pool = await pooled({ backoffMillis: 10 })
  let runs = 0
  const work = async (it: Awaited<ReturnType<typeof pool.getConnection>>) => {
    await it.query('update t set v = v + 1')
    if (++runs === 1) await kill(it.threadId)
    await it.query('update t set v = v + 1')
  }
  await expect(pool.transaction(work)).rejects.toMatchObject({ holdfast: { reason: 'connection-lost' } })
  expect(await server.sql('select sum(v) from t')).toBe('0')
  runs = 0
  await pool.transaction(work, { retry: true })
  expect([runs, await server.sql('select sum(v) from t')]).toEqual([2, '4'])
})

test('the victim of a deadlock sends nothing more, and is repeated by option', async () => {
  const pool = await pooled()
  const both: (() => void)[] = []
  const met = () =>
    new Promise<void>(resolve => {
      both.push(resolve)
      if (both.length >= 2) for (const go of both) go()
    })
  const cross = (first: number, second: number) =>
    pool.transaction(
      async it => {
        await it.query('update t set v = v + 1 where id = ?', [first])
        await met()
        // A handler that goes on would commit half of it.
        await it.query('update t set v = v + 1 where id = ?', [second]).catch(() => {})
        await it.query('update t set v = v + 10 where id = ?', [first])
      },
      { retry: true },
    )
  await Promise.all([cross(1, 2), cross(2, 1)])
  expect(await server.sql('select v from t order by id')).toBe('12\n12')
})

test('a connection left in a transaction is not pooled', async () => {
  const pool = await pooled({ max: 1 })
  const connection = await pool.getConnection()
  await connection.beginTransaction()
  await connection.query('update t set v = 9')
  connection.release()
  await pool.query('update t set v = v + 1 where id = 1')
  expect(await server.sql('select v from t order by id')).toBe('1\n0')
})

test('waiting for a connection ends, and says how many are checked out', async () => {
  const pool = await pooled({ max: 1, acquireTimeoutMillis: 100 })
  const held = await pool.getConnection()
  await expect(pool.query('select 1')).rejects.toMatchObject({
    code: 'POOL_EXHAUSTED',
    message: expect.stringContaining('1 of 1'),
    holdfast: { reason: 'pool-exhausted', outcome: 'not-sent', httpStatus: 503 },
  })
  held.release()
  await pool.query('select 1')
})

test('with many that ask at once a wrong password is tried twice at most', async () => {
  const before = server.log().match(/Access denied/g)?.length ?? 0
  const pool = await createPool(server.url({ password: 'wrong' }))
  const ends = await Promise.allSettled(Array.from({ length: 20 }, () => pool.query('select 1')))
  await pool.query('select 1').catch(() => {})
  await expect(pool.query('select 1')).rejects.toMatchObject({
    holdfast: { reason: 'authentication-failed' },
  })
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
  expect((server.log().match(/Access denied/g)?.length ?? 0) - before).toBeLessThanOrEqual(2)
  await pool.end()
})

test('a certificate for another name is refused, which mysql2 itself takes', async () => {
  const { ca } = await certificates()
  const address = (mode: string) =>
    server.url({ host: 'localhost', query: { sslmode: mode, sslrootcert: ca.certPath } })
  await expect(connect(address('verify-full'))).rejects.toMatchObject({ holdfast: { reason: 'tls-failure' } })
  const connection = await connect(address('verify-ca'))
  const [[row]] = (await connection.query("show status like 'Ssl_version'")) as unknown as [
    [{ Value: string }],
  ]
  expect(row.Value).toMatch(/^TLS/)
  await connection.end()
})

test('the server ends what nobody waits for any more', async () => {
  const connection = await connect(server.url(), {
    query_timeout: 1000,
    statement_timeout: 1500,
    lock_timeout: 4000,
  })
  const [[row]] = (await connection.query(
    'select @@max_statement_time as statement, @@innodb_lock_wait_timeout as locked',
  )) as unknown as [[{ statement: number; locked: number }]]
  expect([Number(row.statement), Number(row.locked)]).toEqual([1.5, 4])
  await connection.end()
})
