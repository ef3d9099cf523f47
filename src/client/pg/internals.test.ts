import pg from 'pg'
import { expect, test } from 'vitest'

/** A name that pg or pg-pool gives up shows here, not in somebody's service. */
const own = (value: object, names: readonly string[]) => names.filter(name => !(name in value))

test("pg's client, connection and query have what is used of their insides", () => {
  const client = new pg.Client({ host: '127.0.0.1' }) as unknown as {
    connection: object
    hasExecuted?: boolean
  }
  const fields = ['processID', 'secretKey', 'connection', '_queryQueue', '_activeQuery', '_queryable']
  expect(own(client, [...fields, '_ending', '_ended', '_connected', '_errorAllQueries'])).toEqual([])
  expect(own(client.connection, ['stream', 'ssl', 'connect', 'requestSsl', 'cancel'])).toEqual([])
  expect(own(new pg.Query('SELECT 1'), ['callback', 'text', 'submit', 'handleError'])).toEqual([])
})

test('pg-pool has what is used of its insides, and takes the class of its clients as an option', () => {
  class Mine extends pg.Client {}
  const pool = new pg.Pool({ Client: Mine } as pg.PoolConfig)
  expect(
    own(pool, [
      '_clients',
      '_idle',
      '_pendingQueue',
      '_isFull',
      '_remove',
      '_pulseQueue',
      'newClient',
      'Client',
    ]),
  ).toEqual([])
  expect((pool as unknown as { Client: unknown }).Client).toBe(Mine)
})
