import { describe, expect, test } from 'vitest'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { waitJson } from './outcome.js'

const found = async (env: Record<string, string>, args: string[] = []) => {
  const { status, document } = await waitJson(args, { env })
  return { status, targets: document.targets.map(({ name, source, state }) => [name, source, state]) }
}

const place = () => {
  const { host, port, user, password, database } = sharedPostgres()
  return { host, port: String(port), user, password, database }
}

const pg = () => {
  const { host, port, user, password, database } = place()
  return { PGHOST: host, PGPORT: port, PGUSER: user, PGPASSWORD: password, PGDATABASE: database }
}

const db = () => {
  const { host, port, user, password, database } = place()
  return { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_PASSWORD: password, DB_NAME: database }
}

describe('without a target and a configuration the environment says what to wait for', () => {
  test.concurrent('DATABASE_URL', async ({ expect }) => {
    expect(await found({ DATABASE_URL: sharedPostgres().url() })).toEqual({
      status: 0,
      targets: [['postgres', 'env:DATABASE_URL', 'ready']],
    })
  })

  test.concurrent('REDIS_URL and DATABASE_URL together', async ({ expect }) => {
    const env = { REDIS_URL: sharedRedis().url(), DATABASE_URL: sharedPostgres().url() }
    expect(await found(env)).toEqual({
      status: 0,
      targets: [
        ['postgres', 'env:DATABASE_URL', 'ready'],
        ['redis', 'env:REDIS_URL', 'ready'],
      ],
    })
  })

  test.concurrent('PG*, as libpq reads them', async ({ expect }) => {
    expect(await found(pg())).toEqual({ status: 0, targets: [['postgres', 'env:PGHOST', 'ready']] })
  })

  test.concurrent('DB_*, as Django and Compose files name them', async ({ expect }) => {
    expect(await found(db())).toEqual({ status: 0, targets: [['postgres', 'env:DB_HOST', 'ready']] })
  })

  test.concurrent('a URL of another ecosystem', async ({ expect }) => {
    const DATABASE_URL = sharedPostgres().url().replace('postgres://', 'postgresql+asyncpg://')
    expect((await found({ DATABASE_URL })).status).toBe(0)
  })
})

describe('several variables for one target are one target', () => {
  test.concurrent('DATABASE_URL, POSTGRES_URL, PG* and DB_*', async ({ expect }) => {
    const url = sharedPostgres().url()
    const env = { DATABASE_URL: url, POSTGRES_URL: url, ...pg(), ...db() }
    expect(await found(env)).toEqual({ status: 0, targets: [['postgres', 'env:DATABASE_URL', 'ready']] })
  })

  test.concurrent('and two databases of one server are two', async ({ expect }) => {
    const env = {
      DATABASE_URL: sharedPostgres().url(),
      POSTGRES_URL: sharedPostgres().url({ database: 'postgres' }),
    }
    expect(await found(env)).toEqual({
      status: 0,
      targets: [
        ['postgres', 'env:DATABASE_URL', 'ready'],
        ['postgres-2', 'env:POSTGRES_URL', 'ready'],
      ],
    })
  })
})

describe('PG* fill in what an address leaves open', () => {
  test.concurrent('password and database', async ({ expect }) => {
    const { host, port, user, password, database } = place()
    const env = { PGPASSWORD: password, PGDATABASE: database }
    expect((await found(env, [`postgres://${user}@${host}:${port}`])).status).toBe(0)
  })

  test.concurrent('and nothing that it says itself', async ({ expect }) => {
    const env = { ...pg(), PGPASSWORD: 'not this one', PGHOST: '192.0.2.1', PGPORT: '1' }
    expect((await found(env, [sharedPostgres().url()])).status).toBe(0)
  })

  test.concurrent('also for a connection string of libpq', async ({ expect }) => {
    const { host, port, password } = place()
    const dsn = `host=${host} port=${port} user=app dbname='app'`
    expect((await found({ PGPASSWORD: password }, [dsn])).status).toBe(0)
  })
})

describe('env:VARIABLE', () => {
  test.concurrent('takes the address from there, and is named by it', async ({ expect }) => {
    const env = { CACHE: sharedRedis().url(), DATABASE_URL: 'postgres://ignored:1/x' }
    expect(await found(env, ['cache=env:CACHE'])).toEqual({
      status: 0,
      targets: [['cache', 'env:CACHE', 'ready']],
    })
  })
})

test('an address that the environment holds and that is none is said to be wrong there', async () => {
  const { expectComplaint } = await import('./outcome.js')
  const { holdfast } = await import('../support/cli.js')
  const env = { DATABASE_URL: 'postgres://app:topsecret1@db:port/app' }
  const result = await holdfast(['wait'], { env })
  expectComplaint(result, 64, /what follows its host is not a port/)
  expect(result.stderr).not.toContain('topsecret1')
})
