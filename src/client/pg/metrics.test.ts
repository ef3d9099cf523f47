import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test } from 'vitest'
import type { Meter, ObserveCallback } from '../meter.js'
import { failure, told } from '../told.js'
import { metricsOf } from './metrics.js'
import type { PoolState } from './types.js'

const state = (name: string): PoolState => ({
  name,
  max: 4,
  total: 3,
  idle: 1,
  used: 2,
  connecting: 0,
  waiting: 5,
})

function measuring() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 })
  const provider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => provider.shutdown())
  const meter = provider.getMeter('shop')
  const of = (name: string, target = {}) =>
    metricsOf(
      meter,
      { name, min: 1, state: () => state(name) },
      { database: 'app', hosts: [{ host: 'db', port: 5432 }], ...target },
    )
  const collect = async () => {
    exporter.reset()
    await provider.forceFlush()
    const metrics = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []
    return new Map(metrics.map(metric => [metric.descriptor.name, metric]))
  }
  return { of, collect }
}

type Collected = Awaited<ReturnType<ReturnType<typeof measuring>['collect']>>
const pointsOf = <T>(metrics: Collected, name: string) =>
  (metrics.get(name)?.dataPoints ?? []) as DataPoint<T>[]
const numbers = (metrics: Collected, name: string) =>
  pointsOf<number>(metrics, name).map(({ value, attributes }) => [value, attributes])
const times = (metrics: Collected, name: string) =>
  pointsOf<Histogram>(metrics, name).map(({ value, attributes }) => [value.sum, attributes])
const shop = { 'db.client.connection.pool.name': 'shop' }

test('the state of a pool is told by the names and units of the semantic conventions', async () => {
  const { of, collect } = measuring()
  of('shop')
  const metrics = await collect()
  expect(numbers(metrics, 'db.client.connection.count')).toEqual([
    [1, { ...shop, 'db.client.connection.state': 'idle' }],
    [2, { ...shop, 'db.client.connection.state': 'used' }],
  ])
  for (const [name, unit, value] of [
    ['idle.max', '{connection}', 4],
    ['idle.min', '{connection}', 1],
    ['max', '{connection}', 4],
    ['pending_requests', '{request}', 5],
  ] as const) {
    expect(metrics.get(`db.client.connection.${name}`)?.descriptor.unit).toBe(unit)
    expect(numbers(metrics, `db.client.connection.${name}`)).toEqual([[value, shop]])
  }
})

test('times are recorded in seconds, in the recommended buckets', async () => {
  const { of, collect } = measuring()
  const metrics = of('shop')
  metrics.created(250)
  metrics.waited(500)
  metrics.used(750)
  metrics.operated(125)
  const seen = await collect()
  expect(times(seen, 'db.client.connection.create_time')).toEqual([[0.25, shop]])
  expect(times(seen, 'db.client.connection.wait_time')).toEqual([[0.5, shop]])
  expect(times(seen, 'db.client.connection.use_time')).toEqual([[0.75, shop]])
  expect(times(seen, 'db.client.operation.duration')).toEqual([
    [0.125, { ...shop, 'db.system.name': 'postgresql', 'db.namespace': 'app', 'server.address': 'db' }],
  ])
  const [point] = pointsOf<Histogram>(seen, 'db.client.operation.duration')
  expect(point?.value.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
  expect(seen.get('db.client.operation.duration')?.descriptor.unit).toBe('s')
})

test('time-outs and discarded connections are counted', async () => {
  const { of, collect } = measuring()
  const metrics = of('shop')
  metrics.timedOut()
  metrics.timedOut()
  metrics.discarded('statement-timeout')
  const seen = await collect()
  expect(numbers(seen, 'db.client.connection.timeouts')).toEqual([[2, shop]])
  expect(numbers(seen, 'holdfast.client.connection.discards')).toEqual([
    [1, { ...shop, 'holdfast.reason': 'statement-timeout' }],
  ])
})

test.each([
  [
    'the SQLSTATE of what the server answered',
    told(Object.assign(new Error('duplicate'), { code: '23505', severity: 'ERROR' }), { driver: 'pg' }),
    { 'error.type': '23505', 'db.response.status_code': '23505' },
  ],
  [
    'the SQLSTATE of a time-out of ours, which no server answered',
    failure('statement-timeout', 'late', { code: '57014' }),
    { 'error.type': '57014' },
  ],
  [
    'the reason where there is no SQLSTATE',
    told(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }), { driver: 'pg', phase: 'statement' }),
    { 'error.type': 'connection-lost' },
  ],
  ["OpenTelemetry's fallback where nothing is known", null, { 'error.type': '_OTHER' }],
])('error.type of a failed operation is %s', async (_, error, expected) => {
  const { of, collect } = measuring()
  of('shop').operated(1, error)
  const [[, attributes] = []] = times(await collect(), 'db.client.operation.duration')
  const { 'error.type': type, 'db.response.status_code': code } = attributes as Record<string, unknown>
  expect({ 'error.type': type, ...(code ? { 'db.response.status_code': code } : {}) }).toEqual(expected)
})

test.each([
  [[{ host: 'db', port: 6432 }], { 'server.address': 'db', 'server.port': 6432 }],
  [
    [
      { host: 'a', port: 5433 },
      { host: 'b', port: 5433 },
    ],
    { 'server.address': 'a,b', 'server.port': 5433 },
  ],
  [
    [
      { host: 'a', port: 5432 },
      { host: 'b', port: 5433 },
    ],
    { 'server.address': 'a,b' },
  ],
  [[{ path: '/run/postgresql/.s.PGSQL.5432' }], { 'server.address': '/run/postgresql/.s.PGSQL.5432' }],
])('the server of an operation is what is configured: %j', async (hosts, expected) => {
  const { of, collect } = measuring()
  of('shop', { hosts, database: undefined }).operated(1)
  expect(times(await collect(), 'db.client.operation.duration')).toEqual([
    [0.001, { ...shop, 'db.system.name': 'postgresql', ...expected }],
  ])
})

test('a pool that has ended is 0 once and then not asked any more, and another one of the same meter is', async () => {
  const { of, collect } = measuring()
  const metrics = of('shop')
  of('orders')
  await collect()
  metrics.end()
  const orders = { 'db.client.connection.pool.name': 'orders' }
  for (let i = 0; i < 2; i++)
    expect(numbers(await collect(), 'db.client.connection.max')).toEqual([
      [0, shop],
      [4, orders],
    ])
})

test('what a meter was given is taken back after the end of the pool', () => {
  const callbacks = new Set<ObserveCallback>()
  const nothing = { record() {}, add() {} }
  const meter: Meter = {
    createHistogram: () => nothing,
    createCounter: () => nothing,
    createObservableUpDownCounter: () => ({
      addCallback: callback => callbacks.add(callback),
      removeCallback: callback => callbacks.delete(callback),
    }),
  }
  const metrics = metricsOf(meter, { name: 'shop', min: 0, state: () => state('shop') }, { hosts: [] })
  expect(callbacks.size).toBe(5)
  metrics.end()
  for (const callback of callbacks) callback({ observe() {} })
  return Promise.resolve().then(() => expect(callbacks.size).toBe(0))
})
