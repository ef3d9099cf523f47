import { expect, test } from 'vitest'
import { handOver } from './handover.js'

const FILE = 'sqlite:////dev/shm/holdfast-lit-x/database.sqlite'
const base = {
  name: 'db',
  decision: 'stand-in',
  scheme: 'postgres',
  fallback: 'DATABASE_URL',
  url: FILE,
} as const

test('a stand-in that is a file takes the variable that held the address, and families of variables go', () => {
  const env = {
    DATABASE_URL: 'postgresql+asyncpg://app@db/app',
    PGHOST: 'db',
    PGUSER: 'app',
    DB_HOST: 'db',
    HOME: '/',
  }
  const sources = [{ kind: 'url', variable: 'DATABASE_URL' }, { kind: 'pg' }, { kind: 'db' }] as const
  expect(handOver(env, [{ ...base, sources }])).toEqual({
    DATABASE_URL: FILE,
    HOME: '/',
    HOLDFAST_TARGET_DB: 'stand-in',
  })
})

test('where only families of variables named the target, the usual variable gets the file', () => {
  const env = { PGHOST: 'db', PGPASSWORD: 'secret' }
  expect(handOver(env, [{ ...base, sources: [{ kind: 'pg' }] }])).toEqual({
    DATABASE_URL: FILE,
    HOLDFAST_TARGET_DB: 'stand-in',
  })
})

test('where nothing named it, the usual variable does', () => {
  expect(handOver({}, [{ ...base, sources: [] }])).toMatchObject({ DATABASE_URL: FILE })
})
