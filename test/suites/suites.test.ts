import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { RUNNERS } from './all.js'
import { play } from './play.js'
import { broken } from './promise.js'
import { WAYS } from './ways.js'

/** How many files a suite has here; `npm run suites` makes it 50, and measures. */
const FILES = 3

/** In CI nothing depends on what could stand in; `npm run suites` tries both. */
const ways = WAYS.filter(way => way.name !== 'CI, down, no stand-in')

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.remove())

describe.each(RUNNERS.map(runner => [runner.name, runner] as const))('%s', (_, runner) => {
  test.each(ways.map(way => [way.expected, way.name, way] as const))(
    `every file is %s where the server is: %s`,
    async (_, __, way) => {
      const played = await play(runner, way, FILES, server)
      expect(broken(runner, way, FILES, played), played.output).toEqual([])
    },
  )
})
