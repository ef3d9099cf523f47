import type { Given, Kind, ServerInfo } from '../../model/images.js'

/** A health check's command: what follows `test:`. */
export type Probe = readonly ['CMD' | 'CMD-SHELL', ...string[]]

/** A variable inside of the container: Compose turns `$$` into `$`. */
const inside = (given: Given | undefined, standard: string): string => {
  if (!given) return standard
  return given.file ? `"$$(cat "$$${given.variable}")"` : `"$$${given.variable}"`
}

/** The temporary server of these images listens on 127.0.0.1; the container's own name leads to the final one alone. */
const OWN_NAME = '$$(hostname)'

/**
 * What to ask inside a server's container so that "healthy" means that others reach it. Over TCP, because the images'
 * temporary server for the first start answers on the Unix socket. Undefined where the image has no program for it.
 * `requirepass` is how the server's command names its password, where that is a variable of Compose's.
 */
export function probeOf(
  { kind, image, user, password, database }: ServerInfo,
  requirepass?: string,
): Probe | undefined {
  switch (kind) {
    case 'postgres': {
      const name = inside(user, 'postgres')
      if (!image.official) return ['CMD-SHELL', `pg_isready -h 127.0.0.1 -U ${name}`]
      const login = password ? `PGPASSWORD=${inside(password, '')} ` : ''
      return [
        'CMD-SHELL',
        `${login}psql -h 127.0.0.1 -U ${name} -d ${database ? inside(database, '') : name} -c 'SELECT 1'`,
      ]
    }
    case 'mysql': {
      if (!image.official || !password)
        return ['CMD', 'mysqladmin', 'ping', '-h', '127.0.0.1', '--protocol=tcp']
      const name = password.variable.includes('ROOT') ? 'root' : inside(user, 'root')
      return [
        'CMD-SHELL',
        `mysql -h 127.0.0.1 --protocol=tcp -u ${name} -p${inside(password, '')} -e 'SELECT 1'`,
      ]
    }
    case 'mariadb':
      return image.official
        ? ['CMD', 'healthcheck.sh', '--connect', '--innodb_initialized']
        : [
            'CMD-SHELL',
            '$$(command -v mariadb-admin mysqladmin | head -n 1) ping -h 127.0.0.1 --protocol=tcp',
          ]
    case 'redis':
    case 'valkey': {
      const login = requirepass
        ? `REDISCLI_AUTH="${requirepass}" `
        : !image.official && password
          ? `REDISCLI_AUTH=${inside(password, '')} `
          : ''
      // While it loads its data the answer is LOADING, and the status 0.
      return ['CMD-SHELL', `${login}${kind}-cli ping | grep -q PONG`]
    }
    case 'clickhouse':
      return ['CMD-SHELL', `wget -q -O /dev/null "http://${OWN_NAME}:8123/ping"`]
    case 'mongodb': {
      const shell = image.major !== undefined && image.major < 5 ? 'mongo' : 'mongosh'
      return [
        'CMD-SHELL',
        `${shell} --quiet --host "${OWN_NAME}" --eval 'quit(db.hello().ok ? 0 : 1)'`.replace(
          'hello',
          shell === 'mongo' ? 'isMaster' : 'hello',
        ),
      ]
    }
    case 'rabbitmq':
      return ['CMD', 'rabbitmq-diagnostics', '-q', 'check_port_connectivity']
    default:
      return undefined
  }
}

/** How often and how long. While the start lasts, failures do not count. */
export const TIMES = { interval: '5s', timeout: '5s', retries: 5, start_period: '60s' } as const

/** The same question for a service container of GitHub Actions, whose options no shell and no Compose reads before. */
export function ciProbeOf(server: ServerInfo): string | undefined {
  const [, ...words] = probeOf(server) ?? []
  return words.length > 0 ? words.join(' ').replaceAll('$$', '$').replaceAll('"', '') : undefined
}

/** A service container of GitHub Actions with a throw-away login. */
export interface CiService {
  readonly image: string
  readonly port: number
  readonly scheme: string
  readonly env: Readonly<Record<string, string>>
  readonly login: { readonly user?: string; readonly password?: string; readonly database?: string }
}

type Rest = { env?: Record<string, string>; user?: string; database?: string }

const ci = (
  image: string,
  port: number,
  scheme: string,
  { env = {}, user, database }: Rest = {},
): CiService => ({
  image,
  port,
  scheme,
  env,
  login: { ...(user ? { user, password: user } : {}), ...(database ? { database } : {}) },
})

/** The names of one database; the passwords are the tests' own. Undefined: the image's default. */
export interface CiNames {
  readonly user?: string | undefined
  readonly database?: string | undefined
}

/** PostgreSQL's user owns the server, and so may make the tests' databases; MySQL's would not, so that it is root. */
const SQL: { readonly [kind in Kind]?: (names: CiNames) => CiService } = {
  postgres: ({ user, database }) => ({
    ...ci('postgres:17', 5432, 'postgresql', {
      env: {
        ...(user ? { POSTGRES_USER: user } : {}),
        POSTGRES_PASSWORD: 'postgres',
        ...(database ? { POSTGRES_DB: database } : {}),
      },
    }),
    login: { user: user ?? 'postgres', password: 'postgres', database: database ?? user ?? 'postgres' },
  }),
  mysql: ({ database = 'test' }) =>
    ci('mysql:8.4', 3306, 'mysql', {
      env: { MYSQL_ROOT_PASSWORD: 'root', MYSQL_DATABASE: database },
      user: 'root',
      database,
    }),
  mariadb: ({ database = 'test' }) =>
    ci('mariadb:11.4', 3306, 'mysql', {
      env: { MARIADB_ROOT_PASSWORD: 'root', MARIADB_DATABASE: database },
      user: 'root',
      database,
    }),
}

/** Kafka and MQTT are left out: their images need a configuration of their own. */
const OTHERS: { readonly [kind in Kind]?: CiService } = {
  redis: ci('redis:7', 6379, 'redis'),
  valkey: ci('valkey/valkey:8', 6379, 'redis'),
  clickhouse: ci('clickhouse/clickhouse-server:24.8', 8123, 'clickhouse', {
    env: { CLICKHOUSE_SKIP_USER_SETUP: '1' },
  }),
  mongodb: ci('mongo:7', 27017, 'mongodb'),
  rabbitmq: ci('rabbitmq:4', 5672, 'amqp'),
  nats: ci('nats:2', 4222, 'nats'),
  memcached: ci('memcached:1.6', 11211, 'memcached'),
}

export const ciServiceOf = (kind: Kind, names: CiNames): CiService | undefined =>
  SQL[kind]?.(names) ?? OTHERS[kind]

/** The options of a service container with this health check. */
export const healthOptions = (command: string): string =>
  `--health-cmd "${command}" --health-interval 5s --health-timeout 5s --health-retries 10 --health-start-period 30s`
