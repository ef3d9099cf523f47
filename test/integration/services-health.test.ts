/** What real MariaDB, Redis and ClickHouse servers tell of their health: to whom what, and what is wrong with them. */
import { mkdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, SECRET } from '../conformance/probing.js'
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse.js'
import { healthAt, idsOf } from '../support/healthy.js'
import { type MariadbOptions, type MariadbServer, startMariadb } from '../support/mariadb.js'
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis.js'

const outer = Object.values(networkInterfaces())
  .flat()
  .find(it => it?.family === 'IPv4' && !it.internal)?.address

let mariadb: MariadbServer
let redis: RedisServer
let clickhouse: ClickHouseServer
beforeAll(async () => {
  ;[mariadb, redis, clickhouse] = await Promise.all([
    startMariadb({
      tls: true,
      setup: `create user poor@'%' identified by '${SECRET}'; grant usage on *.* to poor@'%';
        create user limited@'%' identified by '${SECRET}' with max_user_connections 2; grant select on app.* to limited@'%';
        create user root_too@'%' identified by '${SECRET}'; grant all on *.* to root_too@'%';
        create user open@'%'; create user ''@'localhost' identified by '${SECRET}'; create role staff`,
    }),
    startRedis({
      users: {
        poor: `on >${SECRET} ~app:* +ping +get +hello +auth`,
        app: `on >${SECRET} ~* &* +@all -@dangerous +info`,
      },
    }),
    startClickHouse({
      users: { reader: { readonly: 1 }, shut: { databases: ['app'] }, default: { password: '' } },
    }),
  ])
})
afterAll(() => Promise.all([mariadb.remove(), redis.remove(), clickhouse.remove()]))
leavingNothing()

const withMariadb = (options: MariadbOptions, work: (it: MariadbServer) => Promise<void>) =>
  startMariadb(options).then(it => work(it).finally(() => it.remove()))

const withRedis = (options: RedisOptions, work: (it: RedisServer) => Promise<void>) =>
  startRedis(options).then(it => work(it).finally(() => it.remove()))

describe('MariaDB', () => {
  test('tells an account without rights what everybody may see', async () => {
    const health = await healthAt(mariadb.url({ user: 'poor', database: null }))
    expect(health.facts).toMatchObject({
      product: 'MariaDB',
      version: expect.stringMatching(/^1\d\./),
      uptimeMs: expect.any(Number),
      readOnly: false,
      user: 'poor@%',
      superuser: false,
      connectionsUsed: 1,
      connectionsMax: 151,
      bindAddress: '127.0.0.1',
      skipNameResolve: true,
      strictMode: true,
      waitTimeoutMs: 28_800_000,
      peerAddress: '127.0.0.1',
      tls: true,
      tlsCipher: expect.any(String),
      clockSkewMs: expect.any(Number),
    })
    expect(Math.abs(Number(health.facts.clockSkewMs))).toBeLessThan(1000)
    expect(health.facts).not.toHaveProperty('roleConnectionsMax')
    expect(health.concerns).toEqual([])
  })

  test('tells who may see it of accounts that anybody may use, and no roles among them', async () => {
    const { concerns } = await healthAt(mariadb.url({ user: 'root_too' }))
    expect(concerns.map(({ id, level, fix }) => [id, level, fix])).toEqual([
      ['superuser-role', 'warning', expect.any(String)],
      ['anonymous-account', 'info', "DROP USER ''@'localhost';"],
      ['no-password', 'warning', "ALTER USER 'open'@'%' IDENTIFIED BY '…';"],
    ])
  })

  test('has the account’s own limit, and says when it is reached', async () => {
    const address = mariadb.url({ user: 'limited' })
    expect((await healthAt(address)).facts).toMatchObject({ roleConnectionsMax: 2, roleConnectionsUsed: 1 })
    const { concerns } = await healthAt(address)
    expect(concerns).toMatchObject([{ id: 'connections-nearly-full', level: 'error' }])
  })

  test('that is read-only, and not strict, is a concern', () =>
    withMariadb({ readOnly: true, settings: { 'sql-mode': 'NO_ENGINE_SUBSTITUTION' } }, async it => {
      const health = await healthAt(it.url())
      expect(health.facts).toMatchObject({ readOnly: true, strictMode: false })
      expect(idsOf(health)).toEqual(['read-only', 'not-strict'])
    }))

  test('that is a replica whose primary is gone says that it does not replicate, to who may know', async () => {
    await withMariadb({}, async it => {
      await it.sql(`grant replication slave admin, slave monitor on *.* to app@'%';
        change master to master_host = '127.0.0.1', master_port = 1, master_user = 'x', master_password = 'y', master_connect_retry = 60`)
      const health = await healthAt(it.url())
      expect(health.facts).toMatchObject({ replica: true, replicating: false })
      expect(idsOf(health)).toContain('replication-stopped')
    })
  })
})

describe('Redis', () => {
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
})

describe('ClickHouse', () => {
  test('tells what it knows of itself', async () => {
    const health = await healthAt(clickhouse.url())
    expect(health.facts).toMatchObject({
      version: expect.any(String),
      uptimeMs: expect.any(Number),
      user: 'app',
      readOnly: false,
      connectionsUsed: expect.any(Number),
      queriesRunning: expect.any(Number),
      delayedInserts: 0,
      readOnlyReplicas: 0,
      clockSkewMs: 0,
      tls: false,
    })
    expect(health.concerns).toEqual([])
  })

  test('says of a user who may only read that it may only read', async () => {
    const health = await healthAt(clickhouse.url({ user: 'reader' }))
    expect(health.facts.readOnly).toBe(true)
    expect(idsOf(health)).toEqual(['read-only'])
  })

  test('leaves out what a user may not see', async () => {
    const { facts } = await healthAt(clickhouse.url({ user: 'shut' }))
    expect(facts).toMatchObject({ version: expect.any(String), user: 'shut', tls: false })
  })

  test.runIf(outer)('that lets in without a password from the network is a concern', async () => {
    const it = await startClickHouse({ listen: '0.0.0.0', users: { default: { password: '' } } })
    try {
      const address = `clickhouse://${outer}:${it.port}/app`
      expect(idsOf(await healthAt(address))).toEqual(expect.arrayContaining(['no-password', 'no-tls']))
    } finally {
      await it.remove()
    }
  })
})

test.each([
  [
    'MariaDB',
    () => mariadb.url(),
    () => mariadb.sql('show global status like "Handler_write"').then(() => ''),
  ],
  [
    'Redis',
    () => redis.url(),
    () => redis.cli('info', 'persistence').then(it => it.match(/changes_since_last_save:\d+/)?.[0]),
  ],
  [
    'ClickHouse',
    () => clickhouse.url(),
    () => clickhouse.sql('select name from system.tables where database = currentDatabase()'),
  ],
])('%s is asked without a write, in a session that goes on', async (_, address, written) => {
  const before = await written()
  const { session } = await probe(address())
  await session?.health?.()
  await session?.ping?.()
  expect(await written()).toBe(before)
})
