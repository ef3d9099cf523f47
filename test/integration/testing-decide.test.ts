import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { decide, decideSync } from '../../src/testing/decide.js'
import { isAlive } from '../../src/testing/run.js'
import { setUpRun } from '../../src/testing/setup.js'
import { startPostgres } from '../support/postgres.js'
import { commandLine, descendants } from '../support/proc.js'
import { startRedis } from '../support/redis.js'
import { freePort } from '../support/root.js'
import { startRun, type TestRun } from '../support/runs.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'

/** In this process, as a worker of that run: what `decide` takes. */
function asWorker({ env, cwd, temp }: TestRun, more: Record<string, string> = {}) {
  assign({ TMPDIR: temp })
  return { cwd, env: { ...env, ...more } }
}

const rootOf = ({ env }: TestRun) => {
  const [pid, started = ''] = env.HOLDFAST_RUN_ROOT?.split(':') ?? []
  return { pid: Number(pid), started }
}

/** Until the test is over. */
function assign(env: Record<string, string>): void {
  const before = { ...process.env }
  Object.assign(process.env, env)
  onTestFinished(() => {
    for (const name of Object.keys(env)) delete process.env[name]
    Object.assign(process.env, before)
  })
}

const journal = ({ cwd }: TestRun) =>
  readFileSync(join(cwd, 'journal.ndjson'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))

test('who cannot wait gets the same answer', async () => {
  const run = startRun()
  const worker = asWorker(run, {
    DATABASE_URL: sharedPostgres().url(),
    KAFKA_URL: `kafka://127.0.0.1:${await freePort()}`,
  })
  const names = ['postgres', 'redis', 'kafka']
  const sync = decideSync(names, worker)
  expect(sync.map(one => one.decision)).toEqual(['real', 'stand-in', 'skip'])
  expect(sync[2]?.env).toHaveProperty('KAFKA_URL', undefined)
  expect(await decide(names, { ...worker, needs: [] })).toEqual(sync)
})

test('a real service keeps its address, and its variables are named', async () => {
  const url = sharedPostgres().url()
  const [found] = await decide(['postgres'], asWorker(startRun(), { DATABASE_URL: url }))
  expect(found).toMatchObject({
    decision: 'real',
    url,
    env: { DATABASE_URL: url, HOLDFAST_TARGET_POSTGRES: 'real' },
  })
})

test('an address in parts is put together', async () => {
  const { host, port, user, password, database } = sharedPostgres()
  const parts = {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
  }
  const [found] = await decide(['postgres'], asWorker(startRun(), parts))
  expect(found).toMatchObject({ decision: 'real', env: parts })
  expect(new URL(found?.url ?? '')).toMatchObject({
    username: user,
    port: String(port),
    pathname: `/${database}`,
  })
})

test('one answer for each name, in their order; without names all of the plan', async () => {
  const worker = asWorker(startRun(), {
    REDIS_URL: sharedRedis().url(),
    DATABASE_URL: sharedPostgres().url(),
  })
  const names = async (...asked: string[]) => (await decide(asked, worker)).map(one => one.name)
  expect(await names('redis', 'postgres', 'redis')).toEqual(['redis', 'postgres', 'redis'])
  expect((await names()).sort()).toEqual(['postgres', 'redis'])
})

test.each([
  ['redsi', 'did you mean redis?'],
  ['postgres', '"postgres" could be any of db, audit: name the target'],
])('the name %s is refused', async (name, message) => {
  const run = startRun()
  const targets = { db: 'postgres://127.0.0.1:1/db', audit: 'postgres://127.0.0.1:1/audit' }
  writeFileSync(join(run.cwd, 'holdfast.config.json'), JSON.stringify({ targets }))
  await expect(decide([name], asWorker(run))).rejects.toThrow(message)
  expect(() => decideSync([name], asWorker(run))).toThrow(message)
})

test('a wrong password fails with the advice, and is tried by one login for all workers', async () => {
  const server = await startPostgres({ auth: 'scram-sha-256' })
  onTestFinished(() => server.remove())
  const env = { DATABASE_URL: server.url({ password: 'longandwrong' }) }
  const run = startRun()
  const all = await Promise.all([1, 2, 3, 4].map(() => run.ask(['postgres'], { env })))
  const [one] = await decide(['postgres'], asWorker(run, env))
  expect(all.flat()).toEqual([one, one, one, one].map(it => JSON.parse(JSON.stringify(it))))
  expect(one).toMatchObject({ decision: 'fail', reason: 'authentication-failed', exitStatus: 78, env: {} })
  expect(one?.message).toContain('password')
  expect(one?.message).not.toContain('longandwrong')
  expect(one?.url).toBeUndefined()
  expect(server.rejectedLogins()).toBe(1)
})

