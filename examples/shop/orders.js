import { setTimeout as sleep } from 'node:timers/promises'

/** The list of orders in Redis that workers wait for. */
const QUEUE = 'shop:orders'

/** Tells a worker that there is an order. Nobody waits for it: without Redis the worker finds the order a little later. */
export function nudge(redis, id) {
  if (redis.status === 'ready') redis.rpush(QUEUE, id).catch(error => redis.emit('error', error))
}

/** Resolves when there may be an order: after a nudge, or some seconds. */
export async function nudged(redis) {
  if (redis.status !== 'ready') return sleep(1000)
  await redis.blpop(QUEUE, 2).catch(error => {
    redis.emit('error', error)
    return sleep(1000)
  })
}

/** Pays every new order once, also with several workers; resolves with how many. */
export async function payNewOrders(pool) {
  for (let paid = 0; ; paid++) if (!(await pool.transaction(payOne))) return paid
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
