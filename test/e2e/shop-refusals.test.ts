/** What the shop does without a Redis that answers, and what it refuses. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { startRedis } from '../support/redis.js'
import { sharedRedis } from '../support/shared.js'
import { type Env, program, shopFolder, start, startServer } from '../support/shop.js'

let db: PostgresServer
let shop: string
beforeAll(async () => {
  db = await startPostgres()
  shop = shopFolder()
  const { status, stderr } = await program(shop, 'migrate.js', env())
  expect(status, stderr).toBe(0)
  await db.sql("INSERT INTO users (id, email, name) OVERRIDING SYSTEM VALUE VALUES (1000, 'ada', 'Ada')")
})
afterAll(() => db?.remove())

const env = (more: Env = {}): Env => ({ DATABASE_URL: db.url(), REDIS_URL: sharedRedis().url(), ...more })

const ORDER = { userId: '1000', item: 'kelp', cents: 1 }

async function server(more: Env = {}) {
  const running = await startServer(shop, env(more))
  onTestFinished(async () => {
    running.child.kill('SIGKILL')
    await running.child.exited
  })
  return running
}

async function redis() {
  const own = await startRedis()
  onTestFinished(() => own.remove())
  return own
}

const times = (text: string, pattern: RegExp) => text.match(new RegExp(pattern, 'g'))?.length ?? 0

test('an order is answered while Redis says nothing, and TERM ends the server', async () => {
  const silent = await redis()
  const { post, child, stop } = await server({ REDIS_URL: silent.url() })
  // With a nudge that arrives there is a connection, which then falls silent.
  await expect
    .poll(async () => {
      await post('/orders', ORDER)
      return silent.cli('exists', 'shop:orders')
    })
    .toBe('1')
  silent.pause()
  const answers = await Promise.all([post('/orders', ORDER), post('/orders', ORDER)])
  for (const { status, ms } of answers) expect([status, ms < 2000]).toEqual([201, true])
  await child.waitForStderr(/shop: redis: /)
  const began = performance.now()
  expect((await stop()).status).toBe(0)
  expect(performance.now() - began).toBeLessThan(3000)
  expect(times(child.stderr(), /shop: redis: /)).toBe(1)
})

test('an order is answered while Redis is away, which is told once', async () => {
  const gone = await redis()
  const { post, child } = await server({ REDIS_URL: gone.url() })
  await gone.stop()
  await child.waitForStderr(/shop: redis: /)
  for (const _ of [1, 2, 3]) {
    const { status, ms } = await post('/orders', ORDER)
    expect([status, ms < 2000]).toEqual([201, true])
  }
  expect(times(child.stderr(), /shop: /)).toBe(1)
})

test('a worker finds its orders while Redis says nothing, and TERM ends it', async () => {
  const silent = await redis()
  const worker = start(shop, 'worker.js', env({ REDIS_URL: silent.url() }))
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited
  })
  await expect.poll(() => silent.cli('client', 'list'), { timeout: 10_000 }).toContain('cmd=blpop')
  silent.pause()
  await db.sql("INSERT INTO orders (user_id, item, cents) VALUES (1000, 'kelp', 1)")
  const left = () => db.sql("SELECT count(*) FROM orders WHERE state = 'new'")
  await expect.poll(left, { timeout: 8000, interval: 100 }).toBe('0')
  const began = performance.now()
  worker.kill()
  expect((await worker.exited).status).toBe(0)
  expect(performance.now() - began).toBeLessThan(2000)
}, 20_000)

test('a text that PostgreSQL cannot keep is 400, and so is a path that cannot be decoded', async () => {
  const { post, get } = await server()
  for (const body of [
    { email: 'a\0b', name: 'x' },
    { email: 'a', name: '\0' },
  ])
    expect(await post('/users', body)).toMatchObject({ status: 400, body: { type: 'about:blank' } })
  expect((await post('/orders', { ...ORDER, item: '\0' })).status).toBe(400)
  expect((await post('/users', { email: 'line\nbreak é', name: 'ñ 🐚' })).status).toBe(201)
  const answer = await get('/orders/%')
  expect(answer).toMatchObject({ status: 400, body: { type: 'about:blank', title: 'Bad Request' } })
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
})

test.each([
  ['DATABASE_URL', 'postgres://['],
  ['DATABASE_URL', 'postgres://h:99999/x'],
  ['DATABASE_URL', 'postgres://u:sekret@h/x?sslmode=bogus'],
  ['REDIS_URL', 'redis://:sekret@h:abc'],
  ['PORT', ' '],
])('%s=%s is 78 in one line, which has no secret', async (name, value) => {
  const { status, stderr } = await program(shop, 'server.js', env({ PORT: '0', [name]: value }))
  expect([status, stderr]).toEqual([78, expect.stringMatching(/^shop: [^\n]+\n$/)])
  expect(stderr).not.toContain('sekret')
})

test('a port that is taken is told in one line', async () => {
  const { base } = await server()
  const { status, stderr } = await program(shop, 'server.js', env({ PORT: new URL(base).port }))
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^shop: .*EADDRINUSE[^\n]*\n$/)])
})
