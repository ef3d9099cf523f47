import { expect, test } from 'vitest'
import { addressOf } from './address.js'
import { changed, changesFor } from './leading.js'

const clone = addressOf({
  host: '127.0.0.1',
  port: 5433,
  username: 'app',
  password: 'p@ss',
  database: 'clone',
})
const real = 'postgres://app:p%40ss@localhost:5433/real_app'
const rest = 'app:p%40ss@127.0.0.1:5433/clone'

/** The environment of a target that `named` leads to, once it leads to the clone. */
const led = (named: Record<string, string>, others: Record<string, string> = {}, all = false) => {
  const env = { ...others, ...named }
  return changed(env, changesFor(clone, { url: real, env: named }, env, all))
}

test("libpq's variables lead there, and a service or a password file leads nowhere else", () => {
  const env = led({ PGHOST: '/run/postgresql', PGDATABASE: 'real_app', PGSERVICE: 'real', PGPASSFILE: '/p' })
  expect(env).toMatchObject({ PGHOST: '127.0.0.1', PGPORT: '5433', PGDATABASE: 'clone', PGPASSWORD: 'p@ss' })
  expect(Object.keys(env)).not.toContain('PGSERVICE')
  expect(Object.keys(env)).not.toContain('PGPASSFILE')
})

test('so do DB_*, whose socket goes', () => {
  const named = { DB_HOST: 'localhost', DB_NAME: 'real_app', DB_DATABASE: 'real_app', DB_SOCKET: '/s' }
  const env = led(named)
  expect(env).toMatchObject({ DB_HOST: '127.0.0.1', DB_PORT: '5433', DB_NAME: 'clone', DB_DATABASE: 'clone' })
  expect(Object.keys(env)).not.toContain('DB_SOCKET')
})

test('a variable of any name that holds the address keeps its dialect', () => {
  const env = led(
    { APP_DB: real.replace('postgres:', 'postgresql+asyncpg:') },
    {
      DIRECT_URL: 'postgresql://owner@127.0.0.1:6432/real_app',
      FLYWAY_URL: 'jdbc:postgresql://localhost:5433/real_app?user=app',
      OTHER_DB: 'postgres://app@localhost:5433/other',
      REDIS_URL: 'redis://localhost/0',
    },
  )
  expect(env).toMatchObject({
    APP_DB: `postgresql+asyncpg://${rest}`,
    DATABASE_URL: `postgres://${rest}`,
    DIRECT_URL: `postgresql://${rest}`,
    FLYWAY_URL: 'jdbc:postgresql://127.0.0.1:5433/clone?user=app&password=p%40ss',
    OTHER_DB: 'postgres://app@localhost:5433/other',
    REDIS_URL: 'redis://localhost/0',
  })
})

test('DB_* of another database stay for a test, and not for a migration; those of MySQL stay', () => {
  const others = { DB_HOST: 'elsewhere', DB_NAME: 'others' }
  expect(led({ APP_DB: real }, others)).toMatchObject(others)
  expect(led({ APP_DB: real }, others, true)).toMatchObject({ DB_HOST: '127.0.0.1', DB_NAME: 'clone' })
  const mysql = { ...others, DB_CONNECTION: 'mysql' }
  expect(led({ APP_DB: real }, mysql, true)).toMatchObject(mysql)
})
