import Redis from 'ioredis'
import pg from 'pg'

/** What a connection to the database gets, in a pool or alone. Times in milliseconds. */
export const connection = ({ databaseUrl }, role) => ({
  connectionString: databaseUrl,
  application_name: `shop-${role}`,
  connectionTimeoutMillis: 30_000,
  // The server cancels a statement first; query_timeout is for a server that no longer answers.
  statement_timeout: 60_000,
  query_timeout: 65_000,
  idle_in_transaction_session_timeout: 60_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
})

export function createPool(config, role) {
  const pool = new pg.Pool({
    ...connection(config, role),
    max: config.poolMax,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1800,
  })
  // An idle connection that the server closed: the pool has dropped it already.
  pool.on('error', error => console.error(`shop: idle connection lost: ${error.message}`))
  return pool
}

/** Runs `work` in one transaction; whatever it throws rolls back, and a broken connection leaves the pool. */
export async function transaction(pool, work) {
  const client = await pool.connect()
  let broken
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(lost => {
      broken = lost
    })
    throw error
  } finally {
    client.release(broken)
  }
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
