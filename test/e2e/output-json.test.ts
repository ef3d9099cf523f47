import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { holdfast, holdfastCommand } from '../support/cli.js'
import { type Peer, startPeer } from '../support/peer.js'
import { refused, silent } from '../support/peers.js'
import { run } from '../support/run.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { differences } from './documents.js'
import type { Document } from './outcome.js'

let mute: Peer
let nobody: string

beforeAll(async () => {
  mute = await startPeer(silent)
  const { host, port } = await refused()
  nobody = `redis://${host}:${port}`
})
afterAll(() => mute.close())

const wrong = () => sharedPostgres().url({ password: 'wrong' })
const limited = ['--timeout', '300ms']

/** Each way that a wait can end: what it is given, its status, and the states of its targets. */
const OUTCOMES: readonly [string, () => string[], number, string[]][] = [
  ['ready', () => [sharedPostgres().url(), sharedRedis().url(), 'exec:true'], 0, ['ready', 'ready', 'ready']],
  ['waiting for a port that refuses', () => [nobody, ...limited], 69, ['waiting']],
  ['waiting for a port that is silent', () => [mute.url('postgres'), ...limited], 69, ['waiting']],
  ['waiting for a name', () => ['tcp://no-such-name.invalid:80', ...limited], 69, ['waiting']],
  [
    'waiting for a query',
    () => [sharedPostgres().url(), '--query', 'SELECT false', ...limited],
    69,
    ['waiting'],
  ],
  ['waiting for a command', () => ['exec:exit 3', ...limited], 69, ['waiting']],
  [
    'waiting for a schema',
    () => [sharedPostgres().url(), '--query', 'SELECT 1 FROM no', ...limited],
    65,
    ['waiting'],
  ],
  ['broken', () => [wrong(), '--grace', '0'], 78, ['broken']],
  ['broken, and the other cut short', () => [nobody, wrong(), '--grace', '0'], 78, ['waiting', 'broken']],
  ['gone', () => ['--gone', nobody], 0, ['gone']],
  ['still there', () => ['--gone', sharedRedis().url(), ...limited], 69, ['waiting']],
  ['any, of which one is ready', () => ['--any', nobody, sharedRedis().url()], 0, ['waiting', 'ready']],
  [
    'any, of which none is',
    () => ['--any', nobody, wrong(), '--grace', '0', ...limited],
    78,
    ['waiting', 'broken'],
  ],
  ['once, ready', () => ['--once', sharedRedis().url()], 0, ['ready']],
  ['once, not ready', () => ['--once', nobody], 1, ['waiting']],
  ['to write', () => [sharedPostgres().url(), '--until', 'write'], 0, ['ready']],
]

describe('--json prints one document that fits the schema, and nothing else', () => {
  test.concurrent.each(OUTCOMES)('%s', async (_, args, status, states) => {
    const result = await holdfast(['wait', '--json', ...args()])
    expect(result.status, result.stderr).toBe(status)
    expect(result.stdout).toMatch(/^[^\n]+\n$/)
    const document = result.json<Document>()
    expect(differences(document)).toEqual([])
    expect(document).toMatchObject({ verb: 'wait', schema: 1, ok: status === 0, exitStatus: status })
    expect(document.targets.map(({ state }) => state)).toEqual(states)
    expect(result.stderr).toBe('')
  })

  test.concurrent('before what COMMAND writes', async ({ expect }) => {
    const { stdout } = await holdfast([
      'wait',
      '--json',
      sharedRedis().url(),
      '--',
      'echo',
      'from the command',
    ])
    const [document = '', ...rest] = stdout.split('\n')
    expect(differences(JSON.parse(document))).toEqual([])
    expect(rest).toEqual(['from the command', ''])
  })

  test.concurrent('also where the wait was interrupted, and by --format json', async ({ expect }) => {
    const { status, stdout } = await holdfast(['wait', '--format', 'json', nobody, ...limited])
    expect([status, differences(JSON.parse(stdout))]).toEqual([69, []])
  })

  test.concurrent.each([
    ['a usage error', ['postgres://h:x'], 64],
    ['no target', [], 64],
    ['a configuration that is not there', ['-c', 'nope.json'], 78],
  ] as const)('and none at all after %s', async (_, args, status) => {
    const result = await holdfast(['wait', '--json', ...args])
    expect([result.status, result.stdout]).toEqual([status, ''])
    expect(result.stderr).toMatch(/^holdfast: /)
  })
})

test('the document of a ready server has its evidence', async () => {
  const { stdout } = await holdfast(['wait', '--json', `db=${sharedPostgres().url()}`])
  const [target] = (JSON.parse(stdout) as { targets: unknown[] }).targets
  expect(target).toMatchObject({
    name: 'db',
    service: 'postgres',
    address: `postgres://app:***@127.0.0.1:${sharedPostgres().port}/app`,
    source: 'argument',
    state: 'ready',
    attempts: 1,
    readyAfterMs: expect.any(Number),
    server: { product: 'PostgreSQL', version: expect.stringMatching(/^\d+/), startedAt: expect.any(String) },
  })
  const { startedAt } = (target as { server: { startedAt: string } }).server
  const age = Date.now() - Date.parse(startedAt)
  expect(age).toBeGreaterThan(0)
  expect(age).toBeLessThan(60 * 60_000)
})

test('the document of a failure has its reason, and the advice of the table', async () => {
  const { stdout } = await holdfast(['wait', '--json', wrong(), '--grace', '0'])
  expect((JSON.parse(stdout) as { targets: unknown[] }).targets[0]).toMatchObject({
    reason: 'authentication-failed',
    layer: 'auth',
    code: '28P01',
    message: 'password authentication failed for user "app"',
    advice: 'Correct user or password where they are set.',
    heals: 'never',
    retry: 'no',
    absent: false,
    readyAfterMs: null,
  })
})

describe('--format ndjson', () => {
  test('prints every verdict as it is reached, and the document last', async () => {
    const url = sharedRedis().url()
    const { stdout, stderr } = await holdfast(['wait', '--format', 'ndjson', nobody, url, ...limited])
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { event: string; name: string; state: string })
    expect(stderr).toBe('')
    expect(lines.slice(0, -1).every(({ event }) => event === 'verdict')).toBe(true)
    expect(lines.filter(({ name }) => name === 'redis').length).toBeGreaterThan(1)
    expect(lines.find(({ state }) => state === 'ready')).toMatchObject({ name: 'redis-2' })
    expect(lines.at(-1)).toMatchObject({ event: 'end', exitStatus: 69 })
    expect(differences(lines.at(-1))).toEqual([])
    for (const { event: _, elapsedMs: __, ...target } of lines.slice(0, -1) as unknown as Record<
      string,
      unknown
    >[]) {
      const document = { ...lines.at(-1), targets: [target] }
      expect(differences(document)).toEqual([])
    }
  })
})

test('a reader that closes standard output early is no defect', async () => {
  const { command, env, cwd } = holdfastCommand(['wait', '--format', 'ndjson', nobody, ...limited])
  const pipe = ['-o', 'pipefail', '-c', '"$@" | head -c 1 >/dev/null', 'pipe', ...command]
  const { status, stderr } = await run('bash', pipe, { env, cwd })
  expect([status, stderr]).toEqual([69, ''])
})