test.each(['0', '1ms'])(
  'a rejected login is tried once in a run, also where answers hold %s',
  async holds => {
    const server = await startPostgres({ auth: 'scram-sha-256' })
    onTestFinished(() => server.remove())
    const env = { DATABASE_URL: server.url({ password: 'longandwrong' }), HOLDFAST_AVAILABILITY: holds }
    const run = startRun()
    await Promise.all([1, 2, 3, 4].map(() => run.ask(['postgres'], { env })))
    for (const _ of [1, 2]) expect(await run.ask(['postgres'], { env })).toMatchObject([{ decision: 'fail' }])
    const [right] = await run.ask(['postgres'], { env: { ...env, DATABASE_URL: server.url() } })
    expect(right?.decision).toBe('real')
    expect(server.rejectedLogins()).toBe(1)
    await startRun().ask(['postgres'], { env: { ...env, TMPDIR: run.temp } })
    expect(server.rejectedLogins()).toBe(2)
  },
)

test('timers that tests put in place of the real ones hold no decision up', async () => {
  const worker = asWorker(startRun(), {
    REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    DATABASE_URL: sharedPostgres().url(),
    HOLDFAST_STANDIN: 'pglite',
  })
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const decided = await decide(['redis', 'postgres'], worker)
  expect(decided.map(one => one.decision)).toEqual(['skip', 'real'])
})

test('a server that came back is used again once the answer has run out', async () => {
  const server = await startRedis()
  onTestFinished(() => server.remove())
  const worker = asWorker(startRun(), { REDIS_URL: server.url(), HOLDFAST_AVAILABILITY: '1ms' })
  const decision = async () => (await decide(['redis'], worker))[0]?.decision
  expect(await decision()).toBe('real')
  await server.stop()
  expect(await decision()).toBe('stand-in')
  await server.start()
  expect(await decision()).toBe('real')
})

test('while an answer holds nobody is asked', async () => {
  const server = await startRedis()
  onTestFinished(() => server.remove())
  const worker = asWorker(startRun(), { REDIS_URL: server.url() })
  await decide(['redis'], worker)
  const seen = server.connectionsSeen()
  await decide(['redis'], worker)
  decideSync(['redis'], worker)
  expect(server.connectionsSeen()).toBe(seen)
})

/** What runs keep for their workers. */
const keptIn = ({ temp }: TestRun) =>
  readdirSync(temp)
    .filter(name => name.startsWith('holdfast-availability-'))
    .flatMap(name => readdirSync(join(temp, name)).map(file => join(temp, name, file)))
    .filter(file => /\/run-[^/]*$/.test(file))

/** Another process of the run, which cannot start a program. */
async function another(names: readonly string[], worker: ReturnType<typeof asWorker>, id: string) {
  vi.resetModules()
  const { decideSync } = await import('../../src/testing/decide.js')
  const { execPath } = process
  process.execPath = '/no/such/program'
  try {
    return decideSync(names, { ...worker, env: { ...worker.env, VITEST_WORKER_ID: id } })
  } finally {
    process.execPath = execPath
  }
}

test('what one worker was told holds for the others of its run, which start nothing for it', async () => {
  const run = startRun()
  const env = { DATABASE_URL: sharedPostgres().url(), KAFKA_URL: 'kafka://127.0.0.1:1' }
  const worker = asWorker(run, env)
  const names = ['postgres', 'kafka']
  const first = decideSync(names, worker)
  expect(await another(names, worker, '2')).toEqual(first)
  expect(keptIn(run).map(file => statSync(file).mode & 0o777)).toEqual([0o600])
  const changed = { ...worker, env: { ...worker.env, DATABASE_URL: sharedPostgres().url({ database: 'x' }) } }
  await expect(another(names, changed, '3')).rejects.toThrow('ENOENT')
  const later = startRun()
  await expect(another(names, { ...worker, env: later.env }, '4')).rejects.toThrow('ENOENT')
  run.kill()
  await expect.poll(() => isAlive(rootOf(run))).toBe(false)
  await later.ask(['kafka'], { env: { TMPDIR: run.temp, KAFKA_URL: 'kafka://127.0.0.1:2' } })
  expect(keptIn(run)).toEqual([])
})

