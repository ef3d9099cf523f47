const { Client } = require('pg')
const { describe, requireServices, test } = require('holdfast/jest')

describe('rows', () => {
  const services = requireServices('postgres')
  let client

  beforeAll(async () => {
    client = new Client({ connectionString: services.postgres.url })
    await client.connect()
    await client.query('CREATE TEMPORARY TABLE visit (who text)')
  })
  afterAll(() => client.end())

  test('are written and read', async () => {
    await client.query("INSERT INTO visit VALUES ('Ada'), ('Grace')")
    const { rows } = await client.query('SELECT who FROM visit ORDER BY who')
    expect(rows.map(row => row.who)).toEqual(['Ada', 'Grace'])
  })
})

test('one test may ask for a service by itself', async ({ postgres }) => {
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query('SELECT 1 AS one')
  await client.end()
  expect(rows).toEqual([{ one: 1 }])
})

test('what needs no database runs in any case', () => {
  expect(1 + 1).toBe(2)
})
