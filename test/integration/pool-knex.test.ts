import knex, { type Knex } from 'knex'
import { describe, expect, onTestFinished, test } from 'vitest'
import { keptByKnex, overPool } from '../../examples/knex/dialect.mjs'
import type { Pool } from '../../src/client/pg/types.js'
import { classify } from '../../src/index.js'
import { KILL, ownDatabase, SHOP } from './pool-orms.js'

const database = ownDatabase('pool_knex', SHOP)

const WAYS: [string, (pool: Pool) => Knex][] = [
  ['connectionPool', pool => knex({ client: 'pg', connectionPool: pool })],
  ['the dialect over the pool', overPool],
  ["knex' own pool of clients of the pool", keptByKnex],
]

describe.each(WAYS)('knex by %s', (_, over) => {
  /** Ended before the pool, as what knex keeps would be waited for. */
  function opened(options = {}) {
    const pool = database.pool({ max: 3, ...options })
    const db = over(pool)
    onTestFinished(() => db.destroy())
    return { pool, db }
  }

  test('inserts, joins, updates and deletes', async () => {
    const { db } = opened()
    await database.sql('TRUNCATE customer, purchase')
    const [made] = await db('customer').insert({ email: 'a@example.org' }).returning('id')
    await db('purchase').insert([1, 2, 3].map(cents => ({ customer_id: made.id, cents })))
    expect(await db('purchase').where({ cents: 2 }).update({ cents: 20 })).toBe(1)
    expect(await db('purchase').where({ cents: 1 }).delete()).toBe(1)
    const rows = await db('purchase')
      .join('customer', 'customer.id', 'purchase.customer_id')
      .select('email', 'cents')
      .orderBy('cents')
    expect(rows).toEqual([
      { email: 'a@example.org', cents: 3 },
      { email: 'a@example.org', cents: 20 },
    ])
  })

  test('keeps a transaction on one client, commits it, and rolls back what throws', async () => {
    const { db } = opened()
    await database.sql('TRUNCATE customer, purchase')
    const pids = await db.transaction(
      async trx => {
        await trx('customer').insert({ email: 'commit@example.org' })
        const answers = [await trx.raw(PID), await trx.raw(PID)]
        expect(await db('customer')).toEqual([])
        return answers.map(({ rows }) => rows[0])
      },
      { isolationLevel: 'serializable' },
    )
    expect(pids[0]).toEqual(pids[1])
    const wanted = new Error('changed my mind')
    const fails = db.transaction(async trx => {
      await trx('customer').insert({ email: 'rollback@example.org' })
      await trx.transaction(nested => nested('customer').insert({ email: 'nested@example.org' }))
      throw wanted
    })
    await expect(fails).rejects.toBe(wanted)
    expect(await db('customer').pluck('email')).toEqual(['commit@example.org'])
  })

  test('says what an error means', async () => {
    const { db } = opened()
    const error = await db('purchase')
      .insert({ customer_id: -1, cents: 1 })
      .catch(caught => caught)
    expect(error.code).toBe('23503')
    expect(classify(error)).toMatchObject({ phase: 'statement', outcome: 'rejected' })
  })

  test('works on after a session has ended in a transaction', async () => {
    const { db } = opened({ max: 2 })
    const error = await db.transaction(trx => trx.raw(KILL)).catch(caught => caught)
    expect(error.code).toBe('57P01')
    expect((await db.raw(PID)).rows).toHaveLength(1)
  })

  test('destroys before the pool ends, which then has nothing left', async () => {
    const { pool, db } = opened()
    await db.raw(PID)
    await db.destroy()
    await pool.end()
    expect(pool.state().total).toBe(0)
  })
})

describe.each(WAYS.slice(1))('knex by %s', (_, over) => {
  test('streams, also where another one waits for the client', async () => {
    const pool = database.pool({ max: 2 })
    const db = over(pool)
    onTestFinished(() => db.destroy())
    const held = await pool.connect()
    const sums = await Promise.all(
      [1, 2, 3].map(async () => {
        let sum = 0
        for await (const { n } of db.select('n').from(db.raw('generate_series(1, 1000) AS n')).stream())
          sum += n
        return sum
      }),
    )
    held.release()
    expect(sums).toEqual([500_500, 500_500, 500_500])
  })

  test('cancels a query on the server when its time is up', async () => {
    const pool = database.pool({ max: 3 })
    const db = over(pool)
    onTestFinished(() => db.destroy())
    const slow = db.raw("SELECT 'slow', pg_sleep(60)").timeout(50, { cancel: true })
    await expect(slow).rejects.toThrow(/timeout/)
    const { rows } = await db.raw(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT ''slow''%'",
    )
    expect(rows).toEqual([{ n: 0 }])
  })
})

const PID = 'SELECT pg_backend_pid() AS pid'
