/** What `holdfast/mysql` holds, against a real server. */
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { connect, createPool, type MysqlOptions } from '../../src/client/mysql.js'
import { certificates } from '../support/certs.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb({
    tls: 'wrongHost',
    setup: `create table t (id int primary key, v int) engine=innodb;
delimiter //
create procedure begins() begin start transaction; select 1; end//
create procedure fails() begin start transaction; signal sqlstate '45000'; end//
create procedure inserts() begin update t set v = v + 1; commit; start transaction; end//
delimiter ;`,
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

test.each(['create or replace table other (a int)', 'commit', '/* a */ commit and chain', 'call inserts()'])(
  'what may have committed a part, "%s", is not repeated',
  async ends => {
    const pool = await pooled({ backoffMillis: 10 })
    let runs = 0
    const work = async (it: Awaited<ReturnType<typeof pool.getConnection>>) => {
      runs++
      await it.query('update t set v = v + 1')
      await it.query(ends)
      await kill(it.threadId)
      await it.query('select 1')
    }
    await expect(pool.transaction(work, { retry: true })).rejects.toMatchObject({
      holdfast: { reason: 'connection-lost' },
    })
    expect(runs).toBe(1)
  },
)

test('what another connection told within a transaction does not repeat it', async () => {
  const pool = await pooled()
  let runs = 0
  const work = () => {
    runs++
    return pool.withConnection(async other => {
      await kill(other.threadId)
      await other.query('update t set v = v + 1')
    })
  }
  await expect(pool.transaction(work, { retry: true })).rejects.toMatchObject({
    holdfast: { reason: 'connection-lost' },
  })
  expect(runs).toBe(1)
})

test('a transaction may end with a return to its savepoint', async () => {
  const pool = await pooled()
  await pool.transaction(async it => {
    await it.query('update t set v = 1')
    await it.query('savepoint a')
    await it.query('update t set v = 2')
    await it.query('rollback work to savepoint a')
  })
  expect(await server.sql('select sum(v) from t')).toBe('2')
})

test('a signal ends the wait for a connection, and the statement, and nothing is left', async () => {
  const pool = await pooled({ max: 1 })
  const reason = new Error('no longer wanted')
  const given = new AbortController()
  const held = await pool.getConnection()
  const waits = pool.transaction(async () => {}, { signal: given.signal })
  given.abort(reason)
  await expect(waits).rejects.toMatchObject({
    code: 'ABORT_ERR',
    cause: reason,
    holdfast: { outcome: 'not-sent' },
  })
  held.release()
  const later = new AbortController()
  const works = pool.transaction(
    async it => {
      await it.query('update t set v = 1')
      setImmediate(() => later.abort(reason))
      await it.query('select sleep(0.3)')
    },
    { signal: later.signal, retry: true },
  )
  await expect(works).rejects.toMatchObject({ cause: reason, holdfast: { outcome: 'rejected' } })
  await server.sql('update t set v = v + 1')
  expect(await server.sql('select sum(v) from t')).toBe('2')
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

const BEGUN = {
  'by a statement': ['begin'],
  'by one of several results': ['begin; select 1'],
  'by a procedure that answers with rows': ['call begins()'],
  'by a procedure that then fails': ['call fails()'],
  'anew with the end of another': ['begin', 'commit and chain'],
  'by each statement, without autocommit': ['set autocommit = 0'],
  'and returned to its savepoint': ['begin', 'savepoint a', 'rollback work to savepoint a'],
}
test.each(Object.entries(BEGUN))(
  'a connection in a transaction, begun %s, is not pooled',
  async (_, begun) => {
    const pool = await pooled({ max: 1, settings: { multipleStatements: true } })
    const connection = await pool.getConnection()
    for (const sql of begun) await connection.query(sql).catch(() => {})
    const { threadId } = connection
    connection.release()
    await pool.query('update t set v = v + 1 where id = 1')
    expect(await server.sql('select v from t order by id')).toBe('1\n0')
    await pool.withConnection(async it => expect(it.threadId).not.toBe(threadId))
  },
)

test('a connection whose statement failed, or that was begun and ended, is pooled', async () => {
  const pool = await pooled({ max: 1 })
  const ids = new Set<number | null>()
  for (const sql of ['select from', 'commit', 'rollback']) {
    const connection = await pool.getConnection()
    ids.add(connection.threadId)
    await connection.query('begin')
    if (sql === 'select from') await connection.rollback()
    await connection.query(sql).catch(() => {})
    connection.release()
  }
  expect(ids.size).toBe(1)
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
  const denied = () => server.log().match(/Access denied/g)?.length ?? 0
  const before = denied()
  const pool = await createPool(server.url({ password: 'wrong' }))
  const ends = await Promise.allSettled(Array.from({ length: 20 }, () => pool.query('select 1')))
  await pool.query('select 1').catch(() => {})
  await expect(pool.query('select 1')).rejects.toMatchObject({
    holdfast: { reason: 'authentication-failed' },
  })
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
  expect(denied() - before).toBeGreaterThan(0)
  expect(denied() - before).toBeLessThanOrEqual(2)
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
