import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CliOptions, holdfast, spawnHoldfast } from '../support/cli.js'
import { belongings, leftSince } from '../support/leaks.js'
import { refused } from '../support/peers.js'
import { isAlive, untilDead } from '../support/proc.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { differences } from './documents.js'
import { expectComplaint } from './outcome.js'
import { silencing } from './production.js'

/** A folder with a configuration of the shared database. */
function start(db: object = {}, more: object = {}): CliOptions {
  const cwd = tempFolder('start')
  silencing(cwd, { targets: { db: { url: 'env:DATABASE_URL', ...db } }, ...more })
  return { cwd, env: { DATABASE_URL: sharedPostgres().url() }, timeoutMs: 30_000 }
}

const EXPECTED = { schema: { tables: ['pg_catalog.pg_class'] } }

test('each stage is a line as it ends, and a row of a table at the end; then COMMAND runs with its status', async () => {
  const { status, stdout, stderr } = await holdfast(
    ['run', '--migrate', 'true', '--', 'sh', '-c', 'echo up; exit 7'],
    start(EXPECTED),
  )
  expect({ status, stdout }, stderr).toEqual({ status: 7, stdout: 'up\n' })
  const stages = ['config', 'wait', 'migrate', 'schema', 'deploy']
  const lines = [...stderr.matchAll(/^holdfast: +[\d.]+ m?s {2}(\w+) {2}passed/gm)].map(match => match[1])
  const rows = [...stderr.matchAll(/^ {2}(\w+) +[\d.]+ m?s {2}passed/gm)].map(match => match[1])
  expect({ lines, rows }).toEqual({ lines: stages, rows: stages })
  expect(stderr).toMatch(/holdfast: 5 passed after/)
})

test('--quiet says nothing of a start that goes well', async () => {
  const { status, stdout, stderr } = await holdfast(['run', '-q', '--', 'echo', 'up'], start(EXPECTED))
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'up\n', stderr: '' })
})

test('without COMMAND the stages are all there is', async () => {
  const { status, stdout } = await holdfast(['run'], start(EXPECTED))
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
})

test('ndjson tells each stage as it ends, and the last document all of them', async () => {
  const { stdout } = await holdfast(['run', '--format', 'ndjson'], start(EXPECTED))
  const events = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(events.flatMap(one => (one.event === 'stage' ? [one.stage] : []))).toEqual([
    'config',
    'wait',
    'schema',
    'deploy',
  ])
  expect(differences(events.at(-1))).toEqual([])
})

test('on GitHub a failed stage is an annotation', async () => {
  const { stderr } = await holdfast(['run', '--format', 'github'], start({ schema: { tables: ['nowhere'] } }))
  expect(stderr).toContain('::error title=holdfast%3A schema failed::db: missing: table nowhere')
})

describe('a stage that fails ends the start, the others are skipped, and COMMAND does not run', () => {
  const failing = async (args: readonly string[], options: CliOptions) => {
    const { status, json, stderr } = await holdfast(['run', '--json', ...args, '--', 'echo', 'RAN'], options)
    const { stages } = json<{ stages: { stage: string; state: string; message: string }[] }>()
    const states = Object.fromEntries(stages.map(one => [one.stage, one.state]))
    return { status, states, stderr }
  }

  test('configuration: 78', async () => {
    const { status, states } = await failing([], { ...start(), env: {} })
    expect({ status, states }).toEqual({
      status: 78,
      states: { config: 'failed', wait: 'skipped', schema: 'skipped', deploy: 'skipped' },
    })
  })

  test('waiting: 69', async () => {
    const { host, port } = await refused()
    const env = { DATABASE_URL: `postgres://app:pw-of-app@${host}:${port}/app` }
    const { status, states } = await failing(['--timeout', '200ms'], { ...start(EXPECTED), env })
    expect({ status, wait: states.wait, schema: states.schema }).toEqual({
      status: 69,
      wait: 'failed',
      schema: 'skipped',
    })
  })

  test('a wrong password: 78', async () => {
    const env = { DATABASE_URL: sharedPostgres().url({ password: 'wrong-one' }) }
    const { status, states, stderr } = await failing(['--grace', '0'], { ...start(), env })
    expect({ status, wait: states.wait }).toEqual({ status: 78, wait: 'failed' })
    expect(stderr).not.toContain('wrong-one')
  })

  test('schema: 65', async () => {
    const { status, states } = await failing([], start({ schema: { tables: ['nowhere'] } }))
    expect({ status, states }).toEqual({
      status: 65,
      states: { config: 'passed', wait: 'passed', schema: 'failed', deploy: 'skipped' },
    })
  })

  test('an expected query: 65, too', async () => {
    const { status } = await failing(['--migrate', 'true'], start({ query: 'SELECT false' }))
    expect(status).toBe(65)
  })

  test('production settings: 78', async () => {
    const options = start({}, { check: { failLevel: 'warning' } })
    const env = { DATABASE_URL: sharedPostgres().url(), NODE_ENV: 'development' }
    const { status, states } = await failing([], { ...options, env })
    expect({ status, deploy: states.deploy }).toEqual({ status: 78, deploy: 'failed' })
  })
})

