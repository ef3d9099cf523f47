import { describe, expect, test } from 'vitest'
import { type CliOptions, holdfast, holdfastCommand } from '../support/cli.js'
import { run } from '../support/run.js'
import { sharedRedis } from '../support/shared.js'
import { expectComplaint } from './outcome.js'

const complains = async (args: readonly string[], what: RegExp, options?: CliOptions) =>
  expectComplaint(await holdfast(args, options), 64, what)

const ANY = 'redis://127.0.0.1:6379'

describe('what cannot be meant ends with 64 and one message', () => {
  test.concurrent.each<[string, string[], RegExp]>([
    ['no verb', [], /a verb is missing: wait, .*Try: holdfast wait /],
    ['an unknown verb', ['wiat', ANY], /unknown verb "wiat"\. Did you mean wait\?/],
    ['an address for a verb', [ANY], /Did you mean: holdfast wait redis:\/\/127\.0\.0\.1:6379/],
    ['no target', ['wait'], /no target: .* Try: holdfast wait postgres:/],
    ['a word for a target', ['wait', 'db'], /"db" is not a target\. Write a URL like/],
    [
      'an unknown option',
      ['wait', '--tiemout', '5s', ANY],
      /unknown option --tiemout; did you mean --timeout\?/,
    ],
    ['an unknown short option', ['wait', '-z', ANY], /unknown option -z/],
    ['an option without its value', ['wait', ANY, '--grace'], /--grace needs a value: --grace DURATION/],
    [
      'an option for a value',
      ['wait', ANY, '--timeout', '--once'],
      /--timeout needs a value, but an option follows/,
    ],
    ['a value for a flag', ['wait', ANY, '--once=3'], /--once takes no value/],
    ['a duration without a unit', ['wait', ANY, '--timeout', '5'], /--timeout: "5" .* Did you mean 5s\?/],
    ['a duration that is none', ['wait', ANY, '--grace', 'soon'], /--grace: "soon" is not a duration/],
    ['a negative duration', ['wait', ANY, '--stable=-1s'], /--stable: "-1s" is not a duration/],
    ['no time at all', ['wait', ANY, '--timeout', '0'], /--timeout: "0" leaves no time; use --once/],
    [
      'no connections',
      ['wait', ANY, '--connections', '0'],
      /--connections: "0" is not a whole number from 1 to 1000/,
    ],
    ['more connections than any pool has', ['wait', ANY, '--connections', '1001'], /from 1 to 1000/],
    ['an empty query', ['wait', ANY, '--query', ''], /--query needs a value: --query SQL/],
    ['an empty file name', ['wait', ANY, '--junit', ' '], /--junit needs a value: --junit FILE/],
    ['a layer that is none', ['wait', ANY, '--until', 'querry'], /--until: "querry" .*did you mean query\?/],
    ['a format that is none', ['wait', ANY, '--format', 'xml'], /--format: "xml" is not one of text, json/],
    [
      'an unknown scheme',
      ['wait', 'postgre://db/app'],
      /scheme "postgre" is not known\. Did you mean postgres:\/\/\?/,
    ],
    [
      'a port that is none',
      ['wait', 'postgres://db:99999/app'],
      /port "99999" is not a number from 1 to 65535/,
    ],
    ['an address without a port', ['wait', 'tcp://db'], /it needs a port, like tcp:\/\/host:8080/],
    ['a bad percent sign', ['wait', 'postgres://app:100%@db/app'], /write a plain % as %25/],
    [
      'a TLS mode that is none',
      ['wait', 'postgres://db/app?sslmode=maybe'],
      /sslmode "maybe" is not one of disable/,
    ],
    ['a variable that is not set', ['wait', 'env:NOT_THERE'], /the variable NOT_THERE is not set/],
    ['a command that is empty', ['wait', 'exec:'], /exec: needs a command/],
    ['the same name twice', ['wait', `a=${ANY}`, `a=${ANY}`], /the name "a" is given twice/],
    ['nothing after --', ['wait', ANY, '--'], /-- must be followed by a COMMAND/],
    [
      'SQL for a cache',
      ['wait', ANY, '--query', 'SELECT 1'],
      /--query: none of the targets \(redis\) takes SQL/,
    ],
    [
      'a schema for a cache',
      ['wait', ANY, '--until', 'schema'],
      /--until schema: none of the targets \(redis\)/,
    ],
    [
      'a schema that nobody described',
      ['wait', 'postgres://db/app', '--until', 'schema'],
      /nothing says what/,
    ],
    [
      'a report in no folder',
      ['wait', ANY, '--junit', '/no/such/x.xml'],
      /--junit: .* cannot be written \(ENOENT\)/,
    ],
    [
      'a report that is a folder',
      ['wait', ANY, '--junit', '/'],
      /--junit: "\/" cannot be written \(EISDIR\)/,
    ],
  ])('%s', async (_, args, what) => {
    await complains(args, what)
  })
})

