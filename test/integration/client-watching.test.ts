import { once } from 'node:events'
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Pool, PoolEvents, PoolOptions } from '../../src/client/pg/types.js'
import { createPool } from '../../src/client/pg.js'
import { startPostgres } from '../support/postgres.js'
import { sharedPostgres } from '../support/shared.js'

function poolOf(options: PoolOptions, url = sharedPostgres().url()): Pool {
  const pool = createPool(url, options)
  onTestFinished(() => pool.end())
  return pool
}

function measuring() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 })
  const provider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => provider.shutdown())
  const points = async <T>(name: string) => {
    exporter.reset()
    await provider.forceFlush()
    const metrics = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []
    return (metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []) as DataPoint<T>[]
  }
  return {
    meter: provider.getMeter('shop'),
    points,
    counts: async (name: string) => (await points<number>(name)).map(({ value }) => value),
    times: async (name: string) => (await points<Histogram>(name)).map(({ value }) => value),
  }
}

const connection = (name: string) => `db.client.connection.${name}`

describe('the metrics of a pool', () => {
  test('follow its connections as they are made, used, waited for and given back', async () => {
    const { meter, counts, times } = measuring()
    const pool = poolOf({ meter, name: 'shop', max: 1 })
    const client = await pool.connect()
    const waiting = pool.query('SELECT 1')
    expect(await counts(connection('count'))).toEqual([0, 1])
    expect(await counts(connection('pending_requests'))).toEqual([1])
    client.release()
    await waiting
    expect(await counts(connection('count'))).toEqual([1, 0])
    expect(await counts(connection('max'))).toEqual([1])
    expect(await times(connection('create_time'))).toMatchObject([{ count: 1 }])
    expect(await times(connection('wait_time'))).toMatchObject([{ count: 2 }])
    expect(await times(connection('use_time'))).toMatchObject([{ count: 2 }])
  })

  test('have each statement with the server it went to, and what it failed with', async () => {
    const { meter, points } = measuring()
    const { host, port, database } = sharedPostgres()
    const pool = poolOf({ meter, name: 'shop' })
    await pool.query('SELECT 1')
    await expect(pool.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' })
    await expect(pool.query({ text: 'SELECT pg_sleep(30)', query_timeout: 20 })).rejects.toMatchObject({
      code: '57014',
    })
    const server = {
      [connection('pool.name')]: 'shop',
      'db.system.name': 'postgresql',
      'db.namespace': database,
      'server.address': host,
      'server.port': port,
    }
    const seen = await points<Histogram>('db.client.operation.duration')
    expect(seen.map(({ attributes }) => attributes)).toEqual([
      server,
      { ...server, 'error.type': '42703', 'db.response.status_code': '42703' },
      { ...server, 'error.type': '57014' },
    ])
    expect(seen[2]?.value.sum).toBeGreaterThan(0.019)
  })

  test('count who got no connection in time, and what did not go back', async () => {
    const { meter, counts, points } = measuring()
    const pool = poolOf({ meter, max: 1, acquireTimeoutMillis: 500 })
    const client = await pool.connect()
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' })
    await client.query('BEGIN')
    client.release()
    expect(await counts(connection('timeouts'))).toEqual([1])
    const [discard] = await points<number>('holdfast.client.connection.discards')
    expect(discard).toMatchObject({ value: 1, attributes: { 'holdfast.reason': 'it is in a transaction' } })
  })

  test('have no text of an error in a label', async () => {
    const { meter, points } = measuring()
    const pool = poolOf({ meter })
    ;(await pool.connect()).release(new Error('token abc was wrong'))
    const [discard] = await points<number>('holdfast.client.connection.discards')
    expect(discard?.attributes['holdfast.reason']).toBe('it was released with an error')
  })

  test('end with the pool', async () => {
    const { meter, counts } = measuring()
    const pool = createPool(sharedPostgres().url(), { meter })
    await pool.query('SELECT 1')
    expect(await counts(connection('count'))).toEqual([1, 0])
    await pool.end()
    expect(await counts(connection('count'))).toEqual([0, 0])
    expect(await counts(connection('max'))).toEqual([0])
  })
})

describe('a client that is held for too long', () => {
  const claim = (pool: Pool) => pool.connect()

  test('is told of with the caller, and in the time-out of who waits for it', async () => {
    const pool = poolOf({ max: 1, leakDetectionMillis: 20, acquireTimeoutMillis: 500 })
    const leak = once(pool, 'leak')
    const client = await claim(pool)
    const [{ stack, millis, state }] = await leak
    expect(stack).toMatch(/^\s+at claim \(.*client-watching\.test\.ts:\d+:\d+\)/)
    expect(stack).not.toMatch(/src\/client\/pg|node:internal/)
    expect(millis).toBeGreaterThanOrEqual(20)
    expect(state.holders).toEqual([{ millis: expect.any(Number), stack }])
    await expect(pool.query('SELECT 1')).rejects.toThrow(
      /; 1 of 1 held: [\d.]+ m?s by claim \(client-watching\.test\.ts:\d+\)\)/,
    )
    client.release()
    expect(pool.state().holders).toEqual([])
  })

  async function order(pool: Pool, work: () => Promise<unknown>) {
    await pool.transaction(() => work())
  }
  async function count(pool: Pool, work: () => Promise<unknown>) {
    await pool.withConnection(() => work())
  }
  async function ask(pool: Pool) {
    await pool.query('SELECT pg_sleep(0.2)')
  }

  test.each([
    ['transaction()', 'order', (pool: Pool, work: () => Promise<unknown>) => order(pool, work)],
    ['withConnection()', 'count', (pool: Pool, work: () => Promise<unknown>) => count(pool, work)],
    ['query()', 'ask', (pool: Pool) => ask(pool)],
  ])('is known by the caller of %s, also behind a guard', async (_, name, hold) => {
    for (const options of [{}, { bulkhead: { concurrent: 2 } }]) {
      const pool = poolOf({ leakDetectionMillis: 20, ...options })
      const leak = once(pool, 'leak')
      const held = hold(pool, () => leak)
      const [{ stack }] = await leak
      expect(stack.split('\n')[0]).toContain(`at ${name} (`)
      await held
    }
  })

  test('is warned of where nobody listens', async () => {
    const pool = poolOf({ leakDetectionMillis: 10, name: 'shop' })
    const warned = once(process, 'warning')
    const client = await claim(pool)
    const [warning] = await warned
    client.release()
    expect(warning).toMatchObject({
      code: 'HOLDFAST_LEAK',
      message: expect.stringMatching(/^shop: a client is checked out for .* by claim \(/),
    })
  })
})

describe('a circuit breaker', () => {
  test('opens while the server is away, answers at once, and closes when it is back', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.remove())
    const pool = poolOf(
      { circuitBreaker: { failures: 2, halfOpenAfterMillis: 100 }, connectAttempts: 1 },
      server.url(),
    )
    await pool.query('SELECT 1')
    await server.stop('fast')
    const opened = new Promise<PoolEvents['open'][0]>(resolve => pool.once('open', resolve))
    await Promise.allSettled([1, 2, 3].map(() => pool.query('SELECT 1')))
    const { reason } = await opened
    expect(reason).toMatch(/^(connection-refused|connection-lost|server-not-ready)$/)
    for (const work of [
      () => pool.query('SELECT 1'),
      () => pool.connect(),
      () => pool.transaction(async () => {}),
      () => pool.withConnection(async () => {}),
    ])
      await expect(work()).rejects.toMatchObject({
        code: 'CIRCUIT_OPEN',
        holdfast: { reason, phase: 'acquire', outcome: 'not-sent', httpStatus: 503 },
      })
    await server.start()
    const closed = once(pool, 'close')
    const trying = setInterval(() => pool.query('SELECT 1').catch(() => {}), 20)
    onTestFinished(() => clearInterval(trying))
    await closed
    clearInterval(trying)
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })

  test('stays closed through what the server answers', async () => {
    const pool = poolOf({ circuitBreaker: { failures: 1 } })
    for (let i = 0; i < 3; i++)
      await expect(pool.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' })
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })
})

test('a bulkhead counts a transaction once, with the connection that it takes', async () => {
  const pool = poolOf({ bulkhead: { concurrent: 1 } })
  const pid = await pool.transaction(async client => {
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
  })
  expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows).toEqual([{ pid }])
})
