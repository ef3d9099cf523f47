/** What a real MariaDB tells of its health: to whom what, and what is wrong with it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leavingNothing, probe, SECRET } from '../conformance/probing.js'
import { healthAt, idsOf } from '../support/healthy.js'
import { type MariadbOptions, type MariadbServer, startMariadb } from '../support/mariadb.js'

let mariadb: MariadbServer
beforeAll(async () => {
  mariadb = await startMariadb({
    tls: true,
    setup: `create user poor@'%' identified by '${SECRET}'; grant usage on *.* to poor@'%';
      create user limited@'%' identified by '${SECRET}' with max_user_connections 2; grant select on app.* to limited@'%';
      create user root_too@'%' identified by '${SECRET}'; grant all on *.* to root_too@'%';
      create user open@'%'; create user ''@'localhost' identified by '${SECRET}'; create role staff`,
  })
})
afterAll(() => mariadb.remove())
leavingNothing()

const withMariadb = (options: MariadbOptions, work: (it: MariadbServer) => Promise<void>) =>
  startMariadb(options).then(it => work(it).finally(() => it.remove()))

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

test('asking writes nothing, in a session that goes on', async () => {
  const written = () =>
    mariadb.sql(
      `show global status where variable_name in ('Com_insert', 'Com_update', 'Com_delete', 'Com_create_table',
        'Com_drop_table', 'Com_alter_table', 'Com_begin', 'Com_kill')`,
    )
  const before = await written()
  const { session } = await probe(mariadb.url())
  await session?.health?.()
  await session?.ping?.()
  expect(await written()).toBe(before)
})
