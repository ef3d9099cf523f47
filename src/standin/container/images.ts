/** What a service's official images have in common, and how a stand-in is made of one. */
export interface ImageKind {
  /** Names of the images, as Docker Hub has them, the preferred first. */
  readonly repositories: readonly string[]
  /** What to pull where there is none. */
  readonly usual: string
  /** Where the server listens inside. */
  readonly port: number
  /** Its data directory, kept in memory. */
  readonly data: string
  readonly environment: (password: string) => Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly url: (password: string, port: number) => string
}

/** A configuration that holds a password reaches a server by its standard input: command lines are seen by everybody. */
const fed = (program: string, lines: readonly string[]) => [
  'sh',
  '-c',
  [`exec ${program} <<END`, ...lines, 'END'].join('\n'),
]

const settings = (pairs: Readonly<Record<string, string>>) =>
  Object.entries(pairs).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/**
 * The services that a container can stand in for. Sources: the images' pages on Docker Hub, and the entrypoints of
 * docker-library/postgres, redis, mariadb, mysql, and of ClickHouse.
 */
export const IMAGES: Readonly<Record<string, ImageKind>> = {
  postgres: {
    repositories: ['postgres', 'pgvector/pgvector', 'postgis/postgis'],
    usual: 'postgres:17-alpine',
    port: 5432,
    // Not below /var/lib/postgresql, parts of which are volumes: other ones since 18.
    data: '/holdfast',
    environment: password => ({
      ...{ POSTGRES_USER: 'holdfast', POSTGRES_DB: 'holdfast', POSTGRES_PASSWORD: password },
      ...{ PGDATA: '/holdfast/data', POSTGRES_INITDB_ARGS: '-N' },
    }),
    command: [
      'postgres',
      ...settings({ fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', wal_level: 'logical' }),
    ],
    url: (password, port) => `postgres://holdfast:${password}@127.0.0.1:${port}/holdfast`,
  },
  redis: {
    repositories: ['redis', 'valkey/valkey'],
    usual: 'redis:7-alpine',
    port: 6379,
    data: '/data',
    environment: password => ({ HOLDFAST_PASSWORD: password }),
    command: fed('$(command -v redis-server || command -v valkey-server) -', [
      'requirepass $HOLDFAST_PASSWORD',
      'save ""',
      'appendonly no',
      'dir /data',
    ]),
    url: (password, port) => `redis://default:${password}@127.0.0.1:${port}/0`,
  },
  mysql: {
    repositories: ['mariadb', 'mysql'],
    usual: 'mariadb:11',
    port: 3306,
    data: '/var/lib/mysql',
    environment: password => ({
      ...{ MARIADB_ROOT_PASSWORD: password, MARIADB_DATABASE: 'holdfast' },
      ...{ MYSQL_ROOT_PASSWORD: password, MYSQL_DATABASE: 'holdfast' },
    }),
    url: (password, port) => `mysql://root:${password}@127.0.0.1:${port}/holdfast`,
  },
  clickhouse: {
    repositories: ['clickhouse/clickhouse-server', 'clickhouse', 'yandex/clickhouse-server'],
    usual: 'clickhouse/clickhouse-server:latest',
    port: 8123,
    data: '/var/lib/clickhouse',
    environment: password => ({
      ...{ CLICKHOUSE_USER: 'holdfast', CLICKHOUSE_PASSWORD: password },
      CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: '1',
    }),
    url: (password, port) => `clickhouse://holdfast:${password}@127.0.0.1:${port}/default`,
  },
}

/**
 * The image among `names` (`REPOSITORY:TAG`, as `docker images` or `podman images` list them) that fits best: of the
 * major version that is wanted, else of the first repository that has any, in its highest version.
 */
export function bestOf(
  { repositories }: ImageKind,
  names: readonly string[],
  version?: string,
): string | undefined {
  const wanted = major(version ?? '')
  const found = names.flatMap(name => {
    const [, repository = '', tag = ''] = /^(?:docker\.io\/)?(?:library\/)?(.*):([^:/]+)$/.exec(name) ?? []
    const rank = repositories.indexOf(repository)
    return rank < 0 || tag === '<none>' ? [] : [{ name, rank, tag }]
  })
  const fits = (tag: string) => Number(wanted > 0 && major(tag) === wanted)
  found.sort(
    (one, other) =>
      fits(other.tag) - fits(one.tag) || one.rank - other.rank || byNumber.compare(other.tag, one.tag),
  )
  return found[0]?.name
}

const byNumber = new Intl.Collator('en', { numeric: true })

/** 17 of 17.2, 17-alpine and pg17; 0 where there is none. */
const major = (text: string) => Number(/^\D{0,2}(\d+)/.exec(text)?.[1] ?? 0)
