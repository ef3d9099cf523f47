/** Takes new orders, writes their payments and notifications. Redis says when to look; the database says what is to do. */
import { pathToFileURL } from 'node:url'
import { configOrExit } from './config.js'
import { createPool, createRedis, QUEUE, transaction } from './connections.js'

/** Pays every new order once, also with several workers; resolves with how many. */
export async function payNewOrders(pool) {
  for (let paid = 0; ; paid++) if (!(await transaction(pool, payOne))) return paid
}

async function payOne(client) {
  const { rows } = await client.query(
    `UPDATE orders SET state = 'paid' WHERE id = (
       SELECT id FROM orders WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
     ) RETURNING id, user_id, item, cents`,
  )
  const [order] = rows
  if (!order) return false
  await client.query('INSERT INTO payments (order_id, cents) VALUES ($1, $2)', [order.id, order.cents])
  await client.query('INSERT INTO notifications (user_id, text) VALUES ($1, $2)', [
    order.user_id,
    `Your ${order.item} is paid.`,
  ])
  return true
}

async function work() {
  const config = configOrExit()
  const pool = createPool(config, 'worker')
  const redis = createRedis(config, 'worker')
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => {
      stopping = true
      redis.disconnect()
    })
  console.log('shop: working')
  let pause = Promise.resolve()
  while (!stopping) {
    await pause
    try {
      const paid = await payNewOrders(pool)
      if (paid > 0) console.log(`shop: ${paid} paid`)
      await redis.blpop(QUEUE, 5)
    } catch (error) {
      if (stopping) break
      console.error(`shop: ${error.message || error.code}`)
      pause = new Promise(resolve => setTimeout(resolve, 1000))
    }
  }
  await pool.end()
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await work()
