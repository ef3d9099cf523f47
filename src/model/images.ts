import { Secret } from '../core/redact.js'
import type { ComposeService } from './compose.js'

export type Kind =
  | 'postgres'
  | 'mysql'
  | 'mariadb'
  | 'redis'
  | 'valkey'
  | 'clickhouse'
  | 'mongodb'
  | 'rabbitmq'
  | 'nats'
  | 'kafka'
  | 'mqtt'
  | 'memcached'

export interface Image {
  /** Without a tag, as it is written: `bitnami/postgresql`. */
  readonly repository: string
  /** Without one: `latest`. */
  readonly tag: string | undefined
  readonly kind: Kind | undefined
  /** Whether its entrypoint is that of Docker's official image, with its variables and its temporary server. */
  readonly official: boolean
  /** The first number of the tag, like 17 of `17.2-alpine`. */
  readonly major: number | undefined
}

interface Known {
  readonly kind: Kind
  readonly official: boolean
}
const known = (kind: Kind, official: string, others = ''): [string, Known][] => [
  ...official.split(' ').map((name): [string, Known] => [name, { kind, official: true }]),
  ...others
    .split(' ')
    .filter(Boolean)
    .map((name): [string, Known] => [name, { kind, official: false }]),
]

/** By repository; those on the left of each pair share the official image's entrypoint. */
const IMAGES: ReadonlyMap<string, Known> = new Map([
  ...known(
    'postgres',
    'postgres postgis/postgis imresamu/postgis timescale/timescaledb timescale/timescaledb-ha pgvector/pgvector ankane/pgvector citusdata/citus paradedb/paradedb',
    'bitnami/postgresql bitnamilegacy/postgresql supabase/postgres circleci/postgres cimg/postgres',
  ),
  ...known(
    'mysql',
    'mysql mysql/mysql-server',
    'bitnami/mysql bitnamilegacy/mysql percona percona/percona-server cimg/mysql',
  ),
  ...known('mariadb', 'mariadb', 'bitnami/mariadb bitnamilegacy/mariadb linuxserver/mariadb cimg/mariadb'),
  ...known(
    'redis',
    'redis redis/redis-stack redis/redis-stack-server',
    'bitnami/redis bitnamilegacy/redis cimg/redis',
  ),
  ...known('valkey', 'valkey/valkey valkey/valkey-bundle', 'bitnami/valkey bitnamilegacy/valkey'),
  ...known(
    'clickhouse',
    'clickhouse clickhouse/clickhouse-server yandex/clickhouse-server',
    'bitnami/clickhouse bitnamilegacy/clickhouse',
  ),
  ...known(
    'mongodb',
    'mongo',
    'mongodb/mongodb-community-server bitnami/mongodb bitnamilegacy/mongodb cimg/mongo',
  ),
  ...known('rabbitmq', 'rabbitmq', 'bitnami/rabbitmq bitnamilegacy/rabbitmq'),
  ...known('nats', 'nats', 'bitnami/nats bitnamilegacy/nats'),
  ...known(
    'kafka',
    'apache/kafka apache/kafka-native',
    'confluentinc/cp-kafka bitnami/kafka bitnamilegacy/kafka redpandadata/redpanda',
  ),
  ...known('mqtt', 'eclipse-mosquitto', 'emqx emqx/emqx'),
  ...known('memcached', 'memcached', 'bitnami/memcached bitnamilegacy/memcached'),
])

/** What an image is, by its name: `ghcr.io/…/postgres:17` counts by what follows the registry. */
export function imageOf(name: string): Image {
  const [, repository = '', tag] = /^(.*?)(?::([\w.-]+))?(?:@[\w:+.-]+)?$/s.exec(name.trim()) ?? []
  const path = repository.replace(/^(?:[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost(?::\d+)?)\//, '')
  const bare = path.replace(/^(library|docker\/library)\//, '')
  const found = IMAGES.get(bare)
  const major = /^v?(\d+)/.exec(tag ?? '')?.[1]
  return {
    repository,
    tag,
    kind: found?.kind,
    official: found?.official ?? false,
    major: major === undefined ? undefined : Number(major),
  }
}

/** A credential that a server's environment sets: by value, by a file inside the container, or from elsewhere. */
export interface Given {
  /** The variable that sets it. */
  readonly variable: string
  /** Undefined where it is in a file, or comes from the shell. */
  readonly value: Secret | undefined
  /** The path of `NAME_FILE`. */
  readonly file?: string
}

/** The server behind a service's image, and what its environment tells it. */
export interface ServerInfo {
  readonly kind: Kind
  readonly image: Image
  readonly user?: Given
  readonly password?: Given
  readonly database?: Given
}

type Names = { readonly [part in 'user' | 'password' | 'database']?: readonly string[] }

/** The variables of the official images (their pages on Docker Hub), then those of Bitnami's; the first that is set counts. */
const VARIABLES: { readonly [kind in Kind]?: Names } = {
  postgres: {
    user: ['POSTGRES_USER', 'POSTGRESQL_USERNAME'],
    password: ['POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD'],
    database: ['POSTGRES_DB', 'POSTGRESQL_DATABASE'],
  },
  mysql: {
    user: ['MYSQL_USER'],
    password: ['MYSQL_PASSWORD', 'MYSQL_ROOT_PASSWORD'],
    database: ['MYSQL_DATABASE'],
  },
  mariadb: {
    user: ['MARIADB_USER', 'MYSQL_USER'],
    password: ['MARIADB_PASSWORD', 'MYSQL_PASSWORD', 'MARIADB_ROOT_PASSWORD', 'MYSQL_ROOT_PASSWORD'],
    database: ['MARIADB_DATABASE', 'MYSQL_DATABASE'],
  },
  redis: { password: ['REDIS_PASSWORD'] },
  valkey: { password: ['VALKEY_PASSWORD'] },
  clickhouse: { user: ['CLICKHOUSE_USER'], password: ['CLICKHOUSE_PASSWORD'], database: ['CLICKHOUSE_DB'] },
  mongodb: {
    user: ['MONGO_INITDB_ROOT_USERNAME'],
    password: ['MONGO_INITDB_ROOT_PASSWORD'],
    database: ['MONGO_INITDB_DATABASE'],
  },
  rabbitmq: { user: ['RABBITMQ_DEFAULT_USER'], password: ['RABBITMQ_DEFAULT_PASS'] },
}

/** What a service serves; undefined where its image is not known. `files` adds what its `env_file`s hold. */
export function serverOf(
  service: Pick<ComposeService, 'image' | 'environment'>,
  files: ReadonlyMap<string, string> = new Map(),
): ServerInfo | undefined {
  if (!service.image) return undefined
  const image = imageOf(service.image.value)
  if (!image.kind) return undefined
  const find = (names: readonly string[] = []): Given | undefined => {
    for (const name of names) {
      const file = service.environment.get(`${name}_FILE`)?.value?.value ?? files.get(`${name}_FILE`)
      if (file) return { variable: `${name}_FILE`, value: undefined, file }
      const own = service.environment.get(name)
      const value = own ? own.value?.value : files.get(name)
      if (own || value !== undefined)
        return { variable: name, value: value === undefined ? undefined : new Secret(value) }
    }
    return undefined
  }
  const names = VARIABLES[image.kind] ?? {}
  const parts = Object.entries(names).flatMap(([part, list]) => {
    const found = find(list)
    return found ? [[part, found]] : []
  })
  return { kind: image.kind, image, ...Object.fromEntries(parts) }
}
