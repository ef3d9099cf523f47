import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CliOptions, holdfast, spawnHoldfast } from '../support/cli.js'
import { startPeer } from '../support/peer.js'
import { answers, refused } from '../support/peers.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'

const thenRuns = (command: string[], options?: CliOptions) =>
  holdfast(['wait', '-q', sharedRedis().url(), '--', ...command], options)

const program = (body: string, ...args: string[]) => [process.execPath, '-e', body, '--', ...args]

test('COMMAND runs once all of several services are ready, and its status is the status', async () => {
  const http = await startPeer(answers('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
  try {
    const targets = [sharedPostgres().url(), sharedRedis().url(), `http://127.0.0.1:${http.port}/health`]
    const { status, stderr } = await holdfast([
      'wait',
      ...targets,
      '--timeout',
      '30s',
      '--',
      'sh',
      '-c',
      'exit 7',
    ])
    expect(status, stderr).toBe(7)
    expect(stderr).toContain('3 of 3 ready')
  } finally {
    await http.close()
  }
})

describe('COMMAND gets what it was given', () => {
  test.concurrent('every argument, byte for byte', async ({ expect }) => {
    const args = ['$HOME', '`id`', 'a b', '', '--', '-x', '--help', '--json', "it's", '"', '*', '\\', '%s']
    args.push('line\nbreak', 'ünï — ✓', '\u202e', '😀')
    const { stdout } = await thenRuns(program('console.log(JSON.stringify(process.argv.slice(1)))', ...args))
    expect(JSON.parse(stdout)).toEqual(args)
  })

  test.concurrent('standard input, to its end', async ({ expect }) => {
    const input = `first\n${'x'.repeat(200_000)}\nläst without a line end`
    expect((await thenRuns(['cat'], { input })).stdout).toBe(input)
  })

  test.concurrent('standard output for itself alone', async ({ expect }) => {
    const command = ['sh', '-c', 'echo its output; echo its complaint >&2']
    const { stdout, stderr } = await holdfast(['wait', sharedRedis().url(), '--', ...command])
    expect(stdout).toBe('its output\n')
    expect(stderr).toMatch(/1 of 1 ready after .*\nits complaint\n$/)
  })

  test.concurrent('the environment and the folder', async ({ expect }) => {
    const cwd = tempFolder('cwd')
    const env = { DATABASE_URL: 'untouched', HOLDFAST_TIMEOUT: '9s', EMPTY: '' }
    const show = program('const { env } = process; console.log(JSON.stringify([process.cwd(), env]))')
    const [folder, seen] = JSON.parse((await thenRuns(show, { env, cwd })).stdout)
    expect(folder).toBe(cwd)
    expect(seen).toMatchObject(env)
    expect(Object.keys(seen)).not.toContain('HOLDFAST_REAPER')
  })

  test.concurrent('a terminal where there is one', async ({ expect }) => {
    const { stdout } = await thenRuns(['sh', '-c', 'test -t 0 && test -t 1 && test -t 2 && echo all'], {
      tty: true,
    })
    expect(stdout).toContain('all')
  })
})

describe('a COMMAND that cannot run', () => {
  test.concurrent('is 127 where there is none of that name', async ({ expect }) => {
    const { status, stderr, stdout } = await thenRuns(['no-such-command-here', 'x'])
    expect({ status, stdout }).toEqual({ status: 127, stdout: '' })
    expect(stderr).toMatch(/^holdfast: no-such-command-here: command not found\. .+\n$/)
  })

  test.concurrent('is 127 where its path leads nowhere', async ({ expect }) => {
    expect((await thenRuns(['./not/here'])).status).toBe(127)
  })

  test.concurrent('is 126 where the file may not be executed', async ({ expect }) => {
    const folder = tempFolder('command')
    writeFileSync(join(folder, 'plain'), 'echo no\n')
    chmodSync(join(folder, 'plain'), 0o644)
    const { status, stderr } = await thenRuns([join(folder, 'plain')])
    expect(status).toBe(126)
    expect(stderr).toMatch(/plain: cannot be executed \(EACCES\)/)
    mkdirSync(join(folder, 'folder'))
    expect((await thenRuns([join(folder, 'folder')])).status).toBe(126)
    expect((await thenRuns([join(folder, 'plain', 'below')])).status).toBe(126)
  })
})

describe('COMMAND never runs', () => {
  const marked = async (args: (url: string) => string[]) => {
    const marker = join(tempFolder('marker'), 'ran')
    const { host, port } = await refused()
    const result = await holdfast(['wait', ...args(`redis://${host}:${port}`), '--', 'touch', marker])
    return { ...result, ran: existsSync(marker) }
  }

  test.concurrent('after a time-out', async ({ expect }) => {
    expect(await marked(url => [url, '--timeout', '200ms'])).toMatchObject({ status: 69, ran: false })
  })

  test.concurrent('when one of two is not ready in time', async ({ expect }) => {
    const args = (url: string) => [sharedRedis().url(), url, '--timeout', '200ms']
    expect(await marked(args)).toMatchObject({ status: 69, ran: false })
  })

  test.concurrent('after something that does not heal', async ({ expect }) => {
    const wrong = sharedPostgres().url({ password: 'wrong' })
    expect(await marked(() => [wrong, '--grace', '0'])).toMatchObject({ status: 78, ran: false })
  })

  test.concurrent('after a single attempt that failed', async ({ expect }) => {
    expect(await marked(url => [url, '--once'])).toMatchObject({ status: 1, ran: false })
  })
})

test('the time-out ends when COMMAND starts', async () => {
  const { status, ms } = await holdfast([
    'wait',
    sharedRedis().url(),
    '--timeout',
    '500ms',
    '--',
    'sh',
    '-c',
    'sleep 0.7; exit 5',
  ])
  expect(status).toBe(5)
  expect(ms).toBeGreaterThan(700)
})

test.each([
  ['TERM', 143],
  ['KILL', 137],
  ['HUP', 129],
])('COMMAND that SIG%s ended gives %i, as a shell says it', async (signal, status) => {
  expect((await thenRuns(['sh', '-c', `kill -${signal} $$`])).status).toBe(status)
})

test('nothing is left behind: no process, no file', async () => {
  const running = spawnHoldfast(['wait', sharedRedis().url(), '--', 'true'], { input: '' })
  expect((await running.exited).status).toBe(0)
  expect(readdirSync(running.temp)).toEqual([])
})
