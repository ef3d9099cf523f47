import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawnHoldfast } from '../support/cli.js'
import { startPeer } from '../support/peer.js'
import * as frames from '../support/pgframes.js'
import { postgresErrors, postgres as scripted } from '../support/pgpeers.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { tempFolder } from '../support/root.js'
import { waitJson } from './outcome.js'

let postgres: PostgresServer

beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres.remove())

/** A folder with a configuration whose target is this server, with what is expected of it. */
function folderWith(target: object): string {
  const cwd = tempFolder('configured')
  writeFileSync(join(cwd, 'holdfast.config.json'), JSON.stringify({ targets: { db: target } }))
  return cwd
}

describe('a database that does not exist', () => {
  test('ends the wait at once with 78 and its name, with --grace 0', async () => {
    const { status, target } = await waitJson([postgres.url({ database: 'no such' }), '--grace', '0'])
    expect(status).toBe(78)
    expect(target).toMatchObject({
      reason: 'database-not-found',
      code: '3D000',
      state: 'broken',
      attempts: 1,
    })
    expect(target.message).toContain('"no such"')
    expect(target.advice).toContain("createdb 'no such'")
  })

  test('is waited for while the server is young, and found when an init script creates it', async () => {
    const running = spawnHoldfast(['wait', postgres.url({ database: 'late' }), '--grace', '200ms'], {
      input: '',
    })
    await running.waitForStderr(/database-not-found .*"late" does not exist/)
    // Longer than the grace: what keeps the wait going is the age of the server.
    await postgres.sql('select pg_sleep(0.5)')
    await postgres.sql('create database late owner app')
    expect((await running.exited).status).toBe(0)
  })

  test('that does not appear before the time-out leaves 69 on a young server', async () => {
    const { status, target } = await waitJson([postgres.url({ database: 'never' }), '--timeout', '400ms'])
    expect(status).toBe(69)
    expect(target).toMatchObject({ reason: 'database-not-found', state: 'waiting' })
  })

  test('ends the wait with 78 after the grace on a server that is no longer young', async () => {
    const old = await startPeer(
      scripted({
        afterStartup: async (connection, { database }) => {
          if (database === 'app') return connection.send(frames.errorResponse(postgresErrors.databaseMissing))
          await connection.send(
            Buffer.concat([
              frames.authenticationOk(),
              frames.backendKeyData(4_711, 42),
              frames.readyForQuery(),
            ]),
          )
          for (;;) {
            await frames.readMessage(connection)
            const row = [frames.rowDescription('a', 'b', 'c'), frames.dataRow('4711', '1.5', '60000')]
            const end = [frames.commandComplete('SELECT 1'), frames.readyForQuery()]
            await connection.send(Buffer.concat([...row, ...end]))
          }
        },
      }),
    )
    try {
      const { status, document, target } = await waitJson([old.url('postgres'), '--grace', '300ms'])
      expect(status).toBe(78)
      expect(target).toMatchObject({ reason: 'database-not-found', state: 'broken' })
      expect(document.durationMs).toBeGreaterThanOrEqual(300)
      expect(document.durationMs).toBeLessThan(1_500)
    } finally {
      await old.close()
    }
  })
})

describe('--query', () => {
  test('keeps waiting until its first value is not false', async () => {
    await postgres.sql('create table applied (n int); grant all on applied to app')
    const query = 'SELECT count(*) > 2 FROM applied'
    const running = spawnHoldfast(['wait', postgres.url(), '--query', query], { input: '' })
    await running.waitForStderr(/unmet at query: the query SELECT count\(\*\) > 2 FROM applied gave "f"/)
    await postgres.sql('insert into applied values (1), (2), (3)')
    expect((await running.exited).status).toBe(0)
  })

  test('keeps waiting for a table that migrations will create', async () => {
    const running = spawnHoldfast(['wait', postgres.url(), '--query', 'SELECT true FROM migrated'], {
      input: '',
    })
    await running.waitForStderr(/schema-missing at query: relation "migrated" does not exist/)
    await postgres.sql(
      'create table migrated (n int); insert into migrated values (1); grant all on migrated to app',
    )
    expect((await running.exited).status).toBe(0)
  })

  test('that is still no at the time-out leaves 69, and a missing table 65', async () => {
    const [no, missing] = await Promise.all([
      waitJson([postgres.url(), '--query', 'SELECT false', '--timeout', '400ms']),
      waitJson([postgres.url(), '--query', 'SELECT 1 FROM nowhere', '--timeout', '400ms']),
    ])
    expect([no.status, no.target.reason, no.target.state]).toEqual([69, 'unmet', 'waiting'])
    expect([missing.status, missing.target.reason, missing.target.state]).toEqual([
      65,
      'schema-missing',
      'waiting',
    ])
    expect(missing.target.advice).toContain('migrations')
  })

  test('must all be met', async () => {
    const all = ['--query', 'SELECT 1', '--query', "SELECT 'off'", '--timeout', '300ms']
    const { status, target } = await waitJson([postgres.url(), ...all])
    expect([status, target.message]).toEqual([69, `the query SELECT 'off' gave "off"`])
  })

  test('that is no SQL is broken, and said to be the statement', async () => {
    const { status, target } = await waitJson([postgres.url(), '--query', 'SELEKT', '--grace', '0'])
    expect([status, target.reason, target.code]).toEqual([78, 'query-error', '42601'])
  })
})

describe('--until schema', () => {
  test('keeps waiting until tables, columns and extensions are there', async () => {
    const schema = { tables: ['orders'], columns: ['orders.total'] }
    const cwd = folderWith({ url: postgres.url(), until: 'schema', schema })
    const running = spawnHoldfast(['wait', '-v', 'db'], { input: '', cwd })
    await running.waitForStderr(/schema-missing at schema: missing: table orders, column orders.total/)
    await postgres.sql('create table orders (n int)')
    await running.waitForStderr(/missing: column orders.total/)
    await postgres.sql('alter table orders add total int')
    expect((await running.exited).status).toBe(0)
  })

  test('that is not met in time leaves 65', async () => {
    const cwd = folderWith({ url: postgres.url(), schema: { tables: ['absent'], extensions: ['vector'] } })
    const { status, target } = await waitJson(['db', '--until', 'schema', '--timeout', '300ms'], { cwd })
    expect([status, target.reason, target.layer]).toEqual([65, 'schema-missing', 'schema'])
    expect(target.message).toBe('missing: table absent, extension vector')
  })
})
