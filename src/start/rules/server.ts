import { dirname, join, relative } from 'node:path'
import { placeOf } from '../../core/hosts.js'
import { COMPOSE_FILES } from '../../model/compose-files.js'
import type { Rule } from '../rule.js'
import type { Checked, CheckedTarget } from '../subject.js'

const isOn = (value: string | undefined): boolean => /^(1|true|yes|on|y|t)$/i.test(value ?? '')

/** Switches of images by which a server lets everybody in. Source: the images' pages on Docker Hub. */
const OPEN_DOORS: Readonly<Record<string, (value: string) => boolean>> = {
  POSTGRES_HOST_AUTH_METHOD: value => value === 'trust',
  POSTGRES_INITDB_ARGS: value => /--auth(-host)?[= ]trust\b|(^|\s)-A\s*trust\b/.test(value),
  // These images look only whether they hold anything.
  MYSQL_ALLOW_EMPTY_PASSWORD: value => value !== '',
  MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: value => value !== '',
  ALLOW_EMPTY_PASSWORD: isOn,
}

interface Allowed {
  readonly connections: number
  /** How it is known, as the end of a sentence. */
  readonly by: string
  readonly certain: boolean
}

interface Usual {
  readonly service: string
  readonly standard: number
  readonly reserved: number
  readonly variables: readonly string[]
}

/**
 * Sources: PostgreSQL manual 19.3.1 (max_connections, superuser_reserved_connections); MySQL and MariaDB manuals,
 * max_connections; redis.conf, maxclients.
 */
const SERVERS: readonly Usual[] = [
  {
    service: 'postgres',
    standard: 100,
    reserved: 3,
    variables: ['POSTGRES_MAX_CONNECTIONS', 'POSTGRESQL_MAX_CONNECTIONS', 'PG_MAX_CONNECTIONS'],
  },
  {
    service: 'mysql',
    standard: 151,
    reserved: 0,
    variables: ['MYSQL_MAX_CONNECTIONS', 'MARIADB_MAX_CONNECTIONS'],
  },
  { service: 'redis', standard: 10_000, reserved: 0, variables: ['REDIS_MAXCLIENTS'] },
]

/** The limit that the environment or a Compose file beside the configuration gives the server, else its default. */
function allowed({ service, standard, reserved, variables }: Usual, subject: Checked): Allowed {
  const { env, machine, file } = subject
  const kept = (limit: number) => Math.max(0, limit - reserved)
  const less = reserved > 0 ? ` less ${reserved} that are reserved` : ''
  const named = variables.find(name => /^\d{1,7}$/.test(env[name] ?? ''))
  if (named)
    return { connections: kept(Number(env[named])), by: `${named}=${env[named]}${less}`, certain: true }
  const setting = service === 'redis' ? 'maxclients' : 'max_connections'
  for (const name of COMPOSE_FILES) {
    const path = join(file ? dirname(file) : '.', name)
    const text = machine.text(path)?.replace(/^\s*#.*$/gm, '')
    const limit = new RegExp(`\\b${setting.replace('_', '[_-]')}["']?\\s*[=:, ]\\s*["']?(\\d{1,7})\\b`).exec(
      text ?? '',
    )?.[1]
    if (limit) {
      const by = `${setting}=${limit} in ${relative(process.cwd(), path)}${less}`
      return { connections: kept(Number(limit)), by, certain: true }
    }
  }
  const by = `${setting} is not known, its default is ${standard}${less}`
  return { connections: kept(standard), by, certain: false }
}

/** Targets with a pool, by the server that they share. */
function pools({ targets }: Checked, service: string): Map<string, CheckedTarget[]> {
  const servers = new Map<string, CheckedTarget[]>()
  for (const one of targets) {
    if (one.target.service !== service || !one.pool) continue
    const place = one.target.hosts.map(placeOf).join(',')
    servers.set(place, [...(servers.get(place) ?? []), one])
  }
  return servers
}

/** How many connections a program's pool opens, all its processes together. */
export const sizeOf = ({ pool }: CheckedTarget): number => (pool?.max ?? 0) * (pool?.processes ?? 1)

/** The targets with a pool, those of one server together. */
export const poolsByServer = (subject: Checked): CheckedTarget[][] =>
  [...new Set(subject.targets.map(({ target }) => target.service))].flatMap(service => [
    ...pools(subject, service).values(),
  ])

const POOL = (max: number) =>
  `targets:\n  db:\n    url: postgres://app@localhost/app\n    pool: { max: ${max}, processes: 8 }\n`

export const server: readonly Rule[] = [
  {
    id: 'trust-authentication',
    stage: 'deploy',
    level: 'error',
    title: 'the server lets everybody in without a password',
    why: 'POSTGRES_HOST_AUTH_METHOD=trust, MYSQL_ALLOW_EMPTY_PASSWORD, ALLOW_EMPTY_PASSWORD and their kind: whoever reaches the port is the administrator.',
    advice: 'Remove the variable, and give the server a password.',
    bad: { env: { POSTGRES_HOST_AUTH_METHOD: 'trust' } },
    good: { env: { POSTGRES_HOST_AUTH_METHOD: 'scram-sha-256' } },
    *check({ env }) {
      for (const [name, opens] of Object.entries(OPEN_DOORS)) {
        if (!opens(env[name] ?? '')) continue
        const message = `${name} makes the server accept logins without a password`
        yield { message, fix: `unset ${name}`, where: `env:${name}` }
      }
    },
  },
  {
    id: 'pool-too-large',
    stage: 'deploy',
    level: 'error',
    title: 'the pools together are larger than the server allows',
    why: 'pool.max times pool.processes of all targets at one server. Its limit is read from POSTGRES_MAX_CONNECTIONS and its kind, or from a Compose file beside the configuration; error beyond that. Where neither says it, the default counts (PostgreSQL 100 less 3 reserved, MySQL 151, Redis 10000), and it is a warning.',
    advice: "Make the pools smaller, raise the server's limit, or put a pooler in between.",
    bad: { config: POOL(20), env: { POSTGRES_MAX_CONNECTIONS: '100' } },
    good: { config: POOL(10), env: { POSTGRES_MAX_CONNECTIONS: '100' } },
    *check(subject) {
      for (const usual of SERVERS) {
        for (const [place, sharing] of pools(subject, usual.service)) {
          const wanted = sharing.reduce((sum, one) => sum + sizeOf(one), 0)
          const limit = allowed(usual, subject)
          const [first] = sharing
          if (!first || wanted <= limit.connections) continue
          const names = sharing.map(({ target }) => `"${target.name}"`).join(', ')
          yield {
            level: limit.certain ? 'error' : 'warning',
            message: `${place}: the pools of ${names} open up to ${wanted} connections, and ${limit.connections} are allowed (${limit.by})`,
            target: first.target.name,
            where: first.where,
          }
        }
      }
    },
  },
]
