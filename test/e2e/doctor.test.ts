import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type CliOptions, holdfast, spawnHoldfast } from '../support/cli.js'
import { startPeer } from '../support/peer.js'
import { refused, silent } from '../support/peers.js'
import { startPostgres } from '../support/postgres.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { doctor, doctorJson, folderWith } from './doctor-scene.js'
import { differences, OBEYED, parseXml, screenOf } from './documents.js'
import { expectComplaint } from './outcome.js'

const ours: { remove(): Promise<void> }[] = []
afterAll(() => Promise.all(ours.map(server => server.remove())))

const started: typeof startPostgres = async options => {
  const server = await startPostgres(options)
  ours.push(server)
  return server
}

/** A folder with a configuration of a sound shop. */
const shop = () =>
  folderWith({
    'holdfast.config.json': JSON.stringify({
      targets: {
        db: { url: sharedPostgres().url(), schema: { tables: ['pg_class'], columns: ['pg_class.relname'] } },
        cache: sharedRedis().url(),
      },
    }),
  })

describe('a healthy shop', () => {
  test.concurrent('is summed up in a table and one line', async ({ expect }) => {
    const { status, stderr, last } = await doctor([], { cwd: shop() })
    expect(status, stderr).toBe(0)
    expect(stderr).toMatch(/^ {2}target +basic +retry +concurrent +health +schema +passed +reached +server$/m)
    expect(stderr).toMatch(/^ {2}db +(✓ \S+ m?s +){5}5\/5 +127\.0\.0\.1:\d+ +PostgreSQL \S+$/m)
    expect(stderr).toMatch(/^ {2}cache .* skipped +4\/5, 1 skipped /m)
    expect(last).toMatch(/^holdfast: db 5\/5 passed; cache 4\/5 passed, 1 skipped after /)
  })

  test.concurrent('with --all shows layers, facts and what each examination saw', async ({ expect }) => {
    const { stderr } = await doctor(['--all'], { cwd: shop() })
    for (const seen of [
      /^ {4}✓ auth +\S+ ms$/m,
      /^ {4}✓ concurrent +\S+ m?s 20 of 20 connections answered$/m,
      /^ {4}✓ schema .* 1 table, 1 column$/m,
      /^ {6}latencyP95Ms +\d/m,
      /^ {6}password +set \(configuration: db\)$/m,
    ])
      expect(stderr).toMatch(seen)
  })

  test.concurrent('says nothing with -q, and on a terminal leaves the table alone', async ({ expect }) => {
    expect(await doctor(['-q'], { cwd: shop() })).toMatchObject({ status: 0, stderr: '' })
    const { stdout } = await holdfast(['doctor'], { cwd: shop(), tty: true, env: { NO_COLOR: '1' } })
    const screen = screenOf(stdout).filter(line => line !== '')
    expect(screen.filter(line => !/^ {2}--all shows \d+ more$/.test(line))).toHaveLength(4)
    expect(screen.at(-1)).toMatch(/^holdfast: db 5\/5 passed/)
  })

  test.concurrent('leaves no connection open, and writes only where that is asked for', async ({
    expect,
  }) => {
    const server = await started({ settings: { log_statement: 'mod' } })
    expect((await doctor([server.url()])).status).toBe(0)
    expect(await server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'")).toBe('0')
    expect(server.log()).not.toMatch(/statement: .*(INSERT|CREATE|UPDATE|DELETE|ALTER)/i)
    expect((await doctor([server.url(), '--until', 'write'])).status).toBe(0)
    expect(server.log()).toMatch(/CREATE TEMPORARY TABLE holdfast_probe/)
  })
})

describe('--json prints one document that fits the schema', () => {
  const unheard = async () => {
    const { host, port } = await refused()
    return `redis://${host}:${port}`
  }
  const wrong = () => sharedPostgres().url({ password: 'wrong' })
  const lacking = (): CliOptions => ({
    cwd: folderWith({
      'holdfast.config.json': JSON.stringify({
        targets: { db: { url: sharedPostgres().url(), schema: { tables: ['nope'] } } },
      }),
    }),
  })

  test.concurrent.each<[string, () => string[] | Promise<string[]>, () => CliOptions, number, string[]]>([
    ['sound', () => [], () => ({ cwd: shop() }), 0, ['ready', 'ready']],
    ['refused', async () => [await unheard()], () => ({}), 69, ['waiting']],
    ['rejected', () => [wrong()], () => ({}), 78, ['broken']],
    ['without its database', () => [sharedPostgres().url({ database: 'no' })], () => ({}), 78, ['broken']],
    ['without its schema', () => [], lacking, 65, ['waiting']],
    [
      'one sound, one not',
      async () => [sharedRedis().url(), await unheard()],
      () => ({}),
      69,
      ['ready', 'waiting'],
    ],
    [
      'a command and a port',
      () => ['exec:true', `tcp://127.0.0.1:${sharedRedis().port}`],
      () => ({}),
      0,
      ['ready', 'ready'],
    ],
    [
      'a port that is not written to',
      () => [`tcp://127.0.0.1:${sharedRedis().port}`, '--until', 'write'],
      () => ({}),
      0,
      ['ready'],
    ],
    ['a command that fails', () => ['exec:false'], () => ({}), 69, ['waiting']],
    ['no deeper than tcp', () => [wrong(), '--until', 'tcp'], () => ({}), 0, ['ready']],
  ])('%s', async (_, args, options, status, wanted) => {
    const { document, stderr, ...result } = await doctorJson(await args(), options())
    expect(result.status, JSON.stringify(document)).toBe(status)
    expect(differences(document)).toEqual([])
    expect(document).toMatchObject({ verb: 'doctor', ok: status === 0 })
    expect(document.targets.map(({ state }) => state)).toEqual(wanted)
    for (const { examinations } of document.targets)
      expect(examinations.map(({ examination }) => examination)).toEqual([
        'basic',
        'retry',
        'concurrent',
        'health',
        'schema',
      ])
    expect(stderr).toBe('')
  })

  test.concurrent('whose fault has its reason, its fix and the heals of the table', async ({ expect }) => {
    const { target } = await doctorJson([`db=${wrong()}`])
    expect(target).toMatchObject({
      name: 'db',
      reason: 'authentication-failed',
      code: '28P01',
      heals: 'never',
      attempts: 1,
      readyAfterMs: null,
      fix: `psql -h 127.0.0.1 -p ${sharedPostgres().port} -U "\${PGADMIN:-postgres}" -d postgres -c 'DO $$BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN END$$' -c '\\password app'`,
    })
  })

  test.concurrent('and as ndjson, each examination before it', async ({ expect }) => {
    const { stdout } = await holdfast(['doctor', '--format', 'ndjson', sharedRedis().url()])
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(lines.slice(0, -1).map(({ event, examination }) => [event, examination])).toEqual(
      ['basic', 'retry', 'concurrent', 'health', 'schema'].map(name => ['examination', name]),
    )
    expect(lines.at(-1)).toMatchObject({ event: 'end', exitStatus: 0 })
    expect(differences(lines.at(-1))).toEqual([])
  })
})

test.concurrent('--junit writes a case for each examination, and a build server gets annotations', async ({
  expect,
}) => {
  const cwd = folderWith({})
  const files = { junit: join(cwd, 'doctor.xml'), summary: join(cwd, 'summary.md') }
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: files.summary }
  const url = sharedPostgres().url({ database: 'no<w>' })
  const { stderr } = await doctor([`db=${url}`, '--junit', files.junit], { cwd, env })
  const suite = parseXml(readFileSync(files.junit, 'utf8'))
  expect(suite.attributes).toMatchObject({ tests: '5', failures: '1', skipped: '4' })
  const [basic] = suite.children
  expect(basic?.attributes).toMatchObject({ classname: 'holdfast.doctor.db', name: 'basic' })
  expect(basic?.children[0]?.text).toContain('createdb -h 127.0.0.1')
  expect(stderr).toMatch(/^::error title=holdfast%3A db%3A database-not-found::.*createdb/m)
  const summary = readFileSync(files.summary, 'utf8')
  expect(summary).toMatch(/^\| db \| basic \| failed \|/m)
  expect(summary).toMatch(/```sh\ncreatedb /)
})

describe('no secret is shown', () => {
  const SECRET = 'hunter2-geheim'

  test.concurrent.each<[string, () => string | Promise<string>]>([
    ['a rejected login', () => sharedPostgres().url({ password: SECRET })],
    ['a name that does not resolve', () => `postgres://app:${SECRET}@dbb:5432/app`],
    ['a port that refuses', async () => `redis://:${SECRET}@127.0.0.1:${(await refused()).port}`],
    ['another service', () => `postgres://app:${SECRET}@127.0.0.1:${sharedRedis().port}/app`],
    ['a server without that password', () => sharedRedis().url({ password: SECRET })],
  ])('of %s, anywhere', async (_, address) => {
    const cwd = folderWith({})
    const files = [join(cwd, 'junit.xml'), join(cwd, 'summary.md')] as const
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: files[1], DATABASE_URL: await address() }
    const runs = await Promise.all([
      holdfast(['doctor', 'env:DATABASE_URL', '--all', '-v', '--junit', files[0]], { cwd, env }),
      holdfast(['doctor', env.DATABASE_URL, '--json'], { cwd }),
      holdfast(['doctor', 'env:DATABASE_URL', '--format', 'ndjson'], { env }),
    ])
    const written = [
      ...runs.flatMap(run => [run.stdout, run.stderr]),
      ...files.map(file => readFileSync(file, 'utf8')),
    ]
    expect(runs[0].stderr).toContain('basic failed')
    for (const text of written) {
      expect(text).not.toContain(SECRET)
      expect(text).not.toMatch(OBEYED)
    }
  })
})

