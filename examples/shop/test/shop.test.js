/** `holdfast test -c holdfast.test.yaml -- npm test`: on the services that are there, else on stand-ins, else skipped with the reason. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../config.js'
import { createPool } from '../connections.js'
import { migrate } from '../migrations.js'
import { payNewOrders } from '../orders.js'

const { DATABASE_URL, REDIS_URL, HOLDFAST_TARGET_POSTGRES_REASON, HOLDFAST_TARGET_REDIS_REASON } = process.env
const absent =
  DATABASE_URL && REDIS_URL
    ? false
    : `no database or no Redis: ${HOLDFAST_TARGET_POSTGRES_REASON ?? HOLDFAST_TARGET_REDIS_REASON ?? 'no address'}`

test('every mistake of the configuration is named', () => {
  const wrong = { DATABASE_URL: 'mysql://db', PORT: 'http', POOL_MAX: '0', STATEMENT_TIMEOUT_MS: '1s' }
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'PORT', 'POOL_MAX', 'STATEMENT_TIMEOUT_MS'])
    assert.throws(() => readConfig(wrong), new RegExp(name))
})

describe('the shop', { skip: absent }, () => {
  let pool, server, base

  const call = async (path, body) => {
    const headers = { 'content-type': 'application/json' }
    const sent = body && { method: 'POST', body: JSON.stringify(body), headers }
    const response = await fetch(base + path, sent)
    const json = /\bjson\b/.test(response.headers.get('content-type'))
    return [response.status, json ? await response.json() : await response.text()]
  }

  before(async () => {
    const config = readConfig()
    await migrate(config, () => {})
    pool = createPool(config, 'test')
    const script = fileURLToPath(new URL('../server.js', import.meta.url))
    server = spawn(process.execPath, [script], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface(server.stdout)) {
      const port = /listening on (\d+)/.exec(line)?.[1]
      if (port) base = `http://127.0.0.1:${port}`
      if (port) break
    }
  })

  after(async () => {
    await pool?.end()
    if (!server || server.exitCode !== null) return
    server.kill('SIGTERM')
    assert.deepEqual(await once(server, 'exit'), [0, null])
  })

  test('a second migration changes nothing', async () => {
    assert.deepEqual(await migrate(readConfig(), () => {}), [])
  })

  test('it is alive, started and ready', async () => {
    assert.equal((await call('/livez'))[0], 200)
    // Health is sampled: the first sample may be on its way.
    for (const path of ['/startupz', '/readyz'])
      for (let tries = 0; (await call(path))[0] !== 200; tries++) {
        assert.ok(tries < 100, path)
        await sleep(50)
      }
  })

  test('an order is paid once, and the user is told', async () => {
    const [created, user] = await call('/users', { email: `${randomUUID()}@example.org`, name: 'Ada' })
    assert.equal(created, 201)
    const [, order] = await call('/orders', { userId: user.id, item: 'kelp', cents: 500 })
    assert.equal(order.state, 'new')
    await Promise.all([payNewOrders(pool), payNewOrders(pool)])
    const [, paid] = await call(`/orders/${order.id}`)
    assert.equal(paid.state, 'paid')
    const [, notifications] = await call(`/users/${user.id}/notifications`)
    assert.deepEqual(
      notifications.map(({ text }) => text),
      ['Your kelp is paid.'],
    )
  })

  test('an email is taken once', async () => {
    const user = { email: `${randomUUID()}@example.org`, name: 'Grace' }
    assert.equal((await call('/users', user))[0], 201)
    assert.equal((await call('/users', user))[0], 409)
  })

  const newUser = async () => (await call('/users', { email: `${randomUUID()}@example.org`, name: 'Ada' }))[1]
  const newCoupon = async total => (await call('/coupons', { code: randomUUID(), total }))[1]

  test('a coupon is claimed until none remains', async () => {
    const [coupon, first, second] = [await newCoupon(1), await newUser(), await newUser()]
    const claims = `/coupons/${coupon.id}/claims`
    const [status, claim] = await call(claims, { userId: first.id })
    assert.deepEqual([status, claim.user_id], [201, first.id])
    const [refused, problem] = await call(claims, { userId: second.id })
    assert.deepEqual([refused, problem.type], [409, 'tag:shop.example,2026:sold-out'])
    const [, state] = await call(`/coupons/${coupon.id}`)
    assert.deepEqual(state, { ...coupon, remaining: 0, claimed: 1 })
  })

  test('a claim that is repeated is refused, with the one that there is', async () => {
    const [coupon, user] = [await newCoupon(2), await newUser()]
    const claims = `/coupons/${coupon.id}/claims`
    const [, claim] = await call(claims, { userId: user.id })
    const [status, problem] = await call(claims, { userId: user.id })
    assert.deepEqual([status, problem.type], [409, 'tag:shop.example,2026:already-claimed'])
    assert.deepEqual(problem.claim, claim)
    assert.equal((await call(`/coupons/${coupon.id}`))[1].remaining, 1)
  })

  test('of a coupon or for a user that is not there nothing is claimed', async () => {
    const [coupon, user] = [await newCoupon(1), await newUser()]
    assert.equal((await call('/coupons/0'))[0], 404)
    assert.equal((await call('/coupons/0/claims', { userId: user.id }))[0], 404)
    assert.equal((await call(`/coupons/${coupon.id}/claims`, { userId: '0' }))[0], 404)
    assert.equal((await call(`/coupons/${coupon.id}/claims`, { userId: 'ada' }))[0], 400)
  })

  test('what is not there or not right is said', async () => {
    assert.equal((await call('/orders/0'))[0], 404)
    assert.equal((await call('/nothing'))[0], 404)
    assert.equal((await call('/orders', { userId: 0, item: 'kelp', cents: 500 }))[0], 400)
    const [status, problem] = await call('/orders', { userId: 1, item: 'kelp' })
    assert.deepEqual([status, problem.type, problem.status], [400, 'about:blank', 400])
    assert.match(problem.detail, /cents/)
  })
})
