import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast, spawnHoldfast } from '../support/cli.js'
import { startPostgres } from '../support/postgres.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { sharedRedis } from '../support/shared.js'

const shop = fileURLToPath(new URL('../../examples/shop', import.meta.url))

async function database() {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  return server
}

type Env = Record<string, string>
const envOf = (server: { url(): string }): Env => ({
  DATABASE_URL: server.url(),
  REDIS_URL: sharedRedis().url(),
  PORT: '0',
})

/** One of the shop's programs, to its end. */
const program = (name: string, env: Env) => holdfast([], { entry: join(shop, name), cwd: shop, env })

/** One of the shop's programs, until it says `ready`. */
async function started(name: string, env: Env, ready: RegExp) {
  const child = spawnHoldfast([], { entry: join(shop, name), cwd: shop, env, timeoutMs: 60_000 })
  onTestFinished(async () => {
    child.kill()
    await child.exited
  })
  return { child, match: await child.waitForStdout(ready) }
}

async function server(env: Env) {
  const { child, match } = await started('server.js', env, /listening on (\d+)/)
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${match[1]}${path}`)).status
  return { child, status }
}

test('migrations are applied in their order, once', async () => {
  const db = await database()
  const first = await program('migrate.js', envOf(db))
  expect(first.stdout).toBe(
    'applied 001_users\napplied 002_orders\napplied 003_payments\napplied 004_notifications\n',
  )
  const second = await program('migrate.js', envOf(db))
  expect([second.status, second.stdout]).toEqual([0, 'nothing to apply\n'])
})

test('a migration that fails leaves nothing of itself', async () => {
  const db = await database()
  await db.sql('CREATE TABLE orders (mine int)')
  const { status, stderr } = await program('migrate.js', envOf(db))
  expect(status).not.toBe(0)
  expect(stderr).toContain('relation "orders" already exists')
  expect(await db.sql('SELECT version FROM schema_migrations')).toBe('001_users')
})

test('the seed can be run again', async () => {
  const db = await database()
  await program('migrate.js', envOf(db))
  for (const _ of [1, 2]) expect((await program('seed.js', envOf(db))).stdout).toBe('2 users\n')
  expect(await db.sql('SELECT count(*) FROM orders')).toBe('2')
})

test('/readyz follows the database, and /livez does not ask it', async () => {
  const db = await database()
  const { status } = await server(envOf(db))
  expect([await status('/readyz'), await status('/livez')]).toEqual([200, 200])
  await db.stop()
  expect([await status('/readyz'), await status('/livez')]).toEqual([503, 200])
  await db.start()
  expect([await status('/readyz'), await status('/livez')]).toEqual([200, 200])
})

test('a database that has stopped answering is 503 within the time of a health check', async () => {
  const db = await database()
  const { status } = await server(envOf(db))
  expect(await status('/readyz')).toBe(200)
  db.pause()
  expect(await status('/readyz')).toBe(503)
  db.resume()
})

test('TERM ends server and worker with 0, and their connections with them', async () => {
  const db = await database()
  await program('migrate.js', envOf(db))
  const { child, status } = await server(envOf(db))
  await status('/readyz')
  const { child: worker } = await started('worker.js', envOf(db), /working/)
  const sessions = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'shop-%'`
  expect(Number(await db.sql(sessions))).toBeGreaterThan(0)
  child.kill()
  worker.kill()
  const ends = await Promise.all([child.exited, worker.exited])
  expect(ends.map(end => end.status)).toEqual([0, 0])
  expect(ends[0].stdout).toContain('shop: SIGTERM, closing\nshop: closed\n')
  expect(await db.sql(sessions)).toBe('0')
})

