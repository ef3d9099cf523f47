import { createPool as createHoldfastPool } from 'holdfast/pg'
import Redis from 'ioredis'

/**
 * One pool a process. What is not said here is holdfast's: attempts to connect with backoff, TCP keepalive, validation,
 * lifetimes, and the server's own time-outs.
 */
export function createPool({ databaseUrl, poolMax, acquireTimeoutMs, statementTimeoutMs }, role) {
  return createHoldfastPool(databaseUrl, {
    name: `shop-${role}`,
    application_name: `shop-${role}`,
    max: poolMax,
    acquireTimeoutMillis: acquireTimeoutMs,
    query_timeout: statementTimeoutMs,
  })
}

export function createRedis(config, role) {
  const redis = new Redis(config.redisUrl, {
    connectionName: `shop-${role}`,
    connectTimeout: 10_000,
    keepAlive: 10_000,
    maxRetriesPerRequest: 1,
    retryStrategy: times => Math.min(1000 * 1.5 ** (times - 1), 30_000),
  })
  redis.on('error', error => console.error(`shop: redis: ${error.message || error.code}`))
  return redis
}
