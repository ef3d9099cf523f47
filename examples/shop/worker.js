/** Takes new orders, writes their payments and notifications. Redis says when to look; the database says what is to do. */
import { setTimeout as sleep } from 'node:timers/promises'
import { configOrExit } from './config.js'
import { createPool, createRedis } from './connections.js'
import { payNewOrders, QUEUE } from './orders.js'

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
while (!stopping) {
  try {
    const paid = await payNewOrders(pool)
    if (paid > 0) console.log(`shop: ${paid} paid`)
    if (!stopping) await redis.blpop(QUEUE, 5)
  } catch (error) {
    if (stopping) break
    console.error(`shop: ${error.message || error.code}`)
    await sleep(1000)
  }
}
await pool.end()
// A driver that is trying to connect again would keep the process for seconds.
process.exit()
