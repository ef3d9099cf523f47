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

/** A service container of GitHub Actions with a throw-away login. */
export interface CiService {
  readonly image: string
  readonly port: number
  readonly scheme: string
  readonly env: Readonly<Record<string, string>>
  readonly login: { readonly user?: string; readonly password?: string; readonly database?: string }
  /** The command of its health check, for a shell in the container. */
  readonly health?: string
}

type Rest = { env?: Record<string, string>; user?: string; database?: string; health?: string }

const ci = (
  image: string,
  port: number,
  scheme: string,
  { env = {}, user, database, health }: Rest = {},
): CiService => ({
  image,
  port,
  scheme,
  env,
  login: { ...(user ? { user, password: user } : {}), ...(database ? { database } : {}) },
  ...(health ? { health } : {}),
})

const MYSQL = { MYSQL_ROOT_PASSWORD: 'root', MYSQL_DATABASE: 'test' }

/** Kafka and MQTT are left out: their images need a configuration of their own. */
export const CI_SERVICES: { readonly [kind in Kind]?: CiService } = {
  postgres: ci('postgres:17', 5432, 'postgresql', {
    env: { POSTGRES_PASSWORD: 'postgres' },
    user: 'postgres',
    database: 'postgres',
    health: 'pg_isready -h 127.0.0.1',
  }),
  mysql: ci('mysql:8.4', 3306, 'mysql', {
    env: MYSQL,
    user: 'root',
    database: 'test',
    health: 'mysqladmin ping -h 127.0.0.1 --protocol=tcp',
  }),
  mariadb: ci('mariadb:11.4', 3306, 'mysql', {
    env: { MARIADB_ROOT_PASSWORD: 'root', MARIADB_DATABASE: 'test' },
    user: 'root',
    database: 'test',
    health: 'healthcheck.sh --connect --innodb_initialized',
  }),
  redis: ci('redis:7', 6379, 'redis', { health: 'redis-cli ping | grep -q PONG' }),
  valkey: ci('valkey/valkey:8', 6379, 'redis', { health: 'valkey-cli ping | grep -q PONG' }),
  clickhouse: ci('clickhouse/clickhouse-server:24.8', 8123, 'clickhouse', {
    env: { CLICKHOUSE_SKIP_USER_SETUP: '1' },
    health: 'wget -q -O /dev/null http://127.0.0.1:8123/ping',
  }),
  mongodb: ci('mongo:7', 27017, 'mongodb', { health: 'mongosh --quiet --eval 1' }),
  rabbitmq: ci('rabbitmq:4', 5672, 'amqp', { health: 'rabbitmq-diagnostics -q check_port_connectivity' }),
  nats: ci('nats:2', 4222, 'nats'),
  memcached: ci('memcached:1.6', 11211, 'memcached'),
}

/** The options of a service container with this health check. */
export const healthOptions = (command: string): string =>
  `--health-cmd "${command}" --health-interval 5s --health-timeout 5s --health-retries 10 --health-start-period 30s`
