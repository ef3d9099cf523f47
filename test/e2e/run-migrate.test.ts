import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type CliHandle, type CliOptions, holdfast, spawnHoldfast } from '../support/cli.js'
import { belongings, leftSince } from '../support/leaks.js'
import { startPgBouncer } from '../support/pgbouncer.js'
import { isAlive, untilDead } from '../support/proc.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { silencing } from './production.js'

let count = 0

/** A database of its own, what it should hold, and where CMD writes what it does. */
async function world(schema = true) {
  const server = sharedPostgres()
  const database = `run_${process.pid}_${++count}`
  await server.sql(`CREATE DATABASE ${database} OWNER app`)
  onTestFinished(async () => {
    await server.sql(`DROP DATABASE ${database} WITH (FORCE)`)
  })
  const folder = tempFolder('run')
  const log = join(folder, 'log')
  const url = server.url({ database })
  const config = silencing(folder, {
    targets: { db: { url: 'env:DATABASE_URL', ...(schema ? { schema: { tables: ['users'] } } : {}) } },
  })
  const options: CliOptions = { env: { DATABASE_URL: url, LOG: log }, cwd: folder, timeoutMs: 60_000 }
  const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
  return { server, database, folder, url, config, options, lines }
}

const CREATE = 'psql -q "$DATABASE_URL" -c "CREATE TABLE users (id int)"'
const MIGRATE = `echo migrating >> "$LOG"; sleep 0.5; ${CREATE}`

/** CMD that says who it is and then waits to be ended, gently. */
const ENDLESS = `trap 'echo "heard TERM" >> "$LOG"; kill $!; exit 1' TERM; echo "CMD is $$"; sleep 60 & wait`

const pidOf = async (cli: CliHandle) => Number((await cli.waitForStderr(/CMD is (\d+)/, 30_000))[1])

const run = (migrate: string, ...more: string[]) => ['run', '--migrate', migrate, ...more]

test('ten replicas that start together migrate once, and all of them start their server', async () => {
  const { options, lines } = await world()
  const replicas = Array.from({ length: 10 }, (_, i) =>
    holdfast(run(MIGRATE, '--json', '--', 'sh', '-c', `echo server ${i}`), options),
  )
  const results = await Promise.all(replicas)
  expect(results.map(({ status }) => status)).toEqual(Array(10).fill(0))
  expect(lines()).toEqual(['migrating'])
  for (const [i, { stdout }] of results.entries()) expect(stdout).toContain(`\nserver ${i}\n`)
  const migrated = results.filter(({ stdout }) => /"migrate","state":"passed".*migrated in/.test(stdout))
  expect(migrated).toHaveLength(1)
}, 90_000)

test('without an expectation CMD runs at each start, one at a time', async () => {
  const { options, lines } = await world(false)
  const once = 'echo begin >> "$LOG"; sleep 0.3; echo end >> "$LOG"'
  const results = await Promise.all([1, 2, 3].map(() => holdfast(run(once), options)))
  expect(results.map(({ status }) => status)).toEqual([0, 0, 0])
  expect(lines()).toEqual(Array(3).fill(['begin', 'end']).flat())
}, 60_000)

test('a schema that is up to date needs neither lock nor CMD', async () => {
  const { options, lines, server, database } = await world()
  await server.sql('CREATE TABLE users (id int)', database)
  const { status, stderr } = await holdfast(run(MIGRATE), options)
  expect(status, stderr).toBe(0)
  expect(stderr).toMatch(/migrate +passed +up to date/)
  expect(lines()).toEqual([])
})

test('CMD that fails is 65, and COMMAND does not run', async () => {
  const { options } = await world()
  const { status, stdout, stderr } = await holdfast(run('echo no luck; exit 3', '--', 'echo', 'RAN'), options)
  expect({ status, stdout }).toEqual({ status: 65, stdout: '' })
  expect(stderr).toMatch(/^no luck$/m)
  expect(stderr).toMatch(/migrate +failed +CMD ended with status 3/)
})

test('CMD that ends well and leaves the schema as it was is 65', async () => {
  const { options } = await world()
  const { status, stderr } = await holdfast(run('true', '--', 'echo', 'RAN'), options)
  expect(status).toBe(65)
  expect(stderr).toMatch(/CMD ended well, but db: missing: table users/)
})

test('a missing schema without --migrate is 65', async () => {
  const { options } = await world()
  const { status, stderr } = await holdfast(['run', '--', 'echo', 'RAN'], options)
  expect(status).toBe(65)
  expect(stderr).toMatch(/schema +failed +db: missing: table users/)
})

test('the end of the lock session ends CMD, and is 65', async () => {
  const { options, server, database, lines } = await world()
  const cli = spawnHoldfast(run(ENDLESS, '--', 'echo', 'RAN'), options)
  const pid = await pidOf(cli)
  const ended = await server.sql(
    `SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'
      AND classid = 1752132708 AND database = (SELECT oid FROM pg_database WHERE datname = '${database}')`,
  )
  expect(ended).toBe('1')
  const { status, stdout, stderr } = await cli.exited
  expect({ status, stdout }).toEqual({ status: 65, stdout: '' })
  expect(stderr).toMatch(/migrate +failed +the session that holds the lock was closed, so CMD was ended/)
  expect(lines()).toEqual(['heard TERM'])
  expect(isAlive(pid)).toBe(false)
})

