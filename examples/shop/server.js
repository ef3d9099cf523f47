import { setTimeout as sleep } from 'node:timers/promises'
import { createApp } from './app.js'
import { configOrExit } from './config.js'
import { createPool, createRedis } from './connections.js'

const config = configOrExit()
const pool = createPool(config, 'server')
const redis = createRedis(config, 'server')
const app = await createApp({ pool, redis, redisUrl: config.redisUrl })

try {
  await app.listen({ port: config.port, host: '0.0.0.0' })
} catch (error) {
  console.error(`shop: ${error.message}`)
  process.exit(1)
}
console.log(`shop: listening on ${app.server.address().port}`)

let stopping = false
async function stop(signal) {
  if (stopping) return
  stopping = true
  console.log(`shop: ${signal}, closing`)
  // /readyz says no from now on: time for a load balancer to see it.
  await sleep(config.drainMs)
  // Requests under way are answered; only then do the connections go.
  await app.close()
  redis.disconnect()
  await pool.end()
  console.log('shop: closed')
  // A driver that is trying to connect again would keep the process for seconds.
  process.exit()
}
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void stop(signal))