describe('options that contradict each other', () => {
  test.concurrent.each<[string, string[]]>([
    ['--gone and --query', ['--gone', '--query', 'SELECT 1']],
    ['--gone and --until', ['--gone', '--until', 'tcp']],
    ['--gone and --stable', ['--gone', '--stable', '1s']],
    ['--gone and --connections', ['--gone', '--connections', '2']],
    ['--once and --stable', ['--once', '--stable', '1s']],
    ['--once and --grace', ['--once', '--grace', '1s']],
    ['-q and -v', ['-q', '-v']],
    ['--json and --format ndjson', ['--json', '--format', 'ndjson']],
  ])('%s', async (_, options) => {
    await complains(['wait', ANY, ...options], /--\w+ contradicts --\w+.*; give one of them/)
  })
})

describe('every option is also a variable', () => {
  const ready = () => sharedRedis().url()

  test.concurrent('which holds where the option is not given', async ({ expect }) => {
    const env = { HOLDFAST_TIMEOUT: '300ms', HOLDFAST_JSON: 'true' }
    const { status, stdout } = await holdfast(['wait', 'redis://127.0.0.1:1'], { env })
    expect(status).toBe(69)
    expect(JSON.parse(stdout)).toMatchObject({ exitStatus: 69 })
  })

  test.concurrent('which an option overrides', async ({ expect }) => {
    const env = { HOLDFAST_ATTEMPT_TIMEOUT: 'nonsense is not even read', HOLDFAST_UNTIL: 'tcp' }
    const args = ['wait', '--json', ready(), '--attempt-timeout', '2s', '--until', 'query']
    const { stdout } = await holdfast(args, { env })
    const layers = JSON.parse(stdout).targets[0].layers as { layer: string }[]
    expect(layers.at(-1)?.layer).toBe('query')
  })

  test.concurrent('which is named when it is wrong', async () => {
    await complains(['wait', ready()], /HOLDFAST_GRACE: "long" is not a duration/, {
      env: { HOLDFAST_GRACE: 'long' },
    })
    await complains(['wait', ready()], /HOLDFAST_ONCE: "maybe" is not true or false/, {
      env: { HOLDFAST_ONCE: 'maybe' },
    })
  })

  test.concurrent('where no switches a flag off', async ({ expect }) => {
    const { stdout } = await holdfast(['wait', ready()], { env: { HOLDFAST_JSON: 'no', HOLDFAST_QUIET: '' } })
    expect(stdout).toBe('')
  })
})

test('a variable that contradicts an option gives way to it', async () => {
  const env = { HOLDFAST_STABLE: '1s', HOLDFAST_GRACE: '1s', HOLDFAST_FORMAT: 'ndjson' }
  const { status, stdout } = await holdfast(['wait', '--once', '--json', sharedRedis().url()], { env })
  expect([status, JSON.parse(stdout).ok]).toEqual([0, true])
})

describe('an output that is full', () => {
  const intoFull = (redirection: string, ...args: string[]) => {
    const { command, env, cwd } = holdfastCommand(['wait', sharedRedis().url(), ...args])
    return run('sh', ['-c', `"$@" ${redirection}`, 'sh', ...command], { env, cwd })
  }

  test('is a failure where the document went there', async () => {
    expect((await intoFull('>/dev/full', '--json')).status).toBe(70)
  })

  test('ends no COMMAND where it was the log', async () => {
    const { status, stdout } = await intoFull('2>/dev/full', '--', 'echo', 'it ran')
    expect([status, stdout]).toEqual([0, 'it ran\n'])
  })
})

test('-v adds no stack to a mistake of the user', async () => {
  await complains(['wait', '-v', 'tcp://db'], /it needs a port/)
})

test('a reader that goes away early is no defect', async () => {
  const { status, stderr } = await holdfast(['--help'], { tty: 'stderr' })
  expect([status, stderr]).toEqual([0, ''])
})
