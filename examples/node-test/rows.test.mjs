import { deepEqual, equal } from 'node:assert/strict'
import { after, before, describe, requireServices, test } from 'holdfast/node-test'
import pg from 'pg'

describe('rows', () => {
  const services = requireServices('postgres')
  let client

  before(async () => {
    client = new pg.Client({ connectionString: services.postgres.url })
    await client.connect()
    await client.query('CREATE TEMPORARY TABLE visit (who text)')
  })
  after(() => client.end())

  test('are written and read', async () => {
    await client.query("INSERT INTO visit VALUES ('Ada'), ('Grace')")
    const { rows } = await client.query('SELECT who FROM visit ORDER BY who')
    deepEqual(
      rows.map(row => row.who),
      ['Ada', 'Grace'],
    )
  })
})

test('one test may ask for a service by itself', async ({ postgres }) => {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query('SELECT 1 AS one')
  await client.end()
  deepEqual(rows, [{ one: 1 }])
})

test('what needs no database runs in any case', () => {
  equal(1 + 1, 2)
})
