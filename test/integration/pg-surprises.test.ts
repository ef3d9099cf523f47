/**
 * What node-postgres does to the programs of its documentation on a bad day, and that it does not happen here.
 * The text of each program is in test/surprises/surprises.ts; only the construction of the pool differs.
 */
import { createRequire } from 'node:module'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { buildProgram, type Ending, runChild } from '../surprises/children.js'
import type { Heard, Kind } from '../surprises/world.js'

let server: PostgresServer
let program: string

beforeAll(async () => {
  ;[server, program] = await Promise.all([startPostgres({ auth: 'trust' }), buildProgram()])
  await server.sql('create table coupon (id int primary key, remaining int); alter table coupon owner to app')
})
afterAll(() => server.remove())
beforeEach(async () => {
  await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app';
    truncate coupon; insert into coupon values (1, 10)`)
})

// biome-ignore lint/suspicious/noExplicitAny: each program says something else
async function run(kind: Kind, name: string): Promise<Ending & { said: any }> {
  const { host, port } = server
  return runChild(program, name, { kind, told: { host, port, url: server.url() } })
}

async function said(kind: Kind, name: string) {
  const ending = await run(kind, name)
  expect(ending, ending.stderr).toMatchObject({ status: 0 })
  return ending.said
}

const HINT = `pg ${createRequire(import.meta.url)('pg/package.json').version} does better than chaos knew: if it holds, take this pair out and say so in docs/client.md`
const crashed = { status: 1, stderr: expect.stringMatching(/Unhandled 'error' event/) }
const rejected = (told: Partial<Heard['told']>) =>
  expect.objectContaining({ told: expect.objectContaining(told) })

describe('1. a backend ends while its client is checked out', () => {
  it('bare pg: the process crashes, although the pool has a listener', async () => {
    expect(await run('bare', 'checked-out'), HINT).toMatchObject(crashed)
  })
  it('ours: the transaction fails, nothing of it is kept, and the next query works', async () => {
    expect(await said('ours', 'checked-out')).toEqual({
      fate: rejected({ reason: 'connection-lost' }),
      next: 'ok',
      remaining: 10,
    })
  })
})

describe('2. the connection is lost under a statement, and the catch block rolls back', () => {
  it('bare pg: the failure of ROLLBACK hides the cause', async () => {
    const { fate } = await said('bare', 'hidden-cause')
    expect(fate, HINT).toMatchObject({ code: undefined, message: expect.stringMatching(/not queryable/) })
  })
  it('ours: the cause is what is thrown', async () => {
    expect(await said('ours', 'hidden-cause')).toMatchObject({
      fate: {
        code: 'ECONNRESET',
        told: { reason: 'connection-lost', phase: 'statement', outcome: 'unknown' },
      },
      next: 'ok',
    })
  })
})

describe('3. a statement runs into query_timeout, and its client is released', () => {
  it('bare pg: the next query waits behind it and fails, while the server works on', async () => {
    const { fate, next, running } = await said('bare', 'busy-client')
    expect({ fate, next, running }, HINT).toMatchObject({
      fate: { message: 'Query read timeout' },
      next: { message: 'Query read timeout' },
      running: 1,
    })
  })
  it('ours: the statement is cancelled on the server, and the next query works', async () => {
    expect(await said('ours', 'busy-client')).toMatchObject({
      fate: { code: '57014', told: { reason: 'statement-timeout', phase: 'statement' } },
      next: 'ok',
      running: 0,
    })
  })
})

describe('4. the same within a transaction, without ROLLBACK', () => {
  it('bare pg: an acknowledged UPDATE of the next borrower is lost', async () => {
    const { next, remaining } = await said('bare', 'stale-transaction')
    expect({ next, remaining }, HINT).toEqual({ next: 'ok', remaining: 10 })
  })
  it('ours: an acknowledged UPDATE is there', async () => {
    const { next, remaining } = await said('ours', 'stale-transaction')
    expect({ next, remaining }).toEqual({ next: 'ok', remaining: 9 })
  })
})

describe('5. the server says nothing any more', () => {
  it('bare pg: nothing that was asked for has a limit by default', async () => {
    expect(await said('bare', 'no-limits'), HINT).toEqual({ statement: 0, ending: 0, connecting: 0 })
  })
  it('ours: a statement, a new connection and the end each have one', async () => {
    const { statement, ending, connecting } = await said('ours', 'no-limits')
    for (const timers of [statement, ending, connecting]) expect(timers).toBeGreaterThanOrEqual(1)
  })
  it('ours: a statement, a new connection and the end fail within theirs', async () => {
    expect(await said('ours', 'limits')).toMatchObject({
      statement: { told: { reason: 'statement-timeout', phase: 'statement', outcome: 'unknown' } },
      connecting: { told: { reason: 'connect-timeout', phase: 'connect', outcome: 'not-sent' } },
      ending: 'ok',
    })
  })
  it('bare pg: behind a stopped server process the next query fails, too', async () => {
    const { next } = await said('bare', 'stopped')
    expect(next, HINT).toMatchObject({ message: 'Query read timeout' })
  })
  it('ours: behind a stopped server process the next query works, and the end comes', async () => {
    const { next, ending } = await said('ours', 'stopped')
    expect({ next, ending }).toEqual({ next: 'ok', ending: 'ok' })
  })
})

describe('6. a client vanishes whose transaction holds a row', () => {
  it('bare pg: the next claim of the row waits, and nothing counts its time', async () => {
    const { limits, next } = await said('bare', 'orphaned-lock')
    expect({ limits, next }, HINT).toEqual({ limits: '0, 0, 0', next: 'never' })
  })
  it('ours: the server ends the transaction, and the next claim of the row succeeds', async () => {
    const { fate, next, remaining } = await said('ours', 'orphaned-lock')
    expect({ fate, next, remaining }).toEqual({
      fate: rejected({ reason: 'connection-lost' }),
      next: 'ok',
      remaining: 9,
    })
  })
  it('ours: where the transaction lives on, the next claim of the row fails within lock_timeout', async () => {
    const { next } = await said('ours', 'lock-limit')
    expect(next).toMatchObject({
      code: '55P03',
      told: { reason: 'transaction-conflict', outcome: 'rejected', httpStatus: 503 },
    })
  })
})

describe('7. limits are reached', () => {
  it('bare pg: the errors have no code', async () => {
    const { acquire, statement } = await said('bare', 'codes')
    expect([acquire.code, statement.code], HINT).toEqual([undefined, undefined])
  })
  it('ours: the errors have codes and verdicts', async () => {
    expect(await said('ours', 'codes')).toMatchObject({
      acquire: {
        code: 'POOL_EXHAUSTED',
        told: { reason: 'pool-exhausted', phase: 'acquire', outcome: 'not-sent', httpStatus: 503 },
      },
      statement: { code: '57014', told: { reason: 'statement-timeout', httpStatus: 504 } },
    })
  })
})

describe('8. an idle connection is cut, and nobody listens', () => {
  it('bare pg: the process crashes', async () => {
    expect(await run('bare', 'idle'), HINT).toMatchObject(crashed)
  })
  it('ours: the next query works', async () => {
    expect(await said('ours', 'idle')).toEqual({ next: 'ok' })
  })
})
