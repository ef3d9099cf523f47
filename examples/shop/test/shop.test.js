/** `holdfast test -c holdfast.test.yaml -- npm test`: on the services that are there, else on stand-ins, else skipped with the reason. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
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
  const wrong = { DATABASE_URL: 'mysql://db', PORT: 'http', POOL_MAX: '0' }
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'PORT', 'POOL_MAX'])
    assert.throws(() => readConfig(wrong), new RegExp(name))
})

describe('the shop', { skip: absent }, () => {
  let pool, server, base

  const call = async (path, body) => {
    const sent = body && { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(base + path, sent)
    return [response.status, await response.json()]
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

  test('it is alive and ready', async () => {
    assert.deepEqual(await call('/livez'), [200, { alive: true }])
    assert.deepEqual(await call('/readyz'), [200, { ready: true }])
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

  test('what is not there or not right is said', async () => {
    assert.equal((await call('/orders/0'))[0], 404)
    assert.equal((await call('/nothing'))[0], 404)
    assert.equal((await call('/orders', { userId: 0, item: 'kelp', cents: 500 }))[0], 400)
  })
})
