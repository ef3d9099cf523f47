import type { Target } from '../../core/target.js'
import type { Attributes, Meter, Observable, ObserveCallback } from '../meter.js'
import { isTold } from '../told.js'
import type { PoolState } from './types.js'

/**
 * What a pool measures, by OpenTelemetry's semantic conventions for database clients
 * (https://opentelemetry.io/docs/specs/semconv/db/database-metrics/, PostgreSQL's beside it), and how many clients
 * were closed instead of going back. Times are handed in as milliseconds and recorded in seconds.
 */
export interface Metrics {
  /** A connection was made. */
  created(ms: number): void
  /** Somebody got a client. */
  waited(ms: number): void
  /** Somebody got none in time. */
  timedOut(): void
  /** A client came back. */
  used(ms: number): void
  /** A statement ended, with an error if there is one. */
  operated(ms: number, error?: unknown): void
  /** A client was closed instead of going back. */
  discarded(reason: string): void
  /** The numbers of the pool are 0 once, and then not told any more. */
  end(): void
}

/** Recommended for db.client.operation.duration; OpenTelemetry's default is made for milliseconds. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
const POOL = 'db.client.connection.'

export function metricsOf(
  meter: Meter,
  pool: { readonly name: string; readonly min: number; state(): PoolState },
  target: Pick<Target, 'database' | 'hosts'>,
): Metrics {
  const named: Attributes = { [`${POOL}pool.name`]: pool.name }
  const operation = { ...serverOf(target), ...named }
  const inState = (state: string): Attributes => ({ ...named, [`${POOL}state`]: state })
  const observe = (name: string, unit: string, description: string, ...readings: Reading[]) =>
    observed(meter.createObservableUpDownCounter(POOL + name, { unit, description }), pool, readings)
  const ends = [
    observe(
      'count',
      '{connection}',
      'Connections of the pool by state.',
      [inState('idle'), ({ idle }) => idle],
      [inState('used'), ({ used }) => used],
    ),
    observe('idle.max', '{connection}', 'Idle connections allowed at most.', [named, ({ max }) => max]),
    observe('idle.min', '{connection}', 'Idle connections allowed at least.', [named, () => pool.min]),
    observe('max', '{connection}', 'Connections allowed at most.', [named, ({ max }) => max]),
    observe('pending_requests', '{request}', 'Requests that wait for a connection.', [
      named,
      ({ waiting }) => waiting,
    ]),
  ]
  const create = histogram(meter, `${POOL}create_time`, 'Time to make a connection.')
  const wait = histogram(meter, `${POOL}wait_time`, 'Time to obtain a connection from the pool.')
  const use = histogram(meter, `${POOL}use_time`, 'Time from borrowing a connection to returning it.')
  const duration = histogram(meter, 'db.client.operation.duration', 'Duration of database client operations.')
  const timeouts = meter.createCounter(`${POOL}timeouts`, {
    unit: '{timeout}',
    description: 'Times that no connection was obtained in time.',
  })
  const discards = meter.createCounter('holdfast.client.connection.discards', {
    unit: '{connection}',
    description: 'Connections closed instead of being returned to the pool.',
  })
  return {
    created: ms => create.record(ms / 1000, named),
    waited: ms => wait.record(ms / 1000, named),
    timedOut: () => timeouts.add(1, named),
    used: ms => use.record(ms / 1000, named),
    operated: (ms, error) =>
      duration.record(ms / 1000, error === undefined ? operation : { ...operation, ...errorOf(error) }),
    discarded: reason => discards.add(1, { ...named, 'holdfast.reason': reason }),
    end() {
      for (const end of ends) end()
    },
  }
}

const histogram = (meter: Meter, name: string, description: string) =>
  meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: SECONDS } })

type Reading = readonly [attributes: Attributes, value: (state: PoolState) => number]

/** Until it is ended; then 0 once, since a reader may go on to export what it saw last, and never again. */
function observed(instrument: Observable, pool: { state(): PoolState }, readings: readonly Reading[]) {
  let ended = false
  const callback: ObserveCallback = result => {
    const state = ended ? undefined : pool.state()
    for (const [attributes, value] of readings) result.observe(state ? value(state) : 0, attributes)
    // Later, since the meter is walking through its callbacks.
    if (ended) queueMicrotask(() => instrument.removeCallback(callback))
  }
  instrument.addCallback(callback)
  return () => {
    ended = true
  }
}

const PORT = 5432

/** As configured, not as chosen: with several hosts all of them, and their port where it is one and not 5432. */
function serverOf({ database, hosts }: Pick<Target, 'database' | 'hosts'>): Attributes {
  const places = hosts.map(host => ('path' in host ? host.path : host.host))
  const ports = new Set(hosts.map(host => ('path' in host ? PORT : host.port)))
  const [port = PORT] = ports
  return {
    'db.system.name': 'postgresql',
    ...(database ? { 'db.namespace': database } : {}),
    ...(places.length > 0 ? { 'server.address': places.join(',') } : {}),
    ...(ports.size === 1 && port !== PORT ? { 'server.port': port } : {}),
  }
}

/** With a digit: EPIPE and EPERM are none. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/

/** error.type is the SQLSTATE, else the reason of the table. */
function errorOf(error: unknown): Attributes {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown }
  const state = typeof code === 'string' && SQLSTATE.test(code) ? code : undefined
  return {
    'error.type': state ?? (isTold(error) ? error.holdfast.reason : '_OTHER'),
    ...(state && severity ? { 'db.response.status_code': state } : {}),
  }
}
