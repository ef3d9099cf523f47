import { afterAll, describe, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'
import { freePort } from '../../support/root.js'
import { sharedPostgres, sharedRedis } from '../../support/shared.js'
import type { Face, Ran } from './face.js'
import { play } from './play.js'
import { PROMISES, type SceneName, type World } from './promises.js'

/** All that an adapter promises, on its real runner. */
export function keepsItsPromises(face: Face) {
  const scenes = new Map<SceneName, Promise<{ ran: Ran; world: World }>>()
  const servers: PostgresServer[] = []
  afterAll(() => Promise.all(servers.map(server => server.remove())))

  const mine = PROMISES.filter(({ where }) => !where || where(face))
  const stage = (scene: SceneName) => {
    const files = [...new Set(mine.filter(one => one.scene === scene).flatMap(one => one.files))]
    const staged = scenes.get(scene) ?? enact(face, scene, files, servers)
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
  servers: PostgresServer[],
): Promise<{ ran: Ran; world: World }> {
  const there = { DATABASE_URL: sharedPostgres().url(), REDIS_URL: sharedRedis().url() }
  const absent = { ...there, DATABASE_URL: sharedPostgres().url({ port: await freePort() }) }
  const databases = async () =>
    (await sharedPostgres().sql("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast\\_%'"))
      .split('\n')
      .filter(Boolean)
  const setUp = scene.startsWith('set-up')
  if (scene.endsWith('wrong password')) {
    const server = await startPostgres()
    servers.push(server)
    const env = { ...there, DATABASE_URL: server.url({ password: 'wrong-secret' }) }
    const ran = await play(face, { files, env, setUp })
    return { ran, world: { rejectedLogins: () => server.rejectedLogins(), databases } }
  }
  const env = {
    real: there,
    'stand-in': { ...absent, HOLDFAST_STANDIN: 'system' },
    'set-up': { ...absent, HOLDFAST_STANDIN: 'system' },
    // It is not installed in the project.
    skip: { ...absent, HOLDFAST_STANDIN: 'pglite' },
  }[scene as 'real']
  const ran = await play(face, { files, env, setUp })
  return { ran, world: { rejectedLogins: () => 0, databases } }
}
