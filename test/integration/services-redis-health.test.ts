/** What a real Redis tells of its health: to whom what, and what is wrong with it. */
import { mkdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leavingNothing, probe, SECRET } from '../conformance/probing.js'
import { healthAt, idsOf } from '../support/healthy.js'
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis.js'

const outer = Object.values(networkInterfaces())
  .flat()
  .find(it => it?.family === 'IPv4' && !it.internal)?.address

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis({
    users: {
      poor: `on >${SECRET} ~app:* +ping +get +hello +auth`,
      app: `on >${SECRET} ~* &* +@all -@dangerous +info`,
    },
  })
})
afterAll(() => redis.remove())
leavingNothing()

const withRedis = (options: RedisOptions, work: (it: RedisServer) => Promise<void>) =>
  startRedis(options).then(it => work(it).finally(() => it.remove()))

test('tells the default user all', async () => {
  const health = await healthAt(redis.url())
  expect(health.facts).toMatchObject({
    product: 'Redis',
    version: expect.stringMatching(/^7\./),
    uptimeMs: expect.any(Number),
    role: 'master',
    connectedReplicas: 0,
    memoryUsedBytes: expect.any(Number),
    memoryMaxBytes: 0,
    memoryPolicy: 'noeviction',
    appendOnly: false,
    lastSaveOk: true,
    loading: false,
    connectionsUsed: expect.any(Number),
    connectionsMax: expect.any(Number),
    blockedClients: 0,
    evictedKeys: 0,
    cluster: false,
    user: 'default',
    protectedMode: true,
    peerAddress: '127.0.0.1',
    tls: false,
    latencyMs: expect.any(Number),
    clockSkewMs: expect.any(Number),
  })
  expect(idsOf(health)).toEqual(['no-memory-limit'])
})

test('tells a user without the right to CONFIG what INFO has', async () => {
  const { facts } = await healthAt(redis.url({ user: 'app', password: SECRET }))
  expect(facts).toMatchObject({ role: 'master', memoryMaxBytes: 0, user: 'app' })
  expect(facts).not.toHaveProperty('protectedMode')
})

test('tells a user who may nearly nothing nearly nothing', async () => {
  const { facts, concerns } = await healthAt(redis.url({ user: 'poor', password: SECRET }))
  expect(facts).toEqual({
    version: expect.any(String),
    product: 'Redis',
    user: 'poor',
    tls: false,
    latencyMs: expect.any(Number),
  })
  expect(concerns).toEqual([])
})

test('whose memory is used up is an error, and one that may evict is not', () =>
  withRedis({ settings: { maxmemory: '3mb' } }, async it => {
    for (let i = 0; i < 40; i++) await it.cli('set', `k${i}`, 'x'.repeat(100_000)).catch(() => {})
    expect((await healthAt(it.url())).concerns).toContainEqual(
      expect.objectContaining({ id: 'memory-nearly-full', level: 'error' }),
    )
    await it.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    expect(idsOf(await healthAt(it.url()))).not.toContain('memory-nearly-full')
  }))

test('that could not save refuses writes', () =>
  withRedis({}, async it => {
    // What is saved cannot take the place of a folder.
    const folder = (await it.cli('config', 'get', 'dir')).split('\n')[1]?.trim() ?? ''
    mkdirSync(join(folder, 'dump.rdb'))
    await it.cli('bgsave')
    await expect
      .poll(async () => (await it.cli('info', 'persistence')).match(/rdb_last_bgsave_status:(\w+)/)?.[1], {
        timeout: 10_000,
      })
      .toBe('err')
    const health = await healthAt(it.url())
    expect(health.facts).toMatchObject({ lastSaveOk: false, stopWritesOnError: true })
    expect(health.concerns).toContainEqual(expect.objectContaining({ id: 'save-failed', level: 'error' }))
  }))

test('that is a replica says of whom, and whether it is connected', async () => {
  await withRedis({}, primary =>
    withRedis({ replicaOf: primary.port, settings: { 'replica-serve-stale-data': 'yes' } }, async it => {
      await expect
        .poll(async () => (await healthAt(it.url())).facts.primaryLink, { timeout: 10_000 })
        .toBe('up')
      const health = await healthAt(it.url())
      expect(health.facts).toMatchObject({ role: 'slave', primary: `127.0.0.1:${primary.port}` })
      expect(idsOf(health)).toContain('read-only')
      expect((await healthAt(primary.url())).facts).toMatchObject({ connectedReplicas: 1 })
      await primary.kill()
      await expect
        .poll(async () => idsOf(await healthAt(it.url())), { timeout: 10_000 })
        .toContain('replication-stopped')
    }),
  )
})

test.runIf(outer)('on a network without a password, and without TLS, is a concern', () =>
  withRedis({ listen: `${outer}`, settings: { 'protected-mode': 'no' } }, async it => {
    expect(idsOf(await healthAt(it.url()))).toEqual(expect.arrayContaining(['no-password', 'no-tls']))
  }),
)

test('asking writes nothing, in a session that goes on', async () => {
  const written = () =>
    redis.cli('info', 'persistence').then(it => it.match(/changes_since_last_save:\d+/)?.[0])
  const before = await written()
  const { session } = await probe(redis.url())
  await session?.health?.()
  await session?.ping?.()
  expect(await written()).toBe(before)
})