test('a schema that somebody else migrates is waited for where until says so', async () => {
  const { sql } = sharedPostgres()
  const table = `late_${process.pid}`
  onTestFinished(async () => void (await sql(`DROP TABLE IF EXISTS ${table}`)))
  const cli = spawnHoldfast(
    ['run', '--', 'echo', 'up'],
    start({ until: 'schema', schema: { tables: [table] } }),
  )
  await cli.waitForStderr(/schema-missing/)
  await sql(`CREATE TABLE ${table} (id int)`)
  expect(await cli.exited).toMatchObject({ status: 0, stdout: 'up\n' })
})

describe('SIGTERM', () => {
  const interrupted = async (args: readonly string[], options: CliOptions, seen: RegExp) => {
    const cli = spawnHoldfast(args, options)
    await cli.waitForStderr(seen)
    const before = belongings({ temp: { folder: cli.temp } })
    cli.kill('SIGTERM')
    const { status, stdout, stderr } = await cli.exited
    expect({ status, stdout }, stderr).toEqual({ status: 143, stdout: '' })
    expect(stderr).toContain('interrupted by SIGTERM')
    expect(await leftSince(before)).toEqual([])
    const pid = /(?:smoke|module) is (\d+)/.exec(stderr)?.[1]
    if (pid) expect(isAlive(Number(pid))).toBe(false)
  }
  const run = (...more: string[]) => ['run', ...more, '--', 'echo', 'RAN']

  test('during the wait', async () => {
    const { host, port } = await refused()
    await interrupted(run(`redis://${host}:${port}`), start(), /connection-refused/)
  })

  test('during the check of the schema', async () => {
    const { sql } = sharedPostgres()
    const query = 'SELECT 1 AS run_stages FROM pg_sleep(30)'
    const options = start({ query })
    // The wait asks only whether the database is there, since --migrate may have to make what the query reads.
    const args = run('--migrate', 'true', '--attempt-timeout', '30s')
    await interrupted(args, options, /wait +passed/)
    await expect
      .poll(() =>
        sql(
          "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%AS run_stages FROM%' AND pid <> pg_backend_pid()",
        ),
      )
      .toBe('0')
  })

  test('during a smoke command, which ends with it', async () => {
    const args = ['run', '--validate', '--smoke', 'echo "smoke is $$"; sleep 30 & wait']
    await interrupted(args, start(), /smoke is \d+/)
  })

  test('during the import of a module, which ends with it', async () => {
    const options = start()
    const text =
      'console.log("module is " + process.pid); await new Promise(() => setInterval(() => {}, 1000))'
    writeFileSync(join(options.cwd as string, 'endless.mjs'), text)
    await interrupted(['run', '--validate', '--import-check', './endless.mjs'], options, /module is \d+/)
  })

  test('of COMMAND is passed on, and its status preserved', async () => {
    const script = 'trap \'kill $!; exit 23\' TERM; echo "up as $$"; sleep 30 & wait'
    const cli = spawnHoldfast(['run', '-q', '--', 'sh', '-c', script], start())
    const pid = Number((await cli.waitForStdout(/up as (\d+)/))[1])
    cli.kill('SIGTERM')
    expect((await cli.exited).status).toBe(23)
    expect(isAlive(pid)).toBe(false)
  })

  test('SIGKILL of holdfast does not leave COMMAND behind', async () => {
    const cli = spawnHoldfast(['run', '-q', '--', 'sh', '-c', 'echo "up as $$"; exec sleep 30'], start())
    const pid = Number((await cli.waitForStdout(/up as (\d+)/))[1])
    cli.kill('SIGKILL')
    await cli.ended
    await untilDead([pid])
  })
})

describe('wrong usage is 64', () => {
  test.each([
    [['--import-check', 'x'], /--import-check means nothing without --validate/],
    [['--health', 'http://x'], /--health means nothing without --up-for/],
    [['--validate', '--up-for', '1s'], /--up-for needs a COMMAND/],
    [['--timeout', '0'], /--timeout: "0" leaves no time/],
    [['-q', '-v'], /--quiet contradicts --verbose/],
    [['--fail-level', 'fatal'], /"fatal" is not one of info, warning, error/],
  ] as const)('%j', async (args, what) => {
    expectComplaint(await holdfast(['run', sharedRedis().url(), ...args]), 64, what)
  })

  test('the dashes before COMMAND are missing', async () => {
    const forgotten = await holdfast(['run', 'echo', 'a b'])
    expectComplaint(
      forgotten,
      64,
      /"echo" is a program, and not a target; write: holdfast run -- echo 'a b'$/m,
    )
    const { cwd = '', ...rest } = start()
    const after = await holdfast(['run', 'db', 'sh', '/x.sh', '--fail-level', 'error'], { cwd, ...rest })
    expectComplaint(after, 64, /write: holdfast run db -- sh \/x\.sh$/m)
  })

  test('nothing to wait for', async () => {
    const { status, stderr } = await holdfast(['run', '--', 'echo', 'RAN'])
    expect(status).toBe(64)
    expect(stderr).toContain('Try: holdfast run postgres://')
  })
})
