/**
 * knex over a pool of holdfast/pg.
 *
 *   knex 3.3 and later   overPool(pool): the pool is knex' pool
 *   before               keptByKnex(pool): knex keeps clients of the pool in a pool of its own
 */
import knex from 'knex'
import Postgres from 'knex/lib/dialects/postgres/index.js'

/**
 * Where knex opens a connection past its pool, as for `.timeout(ms, { cancel: true })`, it gets a client of `pool`. A
 * stream of knex releases its client twice (at its end, and when it closes): the second time somebody else may have it.
 */
const dialect = pool =>
  class extends Postgres {
    runner(builder) {
      const runner = super.runner(builder)
      const { client } = runner
      let released
      const releaseConnection = connection => {
        released ??= client.releaseConnection(connection)
        return released
      }
      runner.client = Object.create(client, { releaseConnection: { value: releaseConnection } })
      return runner
    }

    async _acquireOnlyConnection() {
      return pool.connect()
    }

    async destroyRawConnection(client) {
      client.release(client.__knex__disposed)
    }
  }

/** `knex.destroy()` leaves `pool` open: end it after. */
export const overPool = (pool, config) => knex({ ...config, client: dialect(pool), connectionPool: pool })

/**
 * What knex holds counts as checked out for `pool`, so idle clients go back soon, and one that broke is not handed out.
 * `max` has to be below `pool`'s, which has to have room for a cancellation.
 */
export const keptByKnex = (pool, { max = pool.options.max - 1, ...config } = {}) =>
  knex({
    ...config,
    client: dialect(pool),
    connection: {},
    pool: { min: 0, max, idleTimeoutMillis: 1000, validate: client => !client.broken },
  })
