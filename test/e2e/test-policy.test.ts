import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Config } from '../../src/config/config.js'
import { holdfast, holdfastCommand } from '../support/cli.js'
import { NETNS, runInNetns } from '../support/netns.js'
import { startRedis } from '../support/redis.js'
import { freePort, tempFolder } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'

const absent = async () => `postgres://app:longpassword@127.0.0.1:${await freePort()}/app`
const TOLD = ['sh', '-c', 'echo "$HOLDFAST_TARGET_POSTGRES $HOLDFAST_TARGET_POSTGRES_WITH"']

/** A folder with this configuration. */
function project(config: Config): string {
  const cwd = tempFolder('project')
  writeFileSync(join(cwd, 'holdfast.config.json'), JSON.stringify(config))
  return cwd
}

describe('what is required', () => {
  test.each<[string, Record<string, string>, string[], Config]>([
    ['HOLDFAST_REQUIRE=postgres', { HOLDFAST_REQUIRE: 'redis,postgres' }, [], {}],
    ['HOLDFAST_REQUIRE=all', { HOLDFAST_REQUIRE: 'all' }, [], {}],
    ['--require', {}, ['--require', 'redis', '--require', 'postgres', '--allow-stand-in'], {}],
    [
      'test.service.postgres.require',
      {},
      ['--allow-skip'],
      { test: { service: { postgres: { require: true } } } },
    ],
  ])('by %s fails also on a laptop, with what to do about it', async (by, env, args, config) => {
    const { status, stdout, stderr } = await holdfast(['test', ...args, '--', 'echo', 'ran'], {
      env: { ...env, DATABASE_URL: await absent() },
      cwd: project(config),
    })
    expect(status, stderr).toBe(69)
    expect(stdout).toBe('')
    expect(stderr).toContain(`${by.split('=')[0]}`)
    expect(stderr).toMatch(/takes nothing but the real postgres: start it \(docker compose up -d/)
  })

  test.each([
    ['--require', {}, ['--require', 'redis']],
    ['HOLDFAST_REQUIRE', { HOLDFAST_REQUIRE: 'redis', CI: 'true' }, []],
  ])('by %s fails where nothing configures it', async (by, env, args) => {
    const { status, stdout, stderr } = await holdfast(['test', ...args, '--', 'echo', 'ran'], {
      env: { ...env, DATABASE_URL: sharedPostgres().url() },
    })
    expect(status, stderr).toBe(69)
    expect(stdout).toBe('')
    expect(stderr).toContain(`no address is configured for redis. ${by} takes nothing but the real redis`)
  })

  test('and there is as it was', async () => {
    const env = { HOLDFAST_REQUIRE: 'all', DATABASE_URL: sharedPostgres().url() }
    expect((await holdfast(['test', '--', ...TOLD], { env })).stdout).toBe('real \n')
  })

  test.each([
    [{ HOLDFAST_REQUIRE: 'postgers' }, [], /HOLDFAST_REQUIRE: "postgers".*did you mean postgres\?/],
    [{ HOLDFAST_REQUIRE: ',' }, [], /HOLDFAST_REQUIRE: "," names nothing/],
    [{}, ['--require', 'rediss'], /--require: "rediss".*did you mean redis\?/],
    [{ HOLDFAST_OFFLINE: 'perhaps' }, [], /HOLDFAST_OFFLINE: "perhaps"/],
    [{ HOLDFAST_AVAILABILITY: 'long' }, [], /HOLDFAST_AVAILABILITY: "long" is not a duration/],
  ])('%j %j is a usage error before anything starts', async (env, args, message) => {
    const { status, stderr } = await holdfast(['test', ...args, '--', 'true'], { env })
    expect(status).toBe(64)
    expect(stderr).toMatch(message)
  })
})

describe('with CI=true and an address configured', () => {
  test.each<[string, NonNullable<Config['test']>, string[], number, string]>([
    ['nothing is allowed', {}, [], 69, ''],
    ['a stand-in is', { service: { postgres: { allowStandIn: true } } }, [], 0, 'stand-in system-postgres\n'],
    ['a skip is', { service: { db: { allowSkip: true } } }, [], 0, 'skip \n'],
    ['it is for another service', { service: { redis: { allowSkip: true } } }, [], 69, ''],
    [
      'the option comes before the section',
      { service: { db: { allowSkip: false } } },
      ['--allow-skip'],
      0,
      'skip \n',
    ],
    ['no rung is left', { allowStandIn: true, service: { db: { rungs: [] } } }, [], 69, ''],
  ])('%s', async (_, section, args, expected, out) => {
    const cwd = project({ targets: { db: 'env:DATABASE_URL' }, test: section })
    const command = ['sh', '-c', 'echo "$HOLDFAST_TARGET_DB $HOLDFAST_TARGET_DB_WITH"']
    const env = { CI: 'true', DATABASE_URL: await absent() }
    const { status, stdout, stderr } = await holdfast(['test', ...args, '--', ...command], { env, cwd })
    expect(status, stderr).toBe(expected)
    expect(stdout).toBe(out)
  })
})

test('the rungs that are named are taken in their order', async () => {
  const cwd = project({
    test: { service: { postgres: { rungs: ['pglite', 'system-postgres'], needs: ['icu'] } } },
  })
  const { stdout } = await holdfast(['test', '--json', '--', 'true'], { cwd })
  expect(JSON.parse(stdout).decisions).toMatchObject([
    { with: 'system-postgres', passedOver: [{ with: 'pglite', why: 'lacks icu' }] },
  ])
})

describe('below holdfast test', () => {
  const program = fileURLToPath(new URL('../../dist/children/decide.js', import.meta.url))
  const ask = `echo '{"names":["redis"],"options":{}}' | "${process.execPath}" ${program}`

  test('its options hold for the adapters, and what it began with is not replaced', async () => {
    const server = await startRedis()
    onTestFinished(() => server.remove())
    const env = { HOLDFAST_AVAILABILITY: '0', REDIS_URL: server.url() }
    const below = `kill -9 ${server.pid}; while kill -0 ${server.pid} 2>&-; do :; done; cd /; env | grep ^HOLDFAST_ALLOW; ${ask}`
    const { stdout, stderr } = await holdfast(['test', '--allow-skip', '--', 'sh', '-c', below], { env })
    const [allowed, answer = ''] = stdout.split('\n')
    expect(allowed, stderr).toBe('HOLDFAST_ALLOW_SKIP=1')
    expect(JSON.parse(answer).provided).toMatchObject([
      {
        decision: 'fail',
        message: expect.stringContaining('This run of holdfast test began with the real redis'),
      },
    ])
  })

  test('what outlived its run means nothing, and no secret of COMMAND is recorded', async () => {
    const cwd = project({})
    const env = {
      HOLDFAST_JOURNAL: join(cwd, 'journal.ndjson'),
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    }
    const args = ['test', '--', 'sh', '-c', 'env', '--db-password', 'hunter2', '-phunter2']
    const stale = (await holdfast(args, { env, cwd })).stdout.split('\n').flatMap(line => {
      const [, name = '', value = ''] = /^(HOLDFAST_(?:DECISIONS|KEEPER|RUN_ROOT))=(.*)$/.exec(line) ?? []
      return name ? [[name, value]] : []
    })
    expect(stale).toHaveLength(3)
    expect(readFileSync(env.HOLDFAST_JOURNAL, 'utf8')).not.toContain('hunter2')
    const again = spawnSync('sh', ['-c', ask], {
      cwd,
      env: { ...process.env, TMPDIR: tempFolder('temp'), ...env, ...Object.fromEntries(stale) },
      encoding: 'utf8',
    })
    expect(JSON.parse(again.stdout).provided, again.stderr).toMatchObject([{ decision: 'stand-in' }])
  })
})

describe('without a network', () => {
  test('that HOLDFAST_OFFLINE tells, nothing beyond this machine is asked, and what is on it is', async () => {
    const away = 'postgres://app:longpassword@203.0.113.1/app'
    const { status, stdout, stderr } = await holdfast(
      ['test', '--json', `away=${away}`, `here=${sharedPostgres().url()}`, '--', 'true'],
      { env: { HOLDFAST_OFFLINE: '1' } },
    )
    expect(status, stderr).toBe(0)
    expect(JSON.parse(stdout).decisions).toMatchObject([
      { target: 'away', decision: 'stand-in', reason: 'host-unreachable' },
      { target: 'here', decision: 'real' },
    ])
    expect(JSON.parse(stdout).targets).toHaveLength(2)
    expect(stdout).toContain('HOLDFAST_OFFLINE is set')
    expect(stdout + stderr).not.toContain('longpassword')
  })

  const sections: Config = {
    targets: { db: `postgres://app@${NETNS.unreachable}/app`, other: 'postgres://app@db.example.com/app' },
    test: {
      service: { postgres: { require: true } },
      offline: { postgres: { require: false, rungs: ['system-postgres'] } },
    },
  }

  test.each([
    ['is noticed, its section holds and the suite runs on stand-ins', {}, 0, /Offline: test\.offline holds/],
    [
      'is not looked for with HOLDFAST_OFFLINE=0',
      { HOLDFAST_OFFLINE: '0' },
      69,
      /test\.service\.postgres\.require/,
    ],
  ])('%s', async (_, env, expected, message) => {
    const query = 'psql -qXAt "$DATABASE_URL" -c "SELECT 1"; psql -qXAt "$OTHER_URL" -c "SELECT 2"'
    const options = { env, cwd: project(sections) }
    const { command, ...rest } = holdfastCommand(['test', '--', 'sh', '-c', query], options)
    const { status, stdout, stderr } = await runInNetns(command, rest)
    expect(status, stderr).toBe(expected)
    expect(stderr).toMatch(message)
    expect(stdout).toBe(expected === 0 ? '1\n2\n' : '')
  })
})

test('what a run found is kept for its workers, who need not ask', async () => {
  const url = sharedPostgres().url()
  const list = 'ls "$TMPDIR"/holdfast-availability-*'
  const { stdout } = await holdfast(['test', '--', 'sh', '-c', list], { env: { DATABASE_URL: url } })
  expect(stdout).toMatch(/^[0-9a-f]{40}\.json\nsalt\n$/)
})
