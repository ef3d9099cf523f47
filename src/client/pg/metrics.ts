import type { Target } from '../../core/target.js'
import type { Attributes, Meter, ObserveCallback } from '../meter.js'
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
  /** Takes back what the meter would call. */
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
  const stop = [
    observe(meter, 'count', '{connection}', 'Connections of the pool by state.', result => {
      const { idle, used } = pool.state()
      result.observe(idle, { ...named, [`${POOL}state`]: 'idle' })
      result.observe(used, { ...named, [`${POOL}state`]: 'used' })
    }),
    ...(
      [
        ['idle.max', '{connection}', 'Idle connections allowed at most.', () => pool.state().max],
        ['idle.min', '{connection}', 'Idle connections allowed at least.', () => pool.min],
        ['max', '{connection}', 'Connections allowed at most.', () => pool.state().max],
        ['pending_requests', '{request}', 'Requests that wait for a connection.', () => pool.state().waiting],
      ] as const
    ).map(([name, unit, description, value]) =>
      observe(meter, name, unit, description, result => result.observe(value(), named)),
    ),
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
      for (const one of stop) one()
    },
  }
}

const histogram = (meter: Meter, name: string, description: string) =>
  meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: SECONDS } })

function observe(meter: Meter, name: string, unit: string, description: string, callback: ObserveCallback) {
  const instrument = meter.createObservableUpDownCounter(POOL + name, { unit, description })
  instrument.addCallback(callback)
  return () => instrument.removeCallback(callback)
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
