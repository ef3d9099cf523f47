import { describe, expect, test } from 'vitest'
import { type CliOptions, holdfast, spawnHoldfast } from '../support/cli.js'
import { refused } from '../support/peers.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { OBEYED, screenOf } from './documents.js'

const limited = ['--timeout', '400ms']

const failing = async (options: CliOptions, args: string[] = []) => {
  const { host, port } = await refused()
  return holdfast(['wait', sharedRedis().url(), `redis://${host}:${port}`, ...limited, ...args], options)
}

const COLOUR = '\x1b['

describe('without a terminal', () => {
  test.concurrent('there is no escape sequence', async ({ expect }) => {
    const { stderr, stdout } = await failing({})
    expect(stderr).not.toMatch(OBEYED)
    expect(stdout).toBe('')
  })

  test.concurrent('there is one line for each change of state, then the table', async ({ expect }) => {
    const { stderr } = await failing({})
    const lines = stderr.trimEnd().split('\n')
    expect(lines.filter(line => line.includes('connection-refused at tcp: connect'))).toHaveLength(1)
    expect(lines.filter(line => / {2}redis {2}ready$/.test(line))).toHaveLength(1)
    expect(stderr).toMatch(/^ {2}target +state +reached +.* after +tries +server$/m)
    expect(stderr).toMatch(/^ {2}redis +ready +127\.0\.0\.1:\d+ .* Redis \d/m)
    expect(stderr).toMatch(/^ {2}redis-2 +waiting +127\.0\.0\.1:\d+ /m)
    expect(stderr).toMatch(
      /^ {2}✗ redis-2: connection-refused at tcp \(ECONNREFUSED\): connect ECONNREFUSED/m,
    )
    expect(stderr).toMatch(/^ {4}redis:\/\/127\.0\.0\.1:\d+, from argument$/m)
    expect(stderr).toMatch(/^ {4}→ Start the server, or correct host and port\.$/m)
    expect(lines.at(-1)).toMatch(/^holdfast: 1 of 2 ready after \d+ ms$/)
  })

  test.concurrent('FORCE_COLOR brings colours', async ({ expect }) => {
    expect((await failing({ env: { FORCE_COLOR: '1' } })).stderr).toContain(`${COLOUR}31m`)
  })
})

