import { isDsn } from '../core/address.js'
import { placeOf } from '../core/hosts.js'
import type { Scheme, Target } from '../core/target.js'
import { parseTarget } from '../core/target.js'
import { DB_VARIABLES, type Env, keywords, type Source, URL_VARIABLES } from './variables.js'

export interface Found {
  readonly target: Target
  /** Every place in the environment that names this same target. */
  readonly sources: readonly Source[]
}

/** The variable for a service's address where nothing names another. */
export const USUAL_VARIABLES: Readonly<Record<string, string>> = {
  postgres: 'DATABASE_URL',
  redis: 'REDIS_URL',
  mysql: 'MYSQL_URL',
  clickhouse: 'CLICKHOUSE_URL',
  mongodb: 'MONGODB_URI',
  rabbitmq: 'AMQP_URL',
  nats: 'NATS_URL',
  kafka: 'KAFKA_URL',
  mqtt: 'MQTT_URL',
  memcached: 'MEMCACHED_URL',
}

/** The service that a variable of such a name is for. */
export function serviceOfVariable(variable: string): string | undefined {
  const usual = Object.entries(USUAL_VARIABLES).find(([, name]) => name === variable)?.[0]
  const word = (URL_VARIABLES as readonly string[]).includes(variable) ? variable.split('_')[0] : undefined
  return usual ?? (word && (OTHER_WORDS[word] ?? word.toLowerCase()))
}

const OTHER_WORDS: Readonly<Record<string, string>> = {
  POSTGRESQL: 'postgres',
  VALKEY: 'redis',
  MARIADB: 'mysql',
  AMQP: 'rabbitmq',
}

export interface DiscoverOptions {
  readonly schemes: ReadonlyMap<string, Scheme>
  readonly defaults?: ReadonlyMap<string, string>
}

/** The targets that the environment names; variables that name the same one are found together. */
export function discover(env: Env, options: DiscoverOptions): Found[] {
  const found: { target: Target; sources: Source[] }[] = []
  for (const { target, source } of candidates(env, options)) {
    const same = found.find(one => identity(one.target) === identity(target))
    if (same) same.sources.push(source)
    else found.push({ target, sources: [source] })
  }
  return found
}

function* candidates(env: Env, options: DiscoverOptions): Iterable<{ target: Target; source: Source }> {
  for (const variable of URL_VARIABLES) {
    const text = env[variable]
    if (text && isKnown(text, options.schemes))
      yield {
        target: parseTarget(text, { ...options, source: `env:${variable}` }),
        source: { kind: 'url', variable },
      }
  }
  const pg = ['PGHOST', 'PGHOSTADDR', 'PGSERVICE'].find(variable => env[variable])
  if (pg) {
    yield { target: parseTarget('postgres://', { ...options, source: `env:${pg}` }), source: { kind: 'pg' } }
  }
  if (env.DB_HOST && options.schemes.has(engine(env))) {
    const text = urlOf(engine(env), keywords(env, DB_VARIABLES))
    yield {
      target: parseTarget(text, { schemes: options.schemes, source: 'env:DB_HOST' }),
      source: { kind: 'db' },
    }
  }
}

/** Is it an address of a service that is known? Another one may be COMMAND's own business. */
function isKnown(text: string, schemes: DiscoverOptions['schemes']): boolean {
  if (isDsn(text)) return true
  const scheme = /^([a-z][a-z0-9.-]*)(?:\+[a-z0-9+.-]*)?:\/\//i.exec(text)
  return (
    scheme !== null &&
    (schemes.has(scheme[1]?.toLowerCase() ?? '') || schemes.has(text.split('://')[0] ?? ''))
  )
}

/** A URL of libpq keywords, percent-encoded. */
export function urlOf(scheme: string, keywords: ReadonlyMap<string, string>): string {
  const get = (key: string) => encodeURIComponent(keywords.get(key) ?? '')
  const host = keywords.get('host') ?? 'localhost'
  const userinfo = get('user') + (keywords.has('password') ? `:${get('password')}` : '')
  const authority = `${host.includes(':') ? `[${host}]` : encodeURIComponent(host)}${keywords.has('port') ? `:${get('port')}` : ''}`
  const sslmode = keywords.has('sslmode') ? `?sslmode=${get('sslmode')}` : ''
  return `${scheme}://${userinfo && `${userinfo}@`}${authority}/${get('dbname')}${sslmode}`
}

/** Which database DB_HOST means: by DB_ENGINE (Django), DB_CONNECTION (Laravel) or the port; else PostgreSQL. */
export function engine(env: Env): string {
  const named = `${env.DB_ENGINE ?? ''} ${env.DB_CONNECTION ?? ''}`
  return /mysql|mariadb/i.test(named) || env.DB_PORT === '3306' ? 'mysql' : 'postgres'
}

/** Where an address without a database leads to, unless that is the user's own. */
const UNNAMED: Readonly<Record<string, string>> = { redis: '0', rabbitmq: '/' }

/** Two addresses with the same identity lead to the same database, whoever logs in. */
export function identity(target: Target): string {
  const database = target.database ?? UNNAMED[target.service] ?? target.user ?? ''
  return [target.service, target.hosts.map(placeOf).join(','), database].join(' ')
}
