import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { commitTokens, createPool, transaction, withConnection } from '../../src/client/pg.js'
import { classify } from '../../src/index.js'
import { startPgBouncer } from '../support/pgbouncer.js'
import { claims, failing, insert } from './claims.js'

const { server, pool, rows, caught } = claims()

describe('transaction()', () => {
  test('commits what its function did, and resolves with what it returned', async () => {
    expect(await transaction(pool(), async client => (await insert(client, 3)).rowCount)).toBe(1)
    expect(await rows()).toBe('3')
  })

  test('undoes it where the function throws, and throws the same', async () => {
    const own = new Error('sold out')
    const error = await caught(async client => {
      await insert(client, 3)
      throw own
    })
    expect([error, await rows()]).toEqual([own, ''])
    expect(pool().state()).toMatchObject({ used: 0, idle: 1 })
  })

  test.each([
    [{ isolation: 'serializable', readOnly: true, deferrable: true }, 'serializable on on'],
    [{ isolation: 'repeatable read' }, 'repeatable read off off'],
    [{ readOnly: true }, 'read committed on off'],
    [{ readOnly: false }, 'read committed off off'],
  ] as const)('begins with %j', async (options, shown) => {
    const text = `SELECT concat_ws(' ', current_setting('transaction_isolation'),
      current_setting('transaction_read_only'), current_setting('transaction_deferrable')) AS modes`
    const { rows } = await pool().transaction(client => client.query<{ modes: string }>({ text }), options)
    expect(rows[0]?.modes).toBe(shown)
  })

  test('refuses to write where it only reads', async () => {
    const error = await caught(client => insert(client, 3), { readOnly: true })
    expect(classify(error)).toMatchObject({ reason: 'read-only', outcome: 'rejected' })
  })

  test('rejects with what COMMIT finds: a deferred constraint', async () => {
    const error = await caught(client => client.query('INSERT INTO claim VALUES (3, -1)'))
    expect(error).toMatchObject({ code: '23505', holdfast: { phase: 'commit', outcome: 'rejected' } })
    // It goes back when the server has said that it is ready.
    await expect.poll(() => pool().state().used).toBe(0)
  })

  test('rejects where a statement failed and the error was caught: the server answers COMMIT with ROLLBACK', async () => {
    const error = await caught(async client => {
      await insert(client, 3)
      await failing(client).catch(() => {})
      await client.query('SELECT 1').catch(() => {})
    })
    expect(error).toMatchObject({
      code: '23505',
      message: expect.stringMatching(/answered COMMIT with ROLLBACK: .*duplicate key/),
      cause: { code: '23505' },
    })
    expect(classify(error)).toMatchObject({ reason: 'query-error', phase: 'commit', outcome: 'rejected' })
    expect(await rows()).toBe('')
  })

  test('lets a caught error be one where the function went back to a savepoint', async () => {
    await pool().transaction(async client => {
      await insert(client, 3)
      await client.query('SAVEPOINT one')
      await failing(client).catch(() => client.query('ROLLBACK TO SAVEPOINT one'))
      await insert(client, 4)
    })
    expect(await rows()).toBe('3 4')
  })

  test('keeps the first cause where the connection is lost, and the next one works', async () => {
    const error = await caught(async client => {
      await insert(client, 3)
      await client.query('SELECT pg_terminate_backend(pg_backend_pid())')
    })
    expect(error).toMatchObject({ code: '57P01' })
    expect(classify(error)).toMatchObject({
      ...{ reason: 'connection-lost', outcome: 'rejected', httpStatus: 500 },
      advice: expect.not.stringMatching(/not known/),
    })
    expect(await rows()).toBe('')
    await pool().transaction(client => insert(client, 4))
    expect(await rows()).toBe('4')
  })

  test('tells that nothing is kept where the connection is lost between two statements, also of an error that wraps it', async () => {
    const error = await caught(async client => {
      await insert(client, 3)
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
      const lost = new Promise(resolve => client.once('end', resolve))
      await server().sql(`SELECT pg_terminate_backend(${rows[0].pid})`)
      await lost
      await insert(client, 4).catch(cause => {
        throw new Error('the order failed', { cause })
      })
    })
    expect(error.message).toBe('the order failed')
    expect(classify(error)).toMatchObject({
      ...{ reason: 'connection-lost', outcome: 'rejected', httpStatus: 500 },
    })
    expect(await rows()).toBe('')
  })

  test('rejects with an error whose stack names who awaited the statement', async () => {
    expect((await caught(async client => void (await failing(client)))).stack).toContain(
      'client/transaction.test.ts',
    )
  })

  test('rejects where the loss of the connection was caught', async () => {
    const error = await caught(async client => {
      await insert(client, 3)
      await client.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => {})
    })
    expect([error.code, await rows()]).toEqual(['57P01', ''])
  })

  test('ends with its signal: the statement is cancelled and everything undone', async () => {
    const controller = new AbortController()
    const error = await caught(
      async client => {
        await insert(client, 3)
        const slow = client.query('SELECT pg_sleep(60)')
        controller.abort(new Error('the visitor left'))
        await slow
      },
      { signal: controller.signal },
    )
    expect(error).toMatchObject({ code: 'ABORT_ERR', cause: expect.anything() })
    expect([await rows(), pool().state().used]).toEqual(['', 0])
  })
})

test('behind a pooler the limits of the server are set for each transaction, and the resolver works', async () => {
  const bouncer = await startPgBouncer({ backend: server(), mode: 'transaction' })
  onTestFinished(() => bouncer.remove())
  const pooled = createPool(bouncer.url(), { statement_timeout: 7000, lock_timeout: 6000 })
  onTestFinished(() => pooled.end())
  const tokens = commitTokens({ table: 'public.app tokens' })
  await Promise.all([tokens.create(pooled), tokens.create(pooled)])
  const limits = `SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') AS limits`
  const { rows } = await pooled.transaction(client => client.query(limits), { resolve: tokens })
  expect(rows[0]?.limits).toBe('7s 6s')
  expect(await server().sql('SELECT count(*) FROM "app tokens"')).toBe('1')
  await tokens.clean(pooled, 0)
  expect(await server().sql('SELECT count(*) FROM "app tokens"')).toBe('0')
  expect((await pooled.query(limits)).rows[0]?.limits).not.toBe('7s 6s')
})

describe('withConnection()', () => {
  test('lends a client, and takes it back', async () => {
    expect(
      await withConnection(pool(), async client => (await client.query('SELECT 1 AS one')).rows),
    ).toEqual([{ one: 1 }])
    expect(pool().state().used).toBe(0)
  })

  test('rejects where the function leaves a transaction open: nothing of it is kept', async () => {
    const left = pool().withConnection(async client => {
      await client.query('BEGIN')
      await insert(client, 3)
    })
    await expect(left).rejects.toMatchObject({
      message: expect.stringMatching(/returned within a transaction/),
    })
    expect([await rows(), pool().state().used]).toEqual(['', 0])
  })

  test('lends what a driver and an ORM know: an instance of pg.Client', () =>
    pool().withConnection(async client => {
      expect(client).toBeInstanceOf(pg.Client)
      const named = await new Promise((resolve, reject) =>
        client.query('SELECT $1::int AS n', [7], (error, result) =>
          error ? reject(error) : resolve(result.rows),
        ),
      )
      expect(named).toEqual([{ n: 7 }])
    }))
})
