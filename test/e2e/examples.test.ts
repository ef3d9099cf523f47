import { readFileSync } from 'node:fs'
import { chmod, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { holdfast } from '../support/cli.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The environment of somebody who has node, npx and nothing else set. */
const plain = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  TMPDIR: process.env.TMPDIR ?? '/tmp',
}

test("the README's main job works as written, once it is installed and built", async () => {
  const line = /```sh\nnpm ci && npm run build && (node dist\/cli\.cjs test -- .*)\n```/.exec(readme)?.[1]
  const { status, stdout, stderr } = await run('sh', ['-c', line ?? 'exit 99'], { cwd: root, env: plain })
  expect(status, stderr).toBe(0)
  expect(stdout).toContain('wrote and read 2 rows on PostgreSQL')
  expect(stderr).toMatch(/postgres +ready +127\.0\.0\.1:\d+/)
})

test('the shell example writes and reads rows with psql', async () => {
  const { status, stdout, stderr } = await holdfast(['test', '--', join(root, 'examples/rows/rows.sh')])
  expect(status, stderr).toBe(0)
  expect(stdout).toContain('wrote and read 2 rows')
})

test('the example of metrics prints what OpenTelemetry got, and who held a client for too long', async () => {
  const env = { ...plain, DATABASE_URL: sharedPostgres().url() }
  const { status, stdout, stderr } = await run(process.execPath, ['examples/metrics/pool.mjs'], {
    cwd: root,
    env,
  })
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/held for too long:\n +at forgets \(.*pool\.mjs:\d+:\d+\)/)
  for (const name of ['connection.count', 'connection.wait_time', 'operation.duration'])
    expect(stdout).toContain(`name: 'db.client.${name}'`)
})

test('both examples say so when there is no database', async () => {
  const env = { HOLDFAST_TARGET_POSTGRES_REASON: 'it was skipped' }
  for (const [file, args] of [
    ['sh', ['examples/rows/rows.sh']],
    [process.execPath, ['examples/rows/rows.mjs']],
  ] as const) {
    const { status, stdout } = await run(file, [...args], { cwd: root, env: { ...plain, ...env } })
    expect([status, stdout]).toEqual([0, 'no database: it was skipped\n'])
  }
})

test('the Redis example counts, and says why where it cannot', async () => {
  const counted = (env: Record<string, string>) =>
    run(process.execPath, ['examples/redis/counter.mjs'], { cwd: root, env: { ...plain, ...env } })
  const { status, stdout, stderr } = await counted({ REDIS_URL: sharedRedis().url() })
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/^visit \d+\n$/)
  const none = await counted({})
  expect(none.stderr).toContain('the variable is not set')
})

const jestExample = (env: Record<string, string>) =>
  run(
    process.execPath,
    ['node_modules/jest/bin/jest.js', '-c', 'examples/jest/jest.config.cjs', '--verbose'],
    {
      cwd: root,
      env: { ...plain, ...env },
    },
  )

test('the Jest example runs on what the environment names', async () => {
  const { status, stderr } = await jestExample({ DATABASE_URL: sharedPostgres().url() })
  expect(status, stderr).toBe(0)
  expect(stderr).toMatch(/Tests: +3 passed/)
})

test('the Jest example skips what needs a database where there is none, and says why', async () => {
  const { status, stderr } = await jestExample({
    HOLDFAST_TARGET_POSTGRES: 'skip',
    HOLDFAST_TARGET_POSTGRES_REASON: 'by hand',
  })
  expect(status, stderr).toBe(0)
  expect(stderr).toMatch(/Tests: +2 skipped, 1 passed/)
  expect(stderr).toContain('are written and read (postgres: by hand)')
})

/** Their command lines in examples/README.md, with a reporter that is the same on every Node. */
const RUNNERS = {
  Vitest: [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'examples/vitest/vitest.config.mjs',
    '--reporter=verbose',
  ],
  'node:test': [
    ...['--require', 'holdfast/node-test/setup', '--test', '--test-reporter=spec'],
    'examples/node-test/rows.test.mjs',
  ],
}

test.each(Object.entries(RUNNERS))('the %s example runs on what the environment names', async (_, args) => {
  const env = { ...plain, DATABASE_URL: sharedPostgres().url() }
  const { status, stdout, stderr } = await run(process.execPath, args, { cwd: root, env })
  expect(status, stdout + stderr).toBe(0)
  expect(stripVTControlCharacters(stdout)).toMatch(/Tests +3 passed|pass 3/)
})

test.each(Object.entries(RUNNERS))('the %s example skips with the reason', async (_, args) => {
  const said = { HOLDFAST_TARGET_POSTGRES: 'skip', HOLDFAST_TARGET_POSTGRES_REASON: 'by hand' }
  const { status, stdout, stderr } = await run(process.execPath, args, {
    cwd: root,
    env: { ...plain, ...said },
  })
  expect(status, stdout + stderr).toBe(0)
  expect(stripVTControlCharacters(stdout)).toMatch(
    /1 passed \| 2 skipped|pass 1\n.*\n.*cancelled 0\n.*skipped 2/,
  )
  expect(stdout).toMatch(/are written and read.*postgres: by hand/)
})

test('the entrypoint waits for what the environment names and becomes the server', async () => {
  const bin = tempFolder('bin-')
  await symlink(join(root, 'dist', builtCli()), join(bin, 'holdfast'))
  await chmod(join(root, 'dist', builtCli()), 0o755)
  const env = {
    ...plain,
    PATH: `${bin}:${plain.PATH}`,
    DATABASE_URL: sharedPostgres().url(),
    REDIS_URL: sharedRedis().url(),
  }
  const { status, stdout, stderr } = await run(
    join(root, 'examples/gate/entrypoint.sh'),
    ['echo', 'serving'],
    { env },
  )
  expect(status, stderr).toBe(0)
  expect(stdout).toBe('serving\n')
  expect(stderr).toContain('2 of 2 ready')
})

test('the configuration waits for a schema', async () => {
  const env = { DATABASE_URL: sharedPostgres().url(), REDIS_URL: sharedRedis().url() }
  const cwd = join(root, 'examples/gate')
  const early = await holdfast(['wait', '--timeout', '300ms'], { env, cwd })
  expect(early.status).toBe(65)
  expect(early.stderr).toContain('missing: table visit, column visit.who')
  await sharedPostgres().sql('CREATE TABLE visit (who text)')
  const { status, stderr } = await holdfast(['wait'], { env, cwd })
  await sharedPostgres().sql('DROP TABLE visit')
  expect(status, stderr).toBe(0)
})

/** The file that package.json runs as `holdfast`. */
function builtCli(): string {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: { holdfast: string }
  }
  return bin.holdfast.replace('dist/', '')
}
