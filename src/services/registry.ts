import type { Service } from '../core/service.js'
import type { Scheme } from '../core/target.js'
import type { TlsMode } from '../core/tls.js'

interface Entry {
  /** Scheme → the TLS mode that holds where the address names none. */
  readonly schemes: Readonly<Record<string, TlsMode>>
  readonly port?: number
  readonly load: () => Promise<Service>
}

/** Every service, loaded when it is needed. The only list. */
const REGISTRY: Readonly<Record<string, Entry>> = {
  postgres: {
    schemes: { postgres: 'prefer', postgresql: 'prefer' },
    port: 5432,
    load: async () => (await import('./postgres/index.js')).postgres,
  },
  redis: {
    schemes: {
      redis: 'disable',
      rediss: 'verify-full',
      valkey: 'disable',
      valkeys: 'verify-full',
      'redis+unix': 'disable',
    },
    port: 6379,
    load: async () => (await import('./redis/index.js')).redis,
  },
  clickhouse: {
    schemes: {
      clickhouse: 'disable',
      'clickhouse+http': 'disable',
      'clickhouse+https': 'verify-full',
      clickhouses: 'verify-full',
    },
    port: 8123,
    load: async () => (await import('./clickhouse/index.js')).clickhouse,
  },
  rabbitmq: {
    schemes: { amqp: 'disable', amqps: 'verify-full' },
    port: 5672,
    load: async () => (await import('./rabbitmq/index.js')).rabbitmq,
  },
  mysql: {
    schemes: {
      mysql: 'prefer',
      mysql2: 'prefer',
      mariadb: 'prefer',
      'mysql+unix': 'disable',
      'mariadb+unix': 'disable',
    },
    port: 3306,
    load: async () => (await import('./mysql/index.js')).mysql,
  },
  nats: {
    schemes: { nats: 'prefer', 'nats+tls': 'verify-full' },
    port: 4222,
    load: async () => (await import('./nats/index.js')).nats,
  },
  memcached: {
    schemes: { memcached: 'disable', 'memcached+unix': 'disable' },
    port: 11211,
    load: async () => (await import('./memcached/index.js')).memcached,
  },
  mqtt: {
    schemes: { mqtt: 'disable', mqtts: 'verify-full' },
    port: 1883,
    load: async () => (await import('./mqtt/index.js')).mqtt,
  },
  mongodb: {
    schemes: { mongodb: 'disable', 'mongodb+srv': 'verify-full' },
    port: 27017,
    load: async () => (await import('./mongodb/index.js')).mongodb,
  },
  kafka: {
    schemes: { kafka: 'disable', 'kafka+ssl': 'verify-full' },
    port: 9092,
    load: async () => (await import('./kafka/index.js')).kafka,
  },
  http: {
    schemes: { http: 'disable', https: 'verify-full' },
    load: async () => (await import('./http/index.js')).http,
  },
  tcp: {
    schemes: { tcp: 'disable', tls: 'verify-full' },
    load: async () => (await import('./tcp/index.js')).tcp,
  },
  exec: {
    schemes: {},
    load: async () => (await import('./exec/index.js')).exec,
  },
}

/** Ports of schemes that differ from the one of their service. */
const STANDARD: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  amqps: 5671,
  'clickhouse+https': 8443,
  clickhouses: 8443,
  mqtts: 8883,
  'kafka+ssl': 9093,
}

/** What every scheme stands for. */
export const SCHEMES: ReadonlyMap<string, Scheme> = new Map(
  Object.entries(REGISTRY).flatMap(([service, { schemes, port }]) =>
    Object.entries(schemes).map(([scheme, tls]) => {
      const standard = STANDARD[scheme] ?? port
      return [scheme, { service, tls, ...(standard ? { port: standard } : {}) }] as const
    }),
  ),
)

export async function loadService(name: string): Promise<Service> {
  const entry = REGISTRY[name]
  if (!entry) throw new Error(`no service "${name}"`)
  return entry.load()
}
