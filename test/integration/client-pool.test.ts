import pg from 'pg'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Pool, PoolOptions } from '../../src/client/pg/types.js'
import { createPool } from '../../src/client/pg.js'
import { classify } from '../../src/services/classify.js'
import { startPostgres } from '../support/postgres.js'
import { sharedPostgres } from '../support/shared.js'

const pools: Pool[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map(pool => pool.end()))
})

function poolOf(options: PoolOptions = {}, url = sharedPostgres().url()): Pool {
  const pool = createPool(url, options)
  pools.push(pool)
  return pool
}

const failed = (work: Promise<unknown>) =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    error => ({ error, ...classify(error) }),
  )

const pidOf = async (pool: { query: Pool['query'] }) =>
  (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid

describe('a pool', () => {
  test('answers as node-postgres does', async () => {
    const pool = poolOf()
    expect((await pool.query('SELECT $1::int + 1 AS n', [41])).rows).toEqual([{ n: 42 }])
    expect((await pool.query({ text: 'SELECT 1', rowMode: 'array' })).rows).toEqual([[1]])
    const called = new Promise((resolve, reject) =>
      pool.query('SELECT 2 AS n', (error, result) => (error ? reject(error) : resolve(result.rows))),
    )
    expect(await called).toEqual([{ n: 2 }])
  })

  test("sets the server's limits for its sessions", async () => {
    const pool = poolOf({ query_timeout: 2000, lock_timeout: 1500 })
    const { rows } = await pool.query(
      "SELECT current_setting('statement_timeout') AS s, current_setting('lock_timeout') AS l, current_setting('idle_in_transaction_session_timeout') AS i",
    )
    expect(rows).toEqual([{ s: '7s', l: '1500ms', i: '1min' }])
  })

  test('keeps the connection whose statement the server rejected', async () => {
    const pool = poolOf({ max: 1 })
    const pid = await pidOf(pool)
    const { error, ...known } = await failed(pool.query('SELECT nothing'))
    expect(error.code).toBe('42703')
    expect(known).toMatchObject({ reason: 'query-error', phase: 'statement', outcome: 'rejected' })
    expect(await pidOf(pool)).toBe(pid)
  })

  test('that has none free says so in time, with its numbers', async () => {
    const pool = poolOf({ max: 1, acquireTimeoutMillis: 300 })
    const held = await pool.connect()
    const { error, ...known } = await failed(pool.query('SELECT 1'))
    expect(known).toMatchObject({
      reason: 'pool-exhausted',
      phase: 'acquire',
      outcome: 'not-sent',
      httpStatus: 503,
    })
    expect(error).toMatchObject({ code: 'POOL_EXHAUSTED', pool: { max: 1, used: 1, idle: 0, waiting: 1 } })
    held.release()
    expect((await pool.query('SELECT 1')).rowCount).toBe(1)
  })

  test('cancels a statement on the server when its time is over', async () => {
    const pool = poolOf({ max: 1 })
    const { error, ...known } = await failed(pool.query({ text: 'SELECT pg_sleep(30)', query_timeout: 100 }))
    expect(error.code).toBe('57014')
    expect(known).toMatchObject({ reason: 'statement-timeout', outcome: 'rejected', httpStatus: 504 })
    const { rows } = await pool.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%'",
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  test('cancels a statement on the server when its signal aborts', async () => {
    const pool = poolOf({ max: 1 })
    const controller = new AbortController()
    const slow = failed(pool.query({ text: 'SELECT pg_sleep(30)', signal: controller.signal }))
    setTimeout(() => controller.abort(), 50)
    expect((await slow).error.code).toBe('ABORT_ERR')
  })

  test('replaces a connection that the server ended, between two queries and within one', async () => {
    const pool = poolOf({ max: 1 })
    const admin = poolOf({ max: 1 })
    const client = await pool.connect()
    const pid = await pidOf(client)
    const sleeping = failed(client.query('SELECT pg_sleep(30)'))
    await admin.query('SELECT pg_terminate_backend($1)', [pid])
    const { error, ...known } = await sleeping
    expect(known).toMatchObject({
      reason: 'connection-lost',
      phase: 'statement',
      outcome: 'unknown',
      httpStatus: 500,
    })
    expect((await failed(client.query('ROLLBACK'))).error).toBe(error)
    client.release()
    expect(await pidOf(pool)).not.toBe(pid)
  })

  test('rejects what is no query, and goes on', async () => {
    const pool = poolOf({ max: 1 })
    await pool.query('SELECT 1')
    for (const wrong of [undefined, null]) await expect(pool.query(wrong as never)).rejects.toThrow()
    expect((await pool.query('SELECT 1')).rowCount).toBe(1)
  })

  test('tells of a query object of pg as of any other, and repeats the first cause on what is broken', async () => {
    const pool = poolOf({ max: 1 })
    const client = await pool.connect()
    const asked = (text: string) =>
      failed(
        new Promise((resolve, reject) =>
          client.query(
            Object.assign(new pg.Query(text), {
              callback: (error: Error | null) => (error ? reject(error) : resolve(undefined)),
            }),
          ),
        ),
      )
    expect(await asked('SELECT nothing')).toMatchObject({ reason: 'query-error', outcome: 'rejected' })
    const cut = await asked('SELECT pg_terminate_backend(pg_backend_pid())')
    expect(cut).toMatchObject({ reason: 'connection-lost', outcome: 'unknown' })
    expect((await asked('SELECT 1')).error).toBe(cut.error)
    client.release()
  })

  test('takes back no client that is in a transaction', async () => {
    const pool = poolOf({ max: 1 })
    const client = await pool.connect()
    await client.query('BEGIN')
    const pid = await pidOf(client)
    client.release()
    expect(await pidOf(pool)).not.toBe(pid)
  })

  test('takes a busy client back when its last answer is there', async () => {
    const pool = poolOf({ max: 1 })
    const client = await pool.connect()
    const pid = await pidOf(client)
    const late = client.query('SELECT 7 AS n')
    client.release()
    expect(await pidOf(pool)).toBe(pid)
    expect((await late).rows).toEqual([{ n: 7 }])
  })

  test('answers what it was asked before its end, and nothing after', async () => {
    const pool = createPool(sharedPostgres().url(), { max: 1 })
    const asked = [1, 2].map(n => pool.query('SELECT $1::int AS n', [n]))
    const ended = pool.end()
    expect((await failed(pool.query('SELECT 3'))).error.code).toBe('POOL_ENDED')
    expect((await Promise.all(asked)).map(({ rows }) => rows[0].n)).toEqual([1, 2])
    await ended
  })

  test('ends while somebody waits, and while somebody holds a client', async () => {
    const pool = createPool(sharedPostgres().url(), { max: 1, endTimeoutMillis: 50 })
    const held = await pool.connect()
    const waiting = failed(pool.query('SELECT 1'))
    await Promise.all([pool.end(), pool.end()])
    expect((await waiting).reason).toBe('client-misuse')
    expect((await failed(held.query('SELECT 1'))).outcome).toBe('not-sent')
    held.release()
    expect(() => held.release()).toThrow('already been released')
    expect(pool.state()).toMatchObject({ total: 0, waiting: 0 })
  })

  test('waits for a server that restarts', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.remove())
    const pool = poolOf({ max: 2, backoffMillis: 20 }, server.url())
    await pool.query('SELECT 1')
    await server.stop()
    const retried = new Promise(resolve => pool.once('retry' as never, resolve))
    const answer = pool.query('SELECT 1 AS n')
    await retried
    await server.start()
    expect((await answer).rows).toEqual([{ n: 1 }])
  })
})

describe('on a bad day a pool holds:', () => {
  test('an error has the stack of who asked', async () => {
    const pool = poolOf()
    async function loadUser() {
      return await pool.query('SELEC 1')
    }
    expect((await failed(loadUser())).error.stack).toContain('client-pool.test.ts')
  })

  test('what committed before its error is not told to be without effect', async () => {
    const pool = poolOf()
    await pool.query('CREATE TABLE kept (n int)')
    onTestFinished(() => void pool.query('DROP TABLE kept').catch(() => {}))
    const halves = 'BEGIN; INSERT INTO kept VALUES (1); COMMIT; SELECT 1/0'
    expect(await failed(pool.query(halves))).toMatchObject({ reason: 'query-error', outcome: 'unknown' })
    const late = { text: 'INSERT INTO kept VALUES (2); COMMIT; SELECT pg_sleep(5)', query_timeout: 100 }
    expect(await failed(pool.query(late))).toMatchObject({ reason: 'statement-timeout', outcome: 'unknown' })
  })

  test('a client whose transaction failed in its only statement is nobody else’s', async () => {
    const pool = poolOf({ max: 1 })
    for (let i = 0; i < 5; i++) {
      await failed(pool.query('BEGIN; SELECT 1/0; COMMIT'))
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    }
  })

  test('a statement that was sent in part does not keep its client', async () => {
    const pool = poolOf({ max: 1 })
    const circle: Record<string, unknown> = {}
    circle.own = circle
    expect(await failed(pool.query('SELECT $1::json', [circle]))).toMatchObject({ outcome: 'not-sent' })
    expect((await pool.query('SELECT 1')).rowCount).toBe(1)
  })

  test('a controller in place of its signal is refused, and so are limits that are none', async () => {
    const pool = poolOf({ acquireTimeoutMillis: 300 })
    const wrong = [{ signal: new AbortController() }, { query_timeout: '5s' }, { query_timeout: -1 }]
    for (const option of wrong)
      await expect(pool.query({ text: 'SELECT 1', ...option } as never)).rejects.toThrow(
        /^(signal|query_timeout): /,
      )
    await expect(pool.connect({ signal: new AbortController() as never })).rejects.toThrow(
      'pass controller.signal',
    )
    const one = { text: 'SELECT 1', query_timeout: '5000' as never }
    expect((await pool.query(one)).rowCount).toBe(1)
  })

  test('who asks for a client has its answer in time, also where idle ones do not answer', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.remove())
    const pool = poolOf({ max: 3, validateAfterMillis: 0, acquireTimeoutMillis: 300 }, server.url())
    const held = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
    const pids = await Promise.all(held.map(pidOf))
    for (const client of held) client.release()
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    const began = performance.now()
    await pool.query('SELECT 1').catch(() => {})
    for (const pid of pids) process.kill(pid, 'SIGCONT')
    expect(performance.now() - began).toBeLessThan(4000)
  })

  test('who rests between attempts is given a client that comes back', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.remove())
    await server.sql('ALTER ROLE app CONNECTION LIMIT 1')
    const pool = poolOf({ max: 2, backoffMillis: 20_000 }, server.url())
    const held = await pool.connect()
    const resting = new Promise(resolve => pool.once('retry', resolve))
    const waiting = pool.query('SELECT 1 AS n')
    await resting
    held.release()
    expect((await waiting).rows).toEqual([{ n: 1 }])
  })

  test('a query that was asked before the end is answered, also where its idle client is gone', async () => {
    const pool = createPool(sharedPostgres().url(), { max: 1, validateAfterMillis: 0 })
    await pool.query('SELECT 1')
    const asked = pool.query('SELECT 2 AS n')
    const ended = pool.end()
    expect((await asked).rows).toEqual([{ n: 2 }])
    await ended
  })

  test('a cancel request does not hit the statement behind it', async () => {
    const pool = poolOf({ max: 1 })
    const client = await pool.connect()
    const controller = new AbortController()
    const first = failed(client.query({ text: 'SELECT pg_sleep(30)', signal: controller.signal }))
    const second = client.query('SELECT 2 AS n')
    setTimeout(() => controller.abort(), 50)
    await first
    expect((await second).rows).toEqual([{ n: 2 }])
    client.release()
  })
})
