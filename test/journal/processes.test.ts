/** The journal under processes that are killed; `npm run journal` does it with more of them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tempFolder } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'
import { torture } from './torture.js'

const DATABASE = `journal_${process.pid}`

beforeAll(async () => {
  await sharedPostgres().sql(`CREATE DATABASE ${DATABASE} OWNER app`)
})
afterAll(async () => {
  await sharedPostgres().sql(`DROP DATABASE ${DATABASE} WITH (FORCE)`)
})

const eight = { processes: 8, records: 500, kills: 2 }

test('8 processes with SIGKILL at any moment lose no record that was kept, in a file', async () => {
  const temp = tempFolder('journal')
  const ordeal = await torture({ ...eight, temp, where: `${temp}/journal` })
  expect(ordeal).toMatchObject({ completed: 4000, lost: 0, told: '' })
  expect(ordeal.kills).toBeGreaterThanOrEqual(4)
  expect(ordeal.unreadable).toBeLessThanOrEqual(ordeal.kills)
})

test('8 processes with SIGKILL at any moment lose no record that was kept, in PostgreSQL', async () => {
  const where = sharedPostgres().url({ database: DATABASE })
  const ordeal = await torture({ ...eight, temp: tempFolder('journal'), where })
  expect(ordeal).toMatchObject({ completed: 4000, lost: 0, unreadable: 0, told: '' })
  expect(ordeal.kills).toBeGreaterThanOrEqual(4)
})