describe('a usage error names the option and the value', () => {
  test.concurrent.each<[string[], RegExp]>([
    [[], /no target: .* Try: holdfast doctor postgres:/],
    [['--threshold', '120', 'tcp://h:1'], /--threshold: "120" is not a percentage/],
    [['--connections', '0', 'tcp://h:1'], /--connections: "0" is not a whole number/],
    [['--timeout', '0', 'tcp://h:1'], /--timeout: "0" leaves no time/],
    [['--quiet', '--all', 'tcp://h:1'], /--quiet contradicts --all/],
    [['tcp://h:1', '--', 'true'], /doctor runs no COMMAND/],
    [['--until', 'wrte', 'tcp://h:1'], /"wrte" is not one of .*; did you mean write/],
    [['--junit', '/no/such/folder/x.xml', 'tcp://h:1'], /--junit: .*ENOENT/],
  ])('%j', async (args, what) => {
    expectComplaint(await holdfast(['doctor', ...args]), 64, what)
  })
})

test.concurrent('the time for everything holds, and what hangs is named', async ({ expect }) => {
  const mute = await startPeer(silent)
  try {
    const { status, target, document } = await doctorJson([mute.url('postgres'), '--timeout', '1500ms'])
    expect(status).toBe(69)
    expect(target.reason).toBe('connect-timeout')
    expect(document.durationMs).toBeLessThan(4000)
  } finally {
    await mute.close()
  }
})

test.concurrent('an interrupted run ends by its signal', async ({ expect }) => {
  const mute = await startPeer(silent)
  try {
    const running = spawnHoldfast(['doctor', mute.url('postgres')], { input: '' })
    await mute.waitForConnection()
    running.kill('SIGTERM')
    expect((await running.exited).status).toBe(143)
  } finally {
    await mute.close()
  }
})

test.concurrent('a configuration that asks for writing is not followed, and its other words are', async ({
  expect,
}) => {
  const server = await started({ settings: { log_statement: 'mod' } })
  const config = {
    until: 'write',
    targets: { db: { url: server.url(), until: 'write', query: 'SELECT false' } },
    doctor: { connections: 3 },
  }
  const cwd = folderWith({ 'holdfast.config.json': JSON.stringify(config) })
  const { status, target } = await doctorJson([], { cwd })
  expect([status, target.reason]).toEqual([69, 'unmet'])
  expect(target.examinations[2]?.message).toBe('3 of 3 connections answered')
  expect(server.log()).not.toMatch(/statement: .*CREATE/)
})
