import { CompiledQuery, type Generated, Kysely, PostgresDialect, sql } from 'kysely'
import Cursor from 'pg-cursor'
import { describe, expect, test } from 'vitest'
import type { Pool } from '../../src/client/pg/types.js'
import { classify } from '../../src/index.js'
import { KILL, ownDatabase } from './pool-orms.js'

interface Shop {
  customer: { id: Generated<number>; email: string }
  purchase: { id: Generated<number>; customer_id: number; cents: number }
}

const database = ownDatabase('pool_kysely')

const over = (pool: Pool) => new Kysely<Shop>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) })
const pid = CompiledQuery.raw('SELECT pg_backend_pid() AS pid')

describe('kysely on the pool, unchanged', () => {
  test('makes tables, inserts, joins, updates and deletes', async () => {
    const db = over(database.pool())
    await db.schema
      .createTable('customer')
      .addColumn('id', 'serial', column => column.primaryKey())
      .addColumn('email', 'text', column => column.notNull().unique())
      .execute()
    await db.schema
      .createTable('purchase')
      .addColumn('id', 'serial', column => column.primaryKey())
      .addColumn('customer_id', 'integer', column => column.notNull().references('customer.id'))
      .addColumn('cents', 'integer', column => column.notNull())
      .execute()
    const { id } = await db
      .insertInto('customer')
      .values({ email: 'a@example.org' })
      .returning('id')
      .executeTakeFirstOrThrow()
    await db
      .insertInto('purchase')
      .values([1, 2, 3].map(cents => ({ customer_id: id, cents })))
      .execute()
    const updated = await db
      .updateTable('purchase')
      .set({ cents: 20 })
      .where('cents', '=', 2)
      .executeTakeFirst()
    expect(updated.numUpdatedRows).toBe(1n)
    const deleted = await db.deleteFrom('purchase').where('cents', '=', 1).executeTakeFirst()
    expect(deleted.numDeletedRows).toBe(1n)
    const rows = await db
      .selectFrom('purchase')
      .innerJoin('customer', 'customer.id', 'purchase.customer_id')
      .select(['email', 'cents'])
      .orderBy('cents')
      .execute()
    expect(rows).toEqual([
      { email: 'a@example.org', cents: 3 },
      { email: 'a@example.org', cents: 20 },
    ])
  })

  test('keeps a transaction on one client, and commits it', async () => {
    const pool = database.pool()
    const db = over(pool)
    const pids = await db
      .transaction()
      .setIsolationLevel('serializable')
      .execute(async trx => {
        await trx.insertInto('customer').values({ email: 'commit@example.org' }).execute()
        const answers = [await trx.executeQuery(pid), await trx.executeQuery(pid)]
        expect(pool.state().used).toBe(1)
        expect(await named(db, 'commit@example.org')).toEqual([])
        return answers.map(({ rows }) => rows[0])
      })
    expect(pids[0]).toEqual(pids[1])
    expect(await named(db, 'commit@example.org')).toHaveLength(1)
    expect(pool.state()).toMatchObject({ used: 0, waiting: 0 })
  })

  test('rolls back what throws, and the client goes on working', async () => {
    const pool = database.pool({ max: 1 })
    const db = over(pool)
    const wanted = new Error('changed my mind')
    const work = db.transaction().execute(async trx => {
      await trx.insertInto('customer').values({ email: 'rollback@example.org' }).execute()
      throw wanted
    })
    await expect(work).rejects.toBe(wanted)
    expect(await named(db, 'rollback@example.org')).toEqual([])
    expect(pool.state()).toMatchObject({ total: 1, idle: 1 })
  })

  test('goes back to a savepoint', async () => {
    const db = over(database.pool())
    const trx = await db.startTransaction().execute()
    await trx.insertInto('customer').values({ email: 'kept@example.org' }).execute()
    const after = await trx.savepoint('one').execute()
    await after.insertInto('customer').values({ email: 'undone@example.org' }).execute()
    await after.rollbackToSavepoint('one').execute()
    await trx.commit().execute()
    expect(await named(db, 'kept@example.org')).toHaveLength(1)
    expect(await named(db, 'undone@example.org')).toEqual([])
  })

  test('streams by a cursor, and stops in the middle', async () => {
    const pool = database.pool({ max: 1 })
    const db = over(pool)
    const numbers = db
      .selectFrom(sql<{ n: number }>`generate_series(1, 1000)`.as<'series'>(sql`series(n)`))
      .select('n')
    let sum = 0
    for await (const { n } of numbers.stream(100)) sum += n
    expect(sum).toBe(500_500)
    for await (const { n } of numbers.stream(10)) if (n === 15) break
    expect(pool.state().used).toBe(0)
    expect(await numbers.limit(1).execute()).toEqual([{ n: 1 }])
  })

  test('says what an error means', async () => {
    const db = over(database.pool())
    const twice = () => db.insertInto('customer').values({ email: 'twice@example.org' }).execute()
    await twice()
    const error = await twice().catch(caught => caught)
    expect(error).toMatchObject({ code: '23505', constraint: 'customer_email_key' })
    expect(classify(error)).toMatchObject({ phase: 'statement', outcome: 'rejected' })
  })

  test('shows the cause where a session ends within a transaction, not that of the ROLLBACK', async () => {
    const pool = database.pool({ max: 1 })
    const db = over(pool)
    const error = await db
      .transaction()
      .execute(trx => trx.executeQuery(CompiledQuery.raw(KILL)))
      .catch(caught => caught)
    expect(error.code).toBe('57P01')
    expect(await named(db, 'nobody@example.org')).toEqual([])
  })
})

const named = (db: Kysely<Shop>, email: string) =>
  db.selectFrom('customer').select('email').where('email', '=', email).execute()
