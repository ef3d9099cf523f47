/** Takes new orders, writes their payments and notifications. Redis says when to look; the database says what is to do. */
import { setTimeout as sleep } from 'node:timers/promises'
import { configOrExit } from './config.js'
import { createPool, createRedis } from './connections.js'
import { nudged, payNewOrders } from './orders.js'

const config = configOrExit()
const pool = createPool(config, 'worker')
const redis = createRedis(config, 'worker')
let stopping = false
const stopped = new Promise(resolve => {
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => {
      stopping = true
      resolve()
    })
})

console.log('shop: working')
while (!stopping) {
  try {
    const paid = await payNewOrders(pool)
    if (paid > 0) console.log(`shop: ${paid} paid`)
    await Promise.race([nudged(redis), stopped])
  } catch (error) {
    if (stopping) break
    console.error(`shop: ${error.message || error.code}`)
    await Promise.race([sleep(1000), stopped])
  }
}
redis.disconnect()
await pool.end()
// A driver that is trying to connect again would keep the process for seconds.
process.exit()
