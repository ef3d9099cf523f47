import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../src/testing/fixtures.js'
import { closeKeeper } from '../../src/testing/keeper/client.js'
import { keeperIn } from '../../src/testing/keeper/directory.js'
import { runOf } from '../../src/testing/run.js'
import { holdfast } from '../support/cli.js'
import { startPostgres } from '../support/postgres.js'
import { commandLine, descendants, untilDead } from '../support/proc.js'
import { freePort } from '../support/root.js'
import { environmentOf, startRun } from '../support/runs.js'

const THREE_SECONDS = 3_000

test('two workers of a run share one stand-in, which outlives them', async () => {
  const run = startRun()
  const [first] = await run.ask(['redis'])
  expect(first).toMatchObject({ decision: 'stand-in', with: 'system-redis' })
  const [second] = await run.ask(['redis'])
  expect(second?.url).toBe(first?.url)
  const [other] = await startRun().ask(['redis'])
  expect(other?.url).not.toBe(first?.url)
})

test('sixteen workers that come at once start one keeper and one server', async () => {
  const run = startRun()
  const all = await Promise.all(Array.from({ length: 16 }, () => run.ask(['redis'])))
  expect(new Set(all.map(([one]) => one?.url)).size).toBe(1)
  expect(run.keepers()).toHaveLength(1)
  expect(run.directories()).toHaveLength(1)
}, 60_000)

test('nobody else may enter the directory of a run, or open its socket', async () => {
  const run = startRun()
  await run.ask(['redis'])
  const directory = join(run.temp, run.directories()[0] ?? '')
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  expect(statSync(keeperIn(directory)?.socket ?? '').mode & 0o777).toBe(0o600)
})

test('when the main process is killed, keeper, server and directory are gone within three seconds', async () => {
  const run = startRun()
  await run.ask(['redis', 'postgres'])
  const family = run.keepers().flatMap(pid => [pid, ...descendants(pid)])
  expect(family.length).toBeGreaterThan(3)
  run.kill()
  await untilDead(family, THREE_SECONDS)
  expect(run.directories()).toEqual([])
})

test('a keeper that is killed takes its servers with it, and the next worker starts another', async () => {
  const run = startRun()
  const [before] = await run.ask(['redis'])
  const [keeper] = run.keepers()
  // Process 0 would be all of our own group.
  if (!keeper) throw new Error('there is no keeper')
  const family = [keeper, ...descendants(keeper)]
  process.kill(keeper, 'SIGKILL')
  await untilDead(family, THREE_SECONDS)
  const [after] = await run.ask(['redis'])
  expect(after).toMatchObject({ decision: 'stand-in' })
  expect(after?.url).not.toBe(before?.url)
  expect(run.keepers()).toHaveLength(1)
})

test('the successor of a killed keeper makes databases for a worker that knew the first one', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  await server.sql('ALTER ROLE app CREATEDB', 'postgres')
  const run = startRun()
  const before = { ...process.env }
  Object.assign(process.env, run.env)
  onTestFinished(() => {
    for (const name of Object.keys(run.env)) delete process.env[name]
    Object.assign(process.env, before)
  })
  const [postgres] = await run.ask(['postgres'], { env: { DATABASE_URL: server.url() } })
  if (!postgres) throw new Error('one name has one answer')
  const database = async () => {
    const made = await open(postgres, { isolation: 'database' }, { suite: 's', test: 't' })
    await made.close({ failed: false })
    return made.fixture.url
  }
  const first = await database()
  const [keeper = Number.NaN] = run.keepers()
  process.kill(keeper, 'SIGKILL')
  await untilDead([keeper], THREE_SECONDS)
  expect(await database()).not.toBe(first)
})

test('a stand-in that is killed is not handed out again: the next worker gets a new one', async () => {
  const run = startRun()
  const [before] = await run.ask(['redis'])
  const server = run
    .keepers()
    .flatMap(descendants)
    .filter(pid => /redis|valkey/.test(commandLine(pid)))
  expect(server).toHaveLength(1)
  process.kill(server[0] ?? Number.NaN, 'SIGKILL')
  await untilDead(server, THREE_SECONDS)
  const [after] = await run.ask(['redis'])
  expect(after).toMatchObject({ decision: 'stand-in', with: 'system-redis' })
  expect(after?.url).not.toBe(before?.url)
  expect(run.keepers()).toHaveLength(1)
})

test('what a killed worker left in the directory of a run goes with a later run', async () => {
  const run = startRun()
  await run.ask(['redis'])
  const keepers = run.keepers()
  writeFileSync(join(run.temp, run.directories()[0] ?? '', 'lock-0.new'), '')
  run.kill()
  await untilDead(keepers, THREE_SECONDS)
  expect(run.directories()).toHaveLength(1)
  const later = startRun({ TMPDIR: run.temp })
  await later.ask(['redis'])
  await expect.poll(run.directories, { timeout: THREE_SECONDS }).toHaveLength(1)
})

test('the end of a set-up ends the keeper at once, and leaves nothing', async () => {
  const run = startRun()
  await run.ask(['redis'])
  const family = run.keepers().flatMap(pid => [pid, ...descendants(pid)])
  const [root = '', started = ''] = run.env.HOLDFAST_RUN_ROOT?.split(':') ?? []
  const before = process.env.TMPDIR
  process.env.TMPDIR = run.temp
  try {
    await closeKeeper(runOf({}, undefined, { pid: Number(root), started }), {})
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
  await untilDead(family, 1_000)
  expect(run.directories()).toEqual([])
})

test('what makes a Node program part of a test run does not reach the keeper', async () => {
  const run = startRun()
  const runner = {
    NODE_TEST_CONTEXT: 'child-v8',
    NODE_OPTIONS: '--no-warnings',
    VITEST: 'true',
    JEST_WORKER_ID: '3',
  }
  await run.ask(['redis'], { env: { ...runner, NODE_V8_COVERAGE: run.temp } })
  const names = environmentOf(run.keepers()[0] ?? 0).map(pair => pair.split('=')[0] ?? '')
  expect(names.filter(name => /^(NODE_|VITEST|JEST)/.test(name))).toEqual([])
})

test('below holdfast test its keeper is used, and its decisions hold with their reasons', async () => {
  const absent = `redis://127.0.0.1:${await freePort()}`
  const script = `echo '{"names":["cache","mongodb","mysql"],"options":{}}' | "$0" ${JSON.stringify(join(process.cwd(), 'dist/children/decide.js'))}; echo; echo "$REDIS_URL"`
  const { stdout, stderr, status } = await holdfast(
    ['test', `cache=${absent}`, 'mongodb://127.0.0.1:1/app', '--', 'sh', '-c', script, process.execPath],
    { env: { HOLDFAST_STANDIN: 'system' } },
  )
  expect(status, stderr).toBe(0)
  const [line = '', url] = stdout.split('\n')
  const [cache, mongodb, mysql] = JSON.parse(line).provided ?? [line]
  expect(cache).toMatchObject({
    name: 'cache',
    decision: 'stand-in',
    reason: 'connection-refused',
    with: 'system-redis',
    url,
  })
  expect(mongodb).toMatchObject({ decision: 'skip', reason: 'connection-refused' })
  expect(mongodb.url).toBeUndefined()
  expect(mysql).toMatchObject({ decision: 'stand-in', with: 'system-mariadb' })
})
