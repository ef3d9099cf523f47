import { afterAll, beforeAll, describe, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'
import { freePort } from '../../support/root.js'
import { sharedRedis } from '../../support/shared.js'
import type { Face, Ran } from './face.js'
import { play } from './play.js'
import { PROMISES, type SceneName, type World } from './promises.js'

/** All that an adapter promises, on its real runner. */
export function keepsItsPromises(face: Face) {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
    await server.sql('ALTER ROLE app CREATEDB')
  })
  afterAll(() => server.remove())

  const mine = PROMISES.filter(({ where }) => !where || where(face))
  const scenes = new Map<SceneName, Promise<{ ran: Ran; world: World }>>()
  const stage = (scene: SceneName) => {
    const files = [...new Set(mine.filter(one => one.scene === scene).flatMap(one => one.files))]
    const staged = scenes.get(scene) ?? enact(face, scene, files, server)
    scenes.set(scene, staged)
    return staged
  }
  describe(face.name, () => {
    for (const { promise, scene, check } of mine)
      test(promise, async () => {
        const { ran, world } = await stage(scene)
        await check(ran, world)
      })
  })
}

async function enact(
  face: Face,
  scene: SceneName,
  files: Parameters<typeof play>[1]['files'],
  server: PostgresServer,
): Promise<{ ran: Ran; world: World }> {
  const redis = { REDIS_URL: sharedRedis().url() }
  const there = { ...redis, ...namedBy(server.url()) }
  const absent = { ...redis, ...namedBy(server.url({ port: await freePort() })) }
  const wrong = { ...redis, DATABASE_URL: server.url({ password: 'wrong-secret' }) }
  const env = {
    real: there,
    // Of what is not configured nothing takes the place.
    failing: { ...there, HOLDFAST_STANDIN: 'pglite' },
    'stand-in': { ...absent, HOLDFAST_STANDIN: 'system' },
    'set-up': { ...absent, HOLDFAST_STANDIN: 'system' },
    // It is not installed in the project.
    skip: { ...absent, HOLDFAST_STANDIN: 'pglite' },
    'wrong password': wrong,
    'set-up, wrong password': wrong,
  }[scene]
  const before = server.rejectedLogins()
  const ran = await play(face, { files, env, setUp: scene.startsWith('set-up') })
  const rejected = server.rejectedLogins() - before
  const databases = async () => (await server.sql(OF_TESTS)).split('\n').filter(Boolean)
  const drop = async () => {
    for (const name of await databases()) await server.sql(`DROP DATABASE "${name}"`)
  }
  return { ran, world: { rejectedLogins: () => rejected, databases, drop } }
}

/** An environment that names one database in every way there is. */
function namedBy(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url)
  const parts = { HOST: hostname, PORT: port, USER: username, PASSWORD: decodeURIComponent(password) }
  const [pg, db] = ['PG', 'DB_'].map(prefix =>
    Object.fromEntries(Object.entries(parts).map(([part, value]) => [prefix + part, value])),
  )
  const name = pathname.slice(1)
  return { DATABASE_URL: url, APP_DB: url, ...pg, PGDATABASE: name, ...db, DB_NAME: name }
}

/** Templates stay, for later runs. */
const OF_TESTS = "SELECT datname FROM pg_database WHERE datname LIKE 'holdfast\\_%' AND NOT datistemplate"