test('CMD that does not react to TERM is killed when the lock is lost', async () => {
  const { options, server, database } = await world()
  const cli = spawnHoldfast(run(`trap '' TERM; echo "CMD is $$"; while :; do sleep 1; done`), options)
  const pid = await pidOf(cli)
  await server.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = '${database}' AND application_name LIKE 'holdfast migrate%'`,
  )
  expect((await cli.exited).status).toBe(65)
  expect(isAlive(pid)).toBe(false)
}, 30_000)

test('whoever holds the lock for too long is named', async () => {
  const { options } = await world()
  const first = spawnHoldfast(run(ENDLESS), options)
  await pidOf(first)
  const { status, stderr } = await holdfast(run(MIGRATE, '--lock-timeout', '300ms'), options)
  expect(status).toBe(65)
  const holder =
    /pid \d+ \("holdfast migrate on [^"]+", app from 127\.0\.0\.1, connected since [\d-]+ [\d:+]+\)/
  expect(stderr).toMatch(new RegExp(`waiting for the lock that is held by ${holder.source}`))
  expect(stderr).toMatch(new RegExp(`the lock is still held by ${holder.source}.*pg_terminate_backend`))
  first.kill('SIGTERM')
  expect((await first.exited).status).toBe(143)
}, 40_000)

test('the lock is free again after a migration that failed', async () => {
  const { options } = await world()
  await holdfast(run('exit 1'), options)
  const { status, stderr } = await holdfast(run(MIGRATE, '--lock-timeout', '1ms'), options)
  expect(status, stderr).toBe(0)
})

test('behind a pooler the migration is refused, and --migrate-target goes around it', async () => {
  const { server, config, folder } = await world()
  const pooler = await startPgBouncer({ backend: server, mode: 'transaction' })
  onTestFinished(() => pooler.remove())
  // PgBouncer leads to the database `app`.
  config({ targets: { db: { url: 'env:DATABASE_URL', schema: { tables: ['run_pooled'] } } } })
  onTestFinished(async () => void (await server.sql('DROP TABLE IF EXISTS run_pooled')))
  const options = {
    cwd: folder,
    env: { DATABASE_URL: pooler.url(), DIRECT: server.url() },
    timeoutMs: 40_000,
  }
  const migrate = 'psql -q "$DIRECT" -c "CREATE TABLE run_pooled (id int)"'
  const refused = await holdfast(run(migrate), options)
  expect(refused.status).toBe(65)
  expect(refused.stderr).toMatch(/leads to a pooler \(pgbouncer\).*--migrate-target postgres:/)
  const allowed = await holdfast(run(migrate, '--migrate-target', 'env:DIRECT'), options)
  expect(allowed.status, allowed.stderr).toBe(0)
}, 60_000)

test('--migrate without a database that has a lock is wrong usage', async () => {
  const { status, stderr } = await holdfast(run('true', sharedRedis().url()))
  expect(status).toBe(64)
  expect(stderr).toMatch(/--migrate: none of the targets \(redis\) has a lock/)
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s during a migration reaches CMD, which is waited for',
  async signal => {
    const { options, lines, server, database } = await world()
    const slow = `trap 'kill $!; sleep 0.3; echo done >> "$LOG"; exit 0' TERM INT; echo "CMD is $$"; sleep 60 & wait`
    const cli = spawnHoldfast(run(slow, '--', 'echo', 'RAN'), options)
    const pid = await pidOf(cli)
    const before = belongings({ temp: { folder: cli.temp } })
    cli.kill(signal)
    const { status, stdout, stderr } = await cli.exited
    expect({ status, stdout }).toEqual({ status: signal === 'SIGTERM' ? 143 : 130, stdout: '' })
    expect(stderr).toContain(`interrupted by ${signal}`)
    expect(lines()).toEqual(['done'])
    expect(isAlive(pid)).toBe(false)
    expect(await leftSince(before)).toEqual([])
    const held = await server.sql(`SELECT count(*) FROM pg_stat_activity WHERE datname = '${database}'`)
    expect(held).toBe('0')
  },
)

test('SIGKILL of holdfast ends CMD, too', async () => {
  const { options } = await world()
  const cli = spawnHoldfast(run(ENDLESS), options)
  const pid = await pidOf(cli)
  cli.kill('SIGKILL')
  await cli.ended
  await untilDead([pid])
})

test('what CMD leaves in the background has ended when COMMAND starts', async () => {
  const { options } = await world()
  const look = `read pid < "$LOG"
    if [ -d /proc/$pid ] && ! grep -q 'State:.Z' /proc/$pid/status; then echo alive; else echo gone; fi`
  const migrate = `sleep 60 & echo $! > "$LOG"; ${CREATE}`
  const { status, stdout, stderr } = await holdfast(run(migrate, '--', 'sh', '-c', look), options)
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'gone\n' })
})
