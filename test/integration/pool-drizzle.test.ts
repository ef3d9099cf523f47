import { eq, relations, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { classify } from '../../src/index.js'
import { KILL, ownDatabase, SHOP } from './pool-orms.js'

const customer = pgTable('customer', { id: serial().primaryKey(), email: text().notNull().unique() })
const purchase = pgTable('purchase', {
  id: serial().primaryKey(),
  customerId: integer('customer_id')
    .notNull()
    .references(() => customer.id),
  cents: integer().notNull(),
})
const schema = {
  customer,
  purchase,
  bought: relations(customer, ({ many }) => ({ purchases: many(purchase) })),
  buyer: relations(purchase, ({ one }) => ({
    customer: one(customer, { fields: [purchase.customerId], references: [customer.id] }),
  })),
}

const database = ownDatabase('pool_drizzle', SHOP)
const PID = sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`

describe('drizzle on the pool, unchanged', () => {
  test('inserts, joins, follows relations, updates and deletes', async () => {
    const db = drizzle({ client: database.pool(), schema })
    const [made] = await db.insert(customer).values({ email: 'a@example.org' }).returning({ id: customer.id })
    const customerId = made?.id ?? 0
    await db.insert(purchase).values([1, 2, 3].map(cents => ({ customerId, cents })))
    const updated = await db.update(purchase).set({ cents: 20 }).where(eq(purchase.cents, 2))
    expect(updated.rowCount).toBe(1)
    await db.delete(purchase).where(eq(purchase.cents, 1))
    const joined = await db
      .select({ email: customer.email, cents: purchase.cents })
      .from(purchase)
      .innerJoin(customer, eq(customer.id, purchase.customerId))
      .orderBy(purchase.cents)
    expect(joined).toEqual([
      { email: 'a@example.org', cents: 3 },
      { email: 'a@example.org', cents: 20 },
    ])
    const related = await db.query.customer.findFirst({
      where: eq(customer.id, customerId),
      with: { purchases: { columns: { cents: true }, orderBy: purchase.cents } },
    })
    expect(related?.purchases).toEqual([{ cents: 3 }, { cents: 20 }])
  })

  test('runs a named prepared query again on the same session', async () => {
    const db = drizzle(database.pool({ max: 1 }))
    const prepared = db
      .select()
      .from(customer)
      .where(eq(customer.email, sql.placeholder('email')))
      .prepare('by_email')
    for (let i = 0; i < 3; i++) expect(await prepared.execute({ email: 'nobody@example.org' })).toEqual([])
  })

  test('keeps a transaction on one client, and commits it', async () => {
    const pool = database.pool()
    const db = drizzle(pool)
    const pids = await db.transaction(
      async tx => {
        await tx.insert(customer).values({ email: 'commit@example.org' })
        const answers = [await tx.execute(PID), await tx.execute(PID)]
        expect(pool.state().used).toBe(1)
        expect(await named('commit@example.org')).toBe('0')
        return answers.map(({ rows }) => rows[0])
      },
      { isolationLevel: 'repeatable read' },
    )
    expect(pids[0]).toEqual(pids[1])
    expect(await named('commit@example.org')).toBe('1')
    expect(pool.state()).toMatchObject({ used: 0, waiting: 0 })
  })

  test('rolls back what throws, and goes back to a savepoint', async () => {
    const pool = database.pool({ max: 1 })
    const db = drizzle({ client: pool })
    const wanted = new Error('changed my mind')
    const fails = db.transaction(async tx => {
      await tx.insert(customer).values({ email: 'rollback@example.org' })
      throw wanted
    })
    await expect(fails).rejects.toBe(wanted)
    await db.transaction(async tx => {
      await tx.insert(customer).values({ email: 'kept@example.org' })
      const inner = tx.transaction(async nested => {
        await nested.insert(customer).values({ email: 'undone@example.org' })
        throw wanted
      })
      await expect(inner).rejects.toBe(wanted)
    })
    expect(await named('rollback@example.org')).toBe('0')
    expect(await named('kept@example.org')).toBe('1')
    expect(await named('undone@example.org')).toBe('0')
    expect(pool.state()).toMatchObject({ total: 1, idle: 1 })
  })

  test('says what an error means, through the error that drizzle puts around it', async () => {
    const db = drizzle(database.pool())
    const twice = () => db.insert(customer).values({ email: 'twice@example.org' })
    await twice()
    const error = await twice().catch(caught => caught)
    expect(error.cause).toMatchObject({ code: '23505' })
    expect(classify(error)).toMatchObject({ phase: 'statement', outcome: 'rejected' })
  })

  test('shows the cause where a session ends within a transaction, not that of the ROLLBACK', async () => {
    const pool = database.pool({ max: 1 })
    const db = drizzle(pool)
    const error = await db.transaction(tx => tx.execute(sql.raw(KILL))).catch(caught => caught)
    expect(error.cause).toMatchObject({ code: '57P01' })
    expect((await db.execute(PID)).rows).toHaveLength(1)
  })
})

const named = (email: string) => database.sql(`SELECT count(*) FROM customer WHERE email = '${email}'`)
