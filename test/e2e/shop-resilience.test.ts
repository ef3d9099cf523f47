import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { campaign, flashSale, stateOf, superuser, users } from '../shop/flash-sale.js'
import { restartUnderLoad } from '../shop/restart.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { isAlive } from '../support/proc.js'
import { sharedRedis } from '../support/shared.js'
import { type Env, program, shopFolder, startServer } from '../support/shop.js'

let db: PostgresServer
let admin: pg.Client
let shop: string
beforeAll(async () => {
  db = await startPostgres()
  shop = shopFolder()
  const { status, stderr } = await program(shop, 'migrate.js', env())
  expect(status, stderr).toBe(0)
  admin = await superuser(db)
})
afterAll(async () => {
  await admin?.end()
  await db?.remove()
})

const env = (more: Env = {}): Env => ({
  DATABASE_URL: db.url(),
  REDIS_URL: sharedRedis().url(),
  ...more,
})

async function server(more: Env = {}) {
  const running = await startServer(shop, env(more))
  onTestFinished(async () => {
    running.child.kill('SIGKILL')
    await running.child.exited
  })
  return running
}

/** Another session has the campaign's row: claims are made, and wait before they take one of the coupons. */
async function held(coupon: string) {
  const holder = await superuser(db)
  onTestFinished(() => holder.end())
  await holder.query('BEGIN')
  await holder.query('SELECT FROM coupons WHERE id = $1 FOR NO KEY UPDATE', [coupon])
  return () => holder.query('ROLLBACK')
}