test('two workers pay every order once', async () => {
  const db = await database()
  await program('migrate.js', envOf(db))
  await program('seed.js', envOf(db))
  await db.sql(`INSERT INTO orders (user_id, item, cents)
    SELECT id, 'kelp', 100 FROM users, generate_series(1, 20) WHERE email = 'ada@example.org'`)
  const workers = await Promise.all([1, 2].map(() => started('worker.js', envOf(db), /working/)))
  // The order that comes last is found by the nudge through Redis.
  await expect
    .poll(() => db.sql(`SELECT count(*) FROM orders WHERE state = 'new'`), { timeout: 20_000 })
    .toBe('0')
  for (const { child } of workers) child.kill()
  await Promise.all(workers.map(({ child }) => child.exited))
  expect(await db.sql('SELECT count(*), count(DISTINCT order_id) FROM payments')).toBe('22|22')
  expect(await db.sql('SELECT count(*) FROM notifications')).toBe('22')
})

test('connections have a name, time-outs and keepalive', async () => {
  const db = await database()
  const script = `
    import { createPool } from './connections.js'
    import { readConfig } from './config.js'
    const pool = createPool(readConfig(), 'look')
    const client = await pool.connect()
    const settings = ['application_name', 'statement_timeout', 'idle_in_transaction_session_timeout']
    const set = []
    for (const one of settings)
      set.push((await client.query('SELECT current_setting($1) AS value', [one])).rows[0].value)
    const { connectionTimeoutMillis, query_timeout } = pool.options
    console.log(JSON.stringify([...set, connectionTimeoutMillis, query_timeout, pool.options.keepAlive]))
    client.release()
    await pool.end()`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: shop,
    env: envOf(db),
  })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(['shop-look', '1min', '1min', 30_000, 65_000, true])
})

test('a wrong configuration is 78, with every mistake', async () => {
  const { status, stderr } = await program('server.js', {
    DATABASE_URL: 'mysql://db',
    PORT: 'http',
    POOL_MAX: '0',
  })
  expect(status).toBe(78)
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'PORT', 'POOL_MAX']) expect(stderr).toContain(name)
})

test('its own suite passes on the services that `holdfast test` gives it', async () => {
  const { status, stdout, stderr } = await holdfast(
    ['test', '-c', 'holdfast.test.yaml', '--', process.execPath, '--test', '--test-reporter=tap'],
    { cwd: shop, timeoutMs: 60_000 },
  )
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/^# pass 6$/m)
  expect(stdout).toMatch(/^# skipped 0$/m)
})

test('without a database its suite says why it skips', async () => {
  const env = { HOLDFAST_TARGET_POSTGRES_REASON: 'connection-refused' }
  const { status, stdout } = await run(process.execPath, ['--test', '--test-reporter=tap'], {
    cwd: shop,
    env,
  })
  expect(status, stdout).toBe(0)
  expect(stdout).toContain('SKIP no database or no Redis: connection-refused')
})

test('its configuration waits for the schema that its migrations make', async () => {
  const db = await database()
  const wait = () => holdfast(['wait', '--until', 'schema', '--timeout', '2s'], { cwd: shop, env: envOf(db) })
  const early = await wait()
  expect([early.status, early.stderr]).toEqual([65, expect.stringContaining('users')])
  await program('migrate.js', envOf(db))
  const late = await wait()
  expect(late.status, late.stderr).toBe(0)
})

test('variables come from files of secrets', async () => {
  const folder = tempFolder('secrets')
  writeFileSync(join(folder, 'password'), 'p@ss word\n')
  const { stdout } = await run(join(shop, 'with-secrets.sh'), ['sh', '-c', 'echo "$PGPASSWORD-$REDIS_URL"'], {
    env: { PGPASSWORD_FILE: join(folder, 'password'), REDIS_URL: 'redis://redis' },
  })
  expect(stdout).toBe('p@ss word-redis://redis\n')
})

test('a secret that cannot be read ends it before anything is started', async () => {
  const { status, stdout } = await run(join(shop, 'with-secrets.sh'), ['echo', 'started'], {
    env: { PGPASSWORD_FILE: '/nowhere/password' },
  })
  expect([status === 0, stdout]).toEqual([false, ''])
})
