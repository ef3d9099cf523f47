/** What drivers without a helper of ours really throw, and what `classify` makes of it. */
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { connect as amqp } from 'amqplib'
import { MongoClient } from 'mongodb'
import postgres from 'postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Phase } from '../../src/core/rules.js'
import { classify, type Driver } from '../../src/services/classify.js'
import { type Script, startPeer } from '../support/peer.js'
import { eofAfterFirstBytes, resetAfterFirstBytes, silent } from '../support/peers.js'
import { freePort } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'

type Thrown = { readonly error: unknown; readonly lastEvent?: unknown }

const thrownBy = (work: Promise<unknown>): Promise<Thrown> =>
  work.then(
    () => Promise.reject(new Error('it worked')),
    error => ({ error }),
  )

/** One question to a server at this port, with time-outs. */
const DRIVERS: Partial<Record<Driver, (port: number) => Promise<Thrown>>> = {
  async postgres(port) {
    const sql = postgres(`postgres://app@127.0.0.1:${port}/app`, { max: 1, connect_timeout: 1 })
    return thrownBy(sql`select 1`).finally(() => sql.end({ timeout: 0 }))
  },
  async '@clickhouse/client'(port) {
    const client = createClient({
      url: `http://127.0.0.1:${port}`,
      request_timeout: 500,
      log: { level: ClickHouseLogLevel.OFF },
    })
    return thrownBy(client.query({ query: 'select 1' })).finally(() => client.close())
  },
  async mongodb(port) {
    const client = new MongoClient(`mongodb://127.0.0.1:${port}`, {
      serverSelectionTimeoutMS: 500,
      connectTimeoutMS: 300,
    })
    return thrownBy(client.db('app').command({ ping: 1 })).finally(() => client.close())
  },
  async amqplib(port) {
    return thrownBy(amqp(`amqp://127.0.0.1:${port}`, { timeout: 500 }))
  },
}

const meaning = (driver: string, { error, lastEvent }: Thrown, phase: Phase) =>
  classify(error, { driver: driver as Driver, phase, lastEvent })

describe.each(Object.entries(DRIVERS))('%s', (driver, ask) => {
  test('where nothing listens', async () => {
    expect(meaning(driver, await ask(await freePort()), 'connect')).toMatchObject({
      reason: 'connection-refused',
      outcome: 'not-sent',
      code: 'ECONNREFUSED',
      httpStatus: 503,
      absent: true,
    })
  })

  test.each(
    [
      ['closes', eofAfterFirstBytes],
      ['resets', resetAfterFirstBytes],
      // postgres.js connects again for ever after the first, and throws nothing.
    ].filter(([word]) => driver !== 'postgres' || word === 'resets') as ['resets', Script][],
  )('where the server %s without an answer', async (_, script) => {
    const peer = await startPeer(script)
    onTestFinished(() => peer.close())
    const thrown = await ask(peer.port)
    expect(meaning(driver, thrown, 'connect')).toMatchObject({
      reason: 'connection-lost',
      outcome: 'not-sent',
    })
    expect(meaning(driver, thrown, 'statement')).toMatchObject({ outcome: 'unknown', httpStatus: 500 })
  })

  test('where the server says nothing', async () => {
    const peer = await startPeer(silent)
    onTestFinished(() => peer.close())
    const thrown = await ask(peer.port)
    expect(meaning(driver, thrown, 'connect')).toMatchObject({ reason: 'connect-timeout', httpStatus: 504 })
  })
})

test("postgres.js' errors of the server keep their SQLSTATE, and a lost COMMIT is not known", async () => {
  const sql = postgres(sharedPostgres().url(), { max: 1 })
  onTestFinished(() => sql.end({ timeout: 0 }))
  const seen = async (work: Promise<unknown>, phase: Phase = 'statement') =>
    meaning('postgres', await thrownBy(work), phase)
  expect(await seen(sql`select 1 / 0`)).toMatchObject({
    reason: 'query-error',
    outcome: 'rejected',
    code: '22012',
  })
  const late = sql.begin(tx => [tx`set local statement_timeout = 50`, tx`select pg_sleep(5)`])
  expect(await seen(late)).toMatchObject({ reason: 'statement-timeout', outcome: 'rejected', code: '57014' })
  const gone = sql`select pg_terminate_backend(pg_backend_pid())`
  expect(await seen(gone, 'commit')).toMatchObject({
    reason: 'connection-lost',
    outcome: 'unknown',
    httpStatus: 500,
  })
})