describe('on a terminal', () => {
  test('a live line a target is seen, then taken back; the table stays', async () => {
    const { host, port } = await refused()
    const args = ['wait', sharedRedis().url(), `redis://${host}:${port}`, '--timeout', '600ms']
    const running = spawnHoldfast(args, { tty: true, env: { NO_COLOR: '1' } })
    await running.waitForStdout(/⠋|⠙|⠹/)
    await running.waitForStdout(/✓ redis {4} {0,2}.* ready/)
    const { status, stdout } = await running.exited
    expect(status).toBe(69)
    // More than one frame was drawn…
    expect(stdout.match(/connection-refused at tcp/g)?.length).toBeGreaterThan(1)
    // …and what remains is the table.
    const screen = screenOf(stdout)
    expect(screen.join('\n')).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏✓]/)
    expect(screen[0]).toMatch(/^ {2}target +state/)
    expect(screen.filter(Boolean).at(-1)).toMatch(/^holdfast: 1 of 2 ready after/)
  })

  test.concurrent('no line is wider than it', async ({ expect }) => {
    const { stdout } = await holdfast(['wait', `redis://${'long-name.'.repeat(20)}invalid:1`, ...limited], {
      tty: true,
    })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room
    const frames = stdout.replace(/\x1b\[\d*[A-Zm]/g, '').split('\r\n')
    for (const line of frames.filter(text => /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/.test(text))) expect(line.length).toBeLessThan(100)
  })

  test.concurrent('colours tell good from bad', async ({ expect }) => {
    const { stdout } = await failing({ tty: true })
    const lines = stdout.split('\r\n')
    const colourOf = (text: RegExp) => lines.findLast(line => text.test(line))?.slice(0, 5)
    expect(colourOf(/ {2}redis +ready/)).toBe(`${COLOUR}32m`)
    expect(colourOf(/ {2}redis-2 +waiting/)).toBe(`${COLOUR}33m`)
    expect(colourOf(/ {2}✗ redis-2/)).toBe(`${COLOUR}31m`)
  })

  test.concurrent.each([
    ['NO_COLOR', { NO_COLOR: '1' }],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }],
    ['NO_COLOR beside FORCE_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }],
  ])('%s takes them away', async (_, env) => {
    const { stdout } = await failing({ tty: true, env: env as Record<string, string> })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    expect(stdout).not.toMatch(/\x1b\[\d+m/)
  })

  test.concurrent.each([
    ['TERM=dumb', { TERM: 'dumb' }],
    ['CI', { CI: 'true', NO_COLOR: '1' }],
  ])('%s takes the live line away', async (_, env) => {
    const { stdout } = await failing({ tty: true, env: env as Record<string, string> })
    expect(stdout).not.toContain('\x1b')
    expect(stdout).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/)
    expect(stdout).toMatch(/redis-2 {2}connection-refused at tcp/)
  })

  test.concurrent('that is standard output alone, people are written to in plain text', async ({
    expect,
  }) => {
    const { stdout, stderr } = await failing({ tty: 'stdout' })
    expect([stdout, OBEYED.test(stderr)]).toEqual(['', false])
  })

  test.concurrent('that is standard error alone, standard output is for COMMAND', async ({ expect }) => {
    const args = ['wait', sharedRedis().url(), '--', 'echo', 'mine']
    const { stdout, stderr } = await holdfast(args, { tty: 'stderr' })
    expect(stdout).toBe('mine\n')
    expect(stderr).toContain(COLOUR)
  })

  test.concurrent('an interrupted wait leaves the table, and no live line', async ({ expect }) => {
    const { host, port } = await refused()
    const running = spawnHoldfast(['wait', `redis://${host}:${port}`], { tty: true, env: { NO_COLOR: '1' } })
    await running.waitForStdout(/[⠋⠙⠹] redis .* connection-refused/)
    running.write('\x03')
    const { status, stdout } = await running.exited
    expect(status).toBe(130)
    expect(screenOf(stdout).join('\n')).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/)
  })
})

describe('-q', () => {
  test.concurrent('says nothing where all is well', async ({ expect }) => {
    for (const tty of [false, true]) {
      const { status, stdout, stderr } = await holdfast(['wait', '-q', sharedRedis().url()], { tty })
      expect([status, stdout, stderr]).toEqual([0, '', ''])
    }
  })

  test.concurrent('says why where it is not', async ({ expect }) => {
    const { stderr } = await failing({}, ['-q'])
    expect(stderr).toMatch(/✗ redis-2: connection-refused/)
    expect(stderr).not.toMatch(/^holdfast: +\d+ ms {2}redis/m)
  })
})

describe('-v', () => {
  test.concurrent('shows every attempt', async ({ expect }) => {
    const { stderr } = await failing({}, ['-v'])
    const numbers = [...stderr.matchAll(/#(\d+) {2}redis-2 /g)].map(([, n]) => Number(n))
    expect(numbers.length).toBeGreaterThan(1)
    expect(numbers).toEqual(numbers.map((_, i) => i + 1))
  })

  test.concurrent('also on a terminal, in place of the live line', async ({ expect }) => {
    const { stdout } = await failing({ tty: true, env: { NO_COLOR: '1' } }, ['-v'])
    expect(stdout).toMatch(/#1 {2}redis-2 /)
    expect(stdout).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/)
  })
})

test('a reason that does not heal is printed with its advice at once', async () => {
  const url = sharedPostgres().url({ password: 'wrong' })
  const running = spawnHoldfast(['wait', url, '--grace', '5s'])
  const [line] = await running.waitForStderr(/^.*authentication-failed at auth: .*$/m)
  expect(line).toContain('→ Correct user or password where they are set.')
  running.kill('SIGINT')
  expect((await running.exited).status).toBe(130)
})
