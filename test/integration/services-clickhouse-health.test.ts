/** What a real ClickHouse tells of its health: to whom what, and what is wrong with it. */
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leavingNothing, probe } from '../conformance/probing.js'
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse.js'
import { healthAt, idsOf } from '../support/healthy.js'

const outer = Object.values(networkInterfaces())
  .flat()
  .find(it => it?.family === 'IPv4' && !it.internal)?.address

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouse({
    users: { reader: { readonly: 1 }, shut: { databases: ['app'] }, default: { password: '' } },
  })
})
afterAll(() => clickhouse.remove())
leavingNothing()

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

test('asking writes nothing, in a session that goes on', async () => {
  const written = () =>
    clickhouse.sql('select database, name from system.tables where database = currentDatabase()')
  const before = await written()
  const { session } = await probe(clickhouse.url())
  await session?.health?.()
  await session?.ping?.()
  expect(await written()).toBe(before)
})