test('what was decided about a stand-in goes when the stand-in does, and with the run', async () => {
  const run = startRun()
  const worker = asWorker(run)
  const [first] = decideSync(['redis'], worker)
  expect(await another(['redis'], worker, '2')).toEqual([first])
  const [server = 0] = run
    .keepers()
    .flatMap(descendants)
    .filter(pid => /redis|valkey/.test(commandLine(pid)))
  process.kill(server, 'SIGKILL')
  await expect.poll(() => keptIn(run)).toEqual([])
  vi.resetModules()
  const { decideSync: anew } = await import('../../src/testing/decide.js')
  expect(anew(['redis'], worker)[0]?.url).not.toBe(first?.url)
  expect(keptIn(run)).toHaveLength(1)
  run.kill()
  await expect.poll(() => keptIn(run), { timeout: 3_000 }).toEqual([])
})

test('in CI a configured service that is absent fails', async () => {
  const env = { CI: 'true', REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
  const [found] = await decide(['redis'], asWorker(startRun(), env))
  expect(found).toMatchObject({ decision: 'fail', reason: 'connection-refused', exitStatus: 69 })
  expect(found?.message).toContain('--allow-stand-in')
})

test('each decision of a suite is recorded once', async () => {
  const run = startRun()
  const worker = asWorker(run, {
    HOLDFAST_JOURNAL: join(run.cwd, 'journal.ndjson'),
    REDIS_URL: sharedRedis().url(),
    GITHUB_RUN_ID: '42',
    GITHUB_SHA: 'a'.repeat(40),
    VITEST_POOL_ID: '7',
  })
  for (const suite of ['a.test.ts', 'b.test.ts', 'a.test.ts']) {
    await decide(['redis'], { ...worker, suite })
    decideSync(['redis', 'mongodb'], { ...worker, suite })
  }
  const entries = journal(run)
  expect(entries.map(one => [one.suite, one.service, one.decision])).toEqual([
    ['a.test.ts', 'redis', 'real'],
    ['a.test.ts', 'mongodb', 'skip'],
    ['b.test.ts', 'redis', 'real'],
    ['b.test.ts', 'mongodb', 'skip'],
  ])
  expect(entries[0]).toMatchObject({ kind: 'decision', run: '42', worker: '7', commit: 'a'.repeat(40) })
})

test('a journal that cannot be written fails nothing', async () => {
  const run = startRun()
  writeFileSync(join(run.cwd, 'file'), '')
  const env = { HOLDFAST_JOURNAL: join(run.cwd, 'file/journal.ndjson'), REDIS_URL: sharedRedis().url() }
  const [found] = await decide(['redis'], { ...asWorker(run, env), suite: 'c.test.ts' })
  expect(found?.decision).toBe('real')
})

test('a set-up says what each service is, and ends what it started', async () => {
  const run = startRun()
  assign({ ...run.env, CI: '', HOLDFAST_SERVICE: 'redis' })
  const lines: string[] = []
  const { provided, tearDown } = await setUpRun({ cwd: run.cwd, say: text => lines.push(text) })
  expect(provided).toMatchObject([{ name: 'redis', decision: 'stand-in' }])
  expect(lines.join('')).toMatch(/^holdfast: redis: stand-in: .*\n$/)
  expect(await run.ask(['redis'])).toMatchObject([{ url: provided[0]?.url }])
  await tearDown()
  expect(run.directories()).toEqual([])
})

test('a set-up with a service that is broken fails the run once, and leaves nothing', async () => {
  const server = await startRedis({ password: 'right' })
  onTestFinished(() => server.remove())
  const run = startRun()
  assign({ ...run.env, CI: '', REDIS_URL: server.url().replace('right', 'quitewrong') })
  const said = setUpRun({ cwd: run.cwd, say: () => {} })
  await expect(said).rejects.toMatchObject({ exitStatus: 78, message: expect.stringContaining('redis: ') })
  expect(run.keepers()).toEqual([])
  expect(run.directories()).toEqual([])
})
