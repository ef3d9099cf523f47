import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { holdfast, spawnHoldfast } from '../support/cli.js'
import { startPgBouncer } from '../support/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { fastest, startMs, waitJson } from './outcome.js'

let postgres: PostgresServer
let redis: RedisServer
let encrypted: PostgresServer

beforeAll(async () => {
  ;[postgres, redis, encrypted] = await Promise.all([
    startPostgres(),
    startRedis({ password: 'right-one' }),
    startPostgres({ tls: 'on' }),
  ])
})
afterAll(() => Promise.all([postgres.remove(), redis.remove(), encrypted.remove()]))

const WRONG = 'hunter2-wrong'

let roles = 0

/** Runs one wait as a role of its own, and tells how many logins of it the server rejected. */
async function rejectedBy(server: PostgresServer, args: readonly string[], query?: Record<string, string>) {
  const user = `intruder_${++roles}`
  const url = server.url({ user, password: WRONG, ...(query ? { query } : {}) })
  const result = await holdfast(['wait', url, ...args])
  const rejected = server.log().split(`FATAL:  password authentication failed for user "${user}"`).length - 1
  return { ...result, rejected }
}

describe('a wrong password', () => {
  test('is on the screen within 200 ms, and ends the wait with 78 after the grace', async () => {
    const startsIn = await startMs()
    let shortest = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < 3 && shortest > startsIn + 200; tries++) {
      const begun = performance.now()
      const running = spawnHoldfast(['wait', postgres.url({ password: WRONG }), '--grace', '400ms'])
      await running.waitForStderr(
        /authentication-failed at auth: password authentication failed for user "app"/,
      )
      const shown = performance.now() - begun
      const { status, ms, stderr } = await running.exited
      expect(status).toBe(78)
      expect(ms - shown).toBeGreaterThanOrEqual(390)
      expect(stderr).toContain('→ Correct user or password where they are set.')
      expect(stderr).not.toContain(WRONG)
      shortest = Math.min(shortest, shown)
    }
    expect(shortest).toBeLessThanOrEqual(startsIn + 200)
  })

  test('ends the wait at once with --grace 0', async () => {
    const url = postgres.url({ password: WRONG })
    const ms = await fastest(5, async () => {
      const { status, document, ms } = await waitJson([url, '--grace', '0'])
      expect(status).toBe(78)
      expect(document.durationMs).toBeLessThan(1_000)
      return ms
    })
    expect(ms).toBeLessThanOrEqual((await startMs()) + 150)
  })

  test.concurrent('ends the wait after three seconds where no grace is given', async ({ expect }) => {
    const { status, document } = await waitJson([postgres.url({ password: WRONG })])
    expect(status).toBe(78)
    expect(document.durationMs).toBeGreaterThanOrEqual(3_000)
    expect(document.durationMs).toBeLessThan(4_000)
  })

  test('is named with where it came from', async () => {
    const env = { DATABASE_URL: postgres.url({ password: WRONG }) }
    const { stderr } = await holdfast(['wait', '--grace', '0'], { env })
    expect(stderr).toMatch(/postgres:\/\/app:\*\*\*@127\.0\.0\.1:\d+\/app, from env:DATABASE_URL/)
  })

  test.concurrent.each([
    ['alone', []],
    ['with --connections 5', ['--connections', '5']],
    ['with --stable', ['--stable', '1s']],
    ['with --until auth', ['--until', 'auth']],
    ['with a short time-out of attempts', ['--attempt-timeout', '200ms']],
    ['with --query', ['--query', 'SELECT 1']],
    ['when the time is up before the grace', ['--timeout', '300ms', '--grace', '10s']],
  ] as const)('%s is tried at most twice', async (_, args) => {
    const { status, rejected } = await rejectedBy(postgres, ['--grace', '400ms', ...args])
    expect(status).toBe(78)
    expect([1, 2]).toContain(rejected)
  })

  test.concurrent.each(['prefer', 'allow', 'require'])(
    'is tried at most twice with sslmode=%s',
    async sslmode => {
      const { status, rejected } = await rejectedBy(encrypted, ['--grace', '400ms'], { sslmode })
      expect(status).toBe(78)
      expect([1, 2]).toContain(rejected)
    },
  )

  test.concurrent('is tried once with --once, and once with --grace 0', async ({ expect }) => {
    expect(await rejectedBy(postgres, ['--once'])).toMatchObject({ status: 1, rejected: 1 })
    expect(await rejectedBy(postgres, ['--grace', '0'])).toMatchObject({ status: 78, rejected: 1 })
  })

  test.concurrent('is tried at most twice also while another target keeps the wait going', async ({
    expect,
  }) => {
    const other = ['redis://127.0.0.1:1', '--any', '--timeout', '1500ms', '--grace', '300ms']
    expect(await rejectedBy(postgres, other)).toMatchObject({ rejected: 2 })
  })

  test.concurrent.each([[], ['--any']])(
    'of two databases of one server is tried at most twice %j',
    async (...any) => {
      const user = `intruder_${++roles}`
      const urls = ['app', 'postgres'].map(database => postgres.url({ user, password: WRONG, database }))
      const { status } = await holdfast(['wait', ...urls, ...any, '--grace', '400ms'])
      expect(status).toBe(78)
      const rejected =
        postgres.log().split(`FATAL:  password authentication failed for user "${user}"`).length - 1
      expect(rejected).toBeLessThanOrEqual(2)
    },
  )

  test.concurrent('of Redis is tried at most twice', async () => {
    const args = ['wait', redis.url({ password: WRONG }), '--grace', '400ms', '--connections', '3']
    const { status, stderr } = await holdfast(args)
    expect(status).toBe(78)
    expect(stderr).toMatch(/WRONGPASS/)
    expect(await redis.errorsSent('WRONGPASS')).toBeLessThanOrEqual(2)
  })

  test.concurrent('at PgBouncer is tried at most twice', async () => {
    const pooler = await startPgBouncer({ backend: postgres })
    try {
      const { status, target } = await waitJson([pooler.url({ password: WRONG }), '--grace', '400ms'])
      expect(status).toBe(78)
      expect(target).toMatchObject({ reason: 'authentication-failed', code: '08P01', state: 'broken' })
      expect(pooler.rejectedLogins()).toBeLessThanOrEqual(2)
    } finally {
      await pooler.remove()
    }
  })

  test.concurrent('that becomes right within the grace lets the program start', async () => {
    await postgres.sql("create role late login password 'not-yet'")
    const url = postgres.url({ user: 'late', password: WRONG })
    const running = spawnHoldfast(['wait', url, '--grace', '600ms', '--', 'echo', 'started'], { input: '' })
    await running.waitForStderr(/authentication-failed/)
    await postgres.sql(`alter role late password '${WRONG}'`)
    expect(await running.exited).toMatchObject({ status: 0, stdout: 'started\n' })
  })
})