async function sessions(where = 'true'): Promise<number[]> {
  const { rows } = await admin.query(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'shop-server' AND ${where} ORDER BY pid`,
  )
  return rows.map(({ pid }) => pid)
}
const waiting = (count: number) =>
  expect.poll(() => sessions("wait_event_type = 'Lock'"), { timeout: 20_000 }).toHaveLength(count)

test('requests beyond the pool are 503 with Retry-After and its state, and nothing is left of them', async () => {
  const { get, post } = await server({ POOL_MAX: '2', ACQUIRE_TIMEOUT_MS: '300' })
  const coupon = await campaign(admin, 10)
  const release = await held(coupon)
  const claims = (await users(admin, 2)).map(userId => post(`/coupons/${coupon}/claims`, { userId }))
  await waiting(2)

  const all = await Promise.all(Array.from({ length: 50 }, () => get(`/coupons/${coupon}`)))
  for (const { status, headers, body } of all) {
    expect(status).toBe(503)
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(body).toMatchObject({ reason: 'pool-exhausted', outcome: 'not-sent' })
    expect(body.pool).toMatchObject({ max: 2, used: 2, idle: 0 })
  }

  await release()
  expect((await Promise.all(claims)).map(({ status }) => status)).toEqual([201, 201])
  expect((await get(`/coupons/${coupon}`)).body).toMatchObject({ remaining: 8, claimed: 2 })
  const after = await Promise.all(Array.from({ length: 50 }, () => get(`/coupons/${coupon}`)))
  expect(after.filter(({ status }) => status !== 200)).toEqual([])
  expect((await sessions()).length).toBeLessThanOrEqual(2)
  expect(await sessions("state <> 'idle'")).toEqual([])
})

test('a statement beyond its time is 504, cancelled on the server and rolled back', async () => {
  const { post } = await server({ STATEMENT_TIMEOUT_MS: '1000' })
  const coupon = await campaign(admin, 10)
  const [userId] = await users(admin, 1)
  const release = await held(coupon)
  const claim = () => post(`/coupons/${coupon}/claims`, { userId })
  const late = await claim()
  expect([late.status, late.body.reason]).toEqual([504, 'statement-timeout'])
  // The row is still held: whatever waited for it would still be there.
  await expect.poll(() => sessions("state <> 'idle'")).toEqual([])
  expect(await stateOf(admin, coupon)).toMatchObject({ remaining: 10, claimants: [] })
  await release()
  expect((await claim()).status).toBe(201)
  expect(await stateOf(admin, coupon)).toMatchObject({ remaining: 9, claimants: [userId] })
})

test('a backend that ends in a transaction is 500, nothing of it is kept, and the next request has another one', async () => {
  const { child, get, post } = await server()
  const coupon = await campaign(admin, 10)
  const [userId] = await users(admin, 1)
  const release = await held(coupon)
  const claim = () => post(`/coupons/${coupon}/claims`, { userId })
  const cut = claim()
  await waiting(1)
  const before = await sessions("wait_event_type = 'Lock'")
  await admin.query('SELECT pg_terminate_backend($1)', [before[0]])
  const { status, headers, body } = await cut
  expect([status, body.reason, body.outcome]).toEqual([500, 'connection-lost', 'rejected'])
  expect(headers.get('retry-after')).toBeNull()
  expect(JSON.stringify(body)).not.toMatch(/terminating|127\.0\.0\.1|app/)

  await release()
  expect(await stateOf(admin, coupon)).toMatchObject({ remaining: 10, claimants: [] })
  expect((await get(`/coupons/${coupon}`)).status).toBe(200)
  expect((await claim()).status).toBe(201)
  expect(await sessions()).not.toContain(before[0])
  expect(isAlive(child.pid)).toBe(true)
})

test('a restart of the database under load makes errors only while it is away', async ctx => {
  const running = await server()
  const coupon = await campaign(admin, 10)
  await admin.end()
  const end = await restartUnderLoad(running, db, {
    perSecond: 50,
    path: `/coupons/${coupon}`,
    aroundMs: 700,
    downMs: 500,
  })
  admin = await superuser(db)
  await ctx.annotate(JSON.stringify(end))
  expect(end.errorsOutside, JSON.stringify(end)).toBe(0)
  // `npm run flash-sale` has the figures; here it is that nobody waits for a pause of seconds.
  expect(end.firstSuccessMs, JSON.stringify(end)).toBeLessThan(2000)
  expect(isAlive(running.child.pid)).toBe(true)
  const stopped = await running.stop()
  expect([stopped.status, stopped.signal], stopped.stderr).toEqual([0, null])
})

describe('a flash sale', { timeout: 90_000 }, () => {
  const claims = 1000
  const coupons = 100

  test('sells what there is, once', async () => {
    const end = await flashSale(await server(), db, { claims, coupons, killEveryMs: 0, seed: 0 })
    expect(end.wrong).toEqual([])
    expect(end.answers).toEqual({ 201: coupons, '409 sold-out': claims - coupons })
    expect([end.claimed, end.remaining]).toEqual([coupons, 0])
  })

  test('sells no more and no less while connections are ended at random', async () => {
    const running = await server()
    for (const seed of [1, 2, 3]) {
      const end = await flashSale(running, db, { claims: 200, coupons: 50, killEveryMs: 15, seed })
      expect(end.wrong, JSON.stringify(end.answers)).toEqual([])
      expect([end.claimed, end.remaining], JSON.stringify(end.answers)).toEqual([50, 0])
      expect(end.kills).toBeGreaterThan(0)
    }
    expect(isAlive(running.child.pid)).toBe(true)
  })

  test.each([2, 50])('gives one coupon to a user who asks %i times at once', async times => {
    const { post } = await server()
    const coupon = await campaign(admin, coupons)
    const [userId] = await users(admin, 1)
    const all = await Promise.all(
      Array.from({ length: times }, () => post(`/coupons/${coupon}/claims`, { userId })),
    )
    const made = all.filter(({ status }) => status === 201)
    const refused = all.filter(
      ({ status, body }) => status === 409 && body.type === 'tag:shop.example,2026:already-claimed',
    )
    expect([made.length, refused.length]).toEqual([1, times - 1])
    for (const { body } of refused) expect(body.claim).toEqual(made[0]?.body)
    expect(await stateOf(admin, coupon)).toEqual({
      total: coupons,
      remaining: coupons - 1,
      claimants: [userId],
    })
  })
})

test('TERM turns readiness off before the server closes', async () => {
  const running = await server({ DRAIN_MS: '500' })
  await expect.poll(async () => (await running.get('/readyz')).status, { timeout: 15_000 }).toBe(200)
  running.child.kill()
  await running.child.waitForStdout(/SIGTERM, closing/)
  expect((await running.get('/readyz')).status).toBe(503)
  expect((await running.get('/livez')).status).toBe(200)
  expect((await running.child.exited).status).toBe(0)
})
