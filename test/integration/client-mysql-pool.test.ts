/** The pool of `holdfast/mysql`: what it counts, whom it lets wait, and what it leaves behind; against a real server. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createPool, type MysqlOptions } from '../../src/client/mysql.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'
import { freePort } from '../support/root.js'

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server.remove())

async function pooled(options: MysqlOptions = {}, url = server.url()) {
  const pool = await createPool(url, { endTimeoutMillis: 1000, ...options })
  onTestFinished(() => pool.end())
  return pool
}

test('uses of a connection leave no listeners on it', async () => {
  const pool = await pooled({ max: 1 })
  const listeners = () =>
    pool.withConnection(async it => {
      const core = it.connection as unknown as NodeJS.EventEmitter
      return [core.listenerCount('error'), core.listenerCount('end')]
    })
  const first = await listeners()
  for (let i = 0; i < 20; i++) await pool.query('select 1')
  expect(await listeners()).toEqual(first)
})

test('a password that was changed is tried twice at most by all who then need a connection', async () => {
  await server.sql("create user changed@'%' identified by 'a'; grant all on *.* to changed@'%'")
  const pool = await pooled({}, server.url({ user: 'changed', password: 'a' }))
  const id = await pool.withConnection(async it => it.threadId)
  await server.sql("alter user changed@'%' identified by 'b'")
  await server.sql(`kill ${id}`)
  await expect.poll(() => pool.state().total).toBe(0)
  await Promise.allSettled(Array.from({ length: 20 }, () => pool.query('select 1')))
  const denied = server.log().match(/Access denied for user 'changed'/g)?.length
  expect(denied).toBeGreaterThan(0)
  expect(denied).toBeLessThanOrEqual(2)
})

test('a connection that is open does not have the others tried again and again', async () => {
  await server.sql("create user stays@'%' identified by 'a'; grant all on *.* to stays@'%'")
  const pool = await pooled({ max: 2 }, server.url({ user: 'stays', password: 'a' }))
  await pool.query('select 1')
  await server.sql("alter user stays@'%' identified by 'b'")
  for (let i = 0; i < 4; i++)
    await pool.withConnection(async () => {
      await expect(pool.query('select 1')).rejects.toMatchObject({
        holdfast: { reason: 'authentication-failed' },
      })
    })
  expect(server.log().match(/Access denied for user 'stays'/g)).toHaveLength(2)
})

test('no more are open than max, and each is used', async () => {
  const pool = await pooled({ max: 3 })
  const ids = await Promise.all(
    Array.from({ length: 20 }, () =>
      pool.withConnection(async it => it.query('select 1').then(() => it.threadId)),
    ),
  )
  expect(new Set(ids).size).toBe(3)
  expect(await server.sql("select count(*) from information_schema.processlist where user = 'app'")).toBe('3')
})

test('who asks one after another has one connection', async () => {
  const pool = await pooled()
  for (let i = 0; i < 5; i++) await pool.query('select 1')
  expect(pool.state()).toMatchObject({ total: 1, idle: 1 })
})

test('state() tells how many are open, idle, checked out and waited for', async () => {
  const pool = await pooled({ max: 1, name: 'shop' })
  const held = await pool.getConnection()
  const waits = pool.query('select 1')
  expect(pool.state()).toEqual({ name: 'shop', max: 1, total: 1, idle: 0, used: 1, waiting: 1 })
  held.release()
  await waits
  await expect.poll(() => pool.state()).toMatchObject({ total: 1, idle: 1, used: 0, waiting: 0 })
})

test('who got no connection in time hears why', async () => {
  const address = server.url({ port: await freePort() })
  const pool = await pooled({ acquireTimeoutMillis: 200, backoffMillis: 5000 }, address)
  await expect(pool.query('select 1')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    message: expect.stringContaining('within 200 ms: connect ECONNREFUSED'),
    holdfast: { reason: 'connection-refused', outcome: 'not-sent', httpStatus: 503 },
  })
})

test('end() does not wait for the next attempt to connect', async () => {
  const pool = await createPool(server.url({ port: await freePort() }), { backoffMillis: 20_000 })
  const retries = new Promise(resolve => pool.on('retry' as never, resolve))
  const waits = pool.query('select 1').catch(error => error)
  await retries
  await pool.end()
  expect((await waits).message).toBe('Pool is closed.')
})

test('a ping, a prepared statement and a reset end in time, and say so', async () => {
  const late = { holdfast: { reason: 'statement-timeout', phase: 'statement', outcome: 'unknown' } }
  const pool = await pooled({ query_timeout: 100 })
  const held = await Promise.all([1, 2, 3].map(() => pool.getConnection()))
  const prepared = await held[0]?.prepare('select 1')
  server.pause()
  onTestFinished(() => server.resume())
  const asked = [prepared?.execute([]), held[1]?.ping(), held[2]?.reset()]
  for (const it of asked.map(async it => it)) await expect(it).rejects.toMatchObject(late)
  server.resume()
  await pool.query('select 1')
})

test('a prepared statement that begins a transaction keeps its connection from the pool', async () => {
  const pool = await pooled({ max: 1 })
  const connection = await pool.getConnection()
  const prepared = await connection.prepare('start transaction')
  await prepared.execute([])
  const { threadId } = connection
  connection.release()
  await pool.withConnection(async it => expect(it.threadId).not.toBe(threadId))
})

test('a connection with other settings or of another user is not pooled', async () => {
  const pool = await pooled({ max: 1 })
  const connection = await pool.getConnection()
  const { threadId } = connection
  await connection.reset()
  connection.release()
  await pool.withConnection(async it => expect(it.threadId).not.toBe(threadId))
})

test('mysql2 is told to close what is idle for long, and not the only one', async () => {
  const pool = await pooled({ max: 1 })
  const { config } = pool.pool as unknown as { config: { maxIdle: number; connectionLimit: number } }
  expect(config).toMatchObject({ maxIdle: 1, connectionLimit: 1 })
})

test('names what an option of mysql2 is called here, and a time that no timer holds', async () => {
  await expect(createPool(server.url(), { connectionLimit: 5 } as object)).rejects.toThrow(
    'option "connectionLimit" is not known: it is max',
  )
  await expect(createPool(server.url(), { query_timeout: 2 ** 31 })).rejects.toThrow(
    'query_timeout is 2147483648, and has to be a number from 0 to 2147483647',
  )
})