describe('a password that is missing', () => {
  test('is said to be missing, without a login', async () => {
    const before = postgres.rejectedLogins()
    const { status, target } = await waitJson([postgres.url({ password: null }), '--grace', '0'])
    expect(status).toBe(78)
    expect(target).toMatchObject({ reason: 'client-misuse', state: 'broken' })
    expect(target.advice).toContain('PGPASSWORD')
    expect(postgres.rejectedLogins()).toBe(before)
  })

  test.concurrent('of Redis is said to be wanted', async () => {
    const { status, target } = await waitJson([redis.url({ password: null }), '--grace', '0'])
    expect(status).toBe(78)
    expect(target).toMatchObject({ reason: 'authentication-failed', code: 'NOAUTH' })
    expect(target.advice).toContain('redis://:PASSWORD@host')
  })

  test('where pg_hba.conf has no line is access-denied, and says which file', async () => {
    const server = await startPostgres({ hba: ['host all postgres all scram-sha-256'] })
    try {
      const { status, target } = await waitJson([server.url(), '--grace', '0'])
      expect(status).toBe(78)
      expect(target).toMatchObject({ reason: 'access-denied', code: '28000' })
      expect(target.advice).toContain('pg_hba.conf')
    } finally {
      await server.remove()
    }
  })
})
