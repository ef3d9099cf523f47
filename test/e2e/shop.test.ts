import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast, holdfastCommand } from '../support/cli.js'
import { runInNetns } from '../support/netns.js'
import { startPostgres } from '../support/postgres.js'
import { freePort, tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { sharedRedis } from '../support/shared.js'
import { type Env, program as programOf, shopFolder, start, startServer } from '../support/shop.js'

const shop = shopFolder()

async function database() {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  return server
}

const envOf = (server: { url(): string }): Env => ({
  DATABASE_URL: server.url(),
  REDIS_URL: sharedRedis().url(),
  PORT: '0',
})

/** One of the shop's programs, to its end. */
const program = (name: string, env: Env) => programOf(shop, name, env)

/** One of the shop's programs, until it says `ready`. */
async function started(name: string, env: Env, ready: RegExp) {
  const child = start(shop, name, env)
  onTestFinished(async () => {
    child.kill()
    await child.exited
  })
  return { child, match: await child.waitForStdout(ready) }
}

async function server(env: Env) {
  const running = await startServer(shop, env)
  onTestFinished(async () => {
    running.child.kill('SIGKILL')
    await running.child.exited
  })
  const status = async (path: string) => (await running.get(path)).status
  /** Health is sampled, so that it follows a little later. */
  const becomes = (path: string, code: number) =>
    expect.poll(() => status(path), { timeout: 15_000, interval: 50 }).toBe(code)
  return { ...running, status, becomes }
}

test('migrations are applied in their order, once', async () => {
  const db = await database()
  const first = await program('migrate.js', envOf(db))
  expect(first.stdout).toBe(
    'applied 001_users\napplied 002_orders\napplied 003_payments\napplied 004_notifications\napplied 005_coupons\n',
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

/** The script that the official image runs, which has the superuser and a Unix socket. */
const initialise = (db: Awaited<ReturnType<typeof database>>, more: Env) =>
  run(join(shop, 'initdb/10-shop.sh'), [], {
    env: {
      PATH: process.env.PATH ?? '',
      PGHOST: db.socketDir,
      PGPORT: String(db.port),
      POSTGRES_USER: 'postgres',
      ...more,
    },
  })

test('it starts as the role that the init script makes, whose rights production settings find nothing wrong with', async () => {
  const db = await database()
  const made = await initialise(db, { SHOP_PASSWORD: "it's kelp" })
  expect([made.status, made.stderr]).toEqual([0, ''])
  const url = db.url({ user: 'shop', password: "it's kelp", database: 'shop' })
  const env = { DATABASE_URL: url, REDIS_URL: sharedRedis().url() }
  const args = ['run', '--json', '--fail-level', 'error', '--', 'true']
  const { status, stderr, stdout, json } = await holdfast(args, { cwd: shop, env, timeoutMs: 60_000 })
  expect(status, stderr + stdout).toBe(0)
  const { stages } = json<{ stages: { findings?: { id: string; level: string }[] }[] }>()
  const found = stages.flatMap(({ findings = [] }) => findings).filter(({ level }) => level !== 'info')
  // Where the tests run in a container, and the servers with them.
  expect(found.filter(({ id }) => id !== 'localhost-in-container')).toEqual([])
  const rights = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'shop'"
  expect(await db.sql(rights)).toBe('f|f|f')
})

test('the init script takes the password from a file, and none is an error', async () => {
  const db = await database()
  const file = join(tempFolder('secret'), 'db_password')
  writeFileSync(file, 'from-a-file\n')
  expect((await initialise(db, { SHOP_PASSWORD_FILE: file })).status).toBe(0)
  const url = db.url({ user: 'shop', password: 'from-a-file', database: 'shop' })
  expect((await holdfast(['wait', '--once', url])).status).toBe(0)
  const none = await initialise(db, {})
  expect(none.status).not.toBe(0)
  expect(none.stderr).toContain('SHOP_PASSWORD_FILE is not set either')
})

/** What a page and the workflow tell to run, without the container around it. */
function documented(file: string): { env: Env; args: string[] }[] {
  const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8')
  const variables = /((?:(?:-e )?(?:DATABASE|REDIS)_URL=\S+\s+)+)/.source
  const command = /(?:--entrypoint holdfast shop-app|\\\n +holdfast) +(run --validate .*)/.source
  return [...text.matchAll(new RegExp(`${variables}${command}`, 'g'))].map(([, given = '', line = '']) => ({
    env: Object.fromEntries(
      [...given.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    ),
    args: line.split(' '),
  }))
}

test('the validation without infrastructure is 0 exactly as the page and the workflow have it', async () => {
  const page = documented('docs/validate-the-image.md')
  const workflow = documented('examples/shop/.github/workflows/ci.yml')
  expect([page.length, workflow.length]).toEqual([2, 1])
  const [first, ...others] = [...page, ...workflow]
  for (const one of others) expect(one).toEqual(first)
  const { command, env } = holdfastCommand(first?.args ?? [], { env: first?.env ?? {} })
  // A network of its own: the health address has a fixed port.
  const { status, stderr } = await runInNetns(command, { cwd: shop, env, timeoutMs: 60_000 })
  expect(status, stderr).toBe(0)
  for (const stage of ['config', 'command', 'smoke', 'deploy', 'up'])
    expect(stderr).toMatch(new RegExp(`^  ${stage} .* passed`, 'm'))
  for (const stage of ['wait', 'migrate', 'schema'])
    expect(stderr).toMatch(new RegExp(`^  ${stage} .* skipped \\(needs postgres: db`, 'm'))
}, 90_000)

test('the seed can be run again', async () => {
  const db = await database()
  await program('migrate.js', envOf(db))
  for (const _ of [1, 2]) expect((await program('seed.js', envOf(db))).stdout).toBe('2 users\n')
  expect(await db.sql('SELECT count(*) FROM orders')).toBe('2')
})

test('/readyz follows the database, and /livez does not ask it', async () => {
  const db = await database()
  const { status, becomes } = await server(envOf(db))
  await becomes('/readyz', 200)
  await becomes('/startupz', 200)
  await db.stop()
  await becomes('/readyz', 503)
  // Started is started.
  expect([await status('/livez'), await status('/startupz')]).toEqual([200, 200])
  await db.start()
  await becomes('/readyz', 200)
})

test('a database that has stopped answering is 503 within the times of a sample', async () => {
  const db = await database()
  const { becomes } = await server(envOf(db))
  await becomes('/readyz', 200)
  db.pause()
  await becomes('/readyz', 503)
  db.resume()
})

test('without Redis it is ready, and says what it lacks', async () => {
  const db = await database()
  const { becomes, get } = await server({ ...envOf(db), REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  await becomes('/readyz', 200)
  await expect
    .poll(async () => (await get('/readyz?verbose')).body, { timeout: 15_000 })
    .toMatch(/^\[-\]cache degraded: connection-refused$/m)
  expect((await get('/readyz')).status).toBe(200)
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

test('connections have a name, and the time-outs that the environment sets', async () => {
  const db = await database()
  const script = `
    import { createPool } from './connections.js'
    import { readConfig } from './config.js'
    const pool = createPool(readConfig(), 'look')
    const names = ['application_name', 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
    const set = []
    for (const name of names) set.push((await pool.query('SELECT current_setting($1) AS value', [name])).rows[0].value)
    const clients = await Promise.all([pool.connect(), pool.connect()])
    const late = await pool.connect().catch(error => error.code)
    for (const client of clients) client.release()
    console.log(JSON.stringify([...set, late]))
    await pool.end()`
  const env = { ...envOf(db), POOL_MAX: '2', ACQUIRE_TIMEOUT_MS: '200', STATEMENT_TIMEOUT_MS: '7000' }
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: shop,
    env,
  })
  expect(stderr).toBe('')
  // The server's limit of a statement is for a client that is not there any more: five seconds longer.
  expect(JSON.parse(stdout)).toEqual(['shop-look', '12s', '30s', '1min', 'POOL_EXHAUSTED'])
})

test('a wrong configuration is 78, with every mistake', async () => {
  const { status, stderr } = await program('server.js', {
    DATABASE_URL: 'mysql://db',
    PORT: 'http',
    POOL_MAX: '0',
    ACQUIRE_TIMEOUT_MS: '-1',
    STATEMENT_TIMEOUT_MS: '1s',
    DRAIN_MS: 'long',
  })
  expect(status).toBe(78)
  const names = ['DATABASE_URL', 'REDIS_URL', 'PORT', 'POOL_MAX']
  for (const name of [...names, 'ACQUIRE_TIMEOUT_MS', 'STATEMENT_TIMEOUT_MS', 'DRAIN_MS'])
    expect(stderr).toContain(name)
})

test('its own suite passes on the services that `holdfast test` gives it', async () => {
  const { status, stdout, stderr } = await holdfast(
    ['test', '-c', 'holdfast.test.yaml', '--', process.execPath, '--test', '--test-reporter=tap'],
    { cwd: shop, timeoutMs: 60_000 },
  )
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/^# pass 9$/m)
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
