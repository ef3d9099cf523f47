import { createPool as createHoldfastPool } from 'holdfast/pg'
import Redis from 'ioredis'
import { orExit } from './config.js'

/**
 * One pool a process. What is not said here is holdfast's: attempts to connect with backoff, TCP keepalive, validation,
 * lifetimes, and the server's own time-outs. An address that is none ends the process.
 */
export function createPool({ databaseUrl, poolMax, acquireTimeoutMs, statementTimeoutMs }, role) {
  const options = {
    name: `shop-${role}`,
    application_name: `shop-${role}`,
    max: poolMax,
    acquireTimeoutMillis: acquireTimeoutMs,
    query_timeout: statementTimeoutMs,
  }
  return orExit(() => createHoldfastPool(databaseUrl, options))
}

/** Every command ends within this time: Redis only says when to look. */
const REDIS_MS = 3000

/** Commands fail at once while there is no connection. An outage is told once. */
export function createRedis(config, role) {
  const redis = new Redis(config.redisUrl, {
    connectionName: `shop-${role}`,
    connectTimeout: 10_000,
    keepAlive: 10_000,
    commandTimeout: REDIS_MS,
    // Without an answer for as long the connection is made anew.
    socketTimeout: REDIS_MS,
    enableOfflineQueue: false,
    retryStrategy: times => Math.min(1000 * 1.5 ** (times - 1), 30_000),
  })
  let told = false
  redis.on('ready', () => {
    told = false
  })
  redis.on('error', error => {
    if (!told) console.error(`shop: redis: ${error.message || error.code}`)
    told = true
  })
  return redis
}
