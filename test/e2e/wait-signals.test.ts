import { describe, expect, test } from 'vitest'
import { type CliOptions, spawnHoldfast } from '../support/cli.js'
import { refused } from '../support/peers.js'
import { isAlive, untilDead } from '../support/proc.js'
import { sharedRedis } from '../support/shared.js'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** Says `up PID`, then the name of each signal; a moment after the first one it exits with how many came. */
const COUNTS = `
  let count = 0
  for (const signal of ${JSON.stringify(SIGNALS)}) process.on(signal, () => {
    console.log(signal)
    if (++count === 1) setTimeout(() => process.exit(count), 250)
  })
  setInterval(() => {}, 1000)
  console.log('up ' + process.pid)
`

const running = (command: readonly string[], options?: CliOptions) =>
  spawnHoldfast(['wait', '-q', sharedRedis().url(), '--', ...command], options)

const node = [process.execPath, '-e', COUNTS]

const pidOf = (match: RegExpExecArray) => Number(match[1])

describe('a signal for holdfast is passed on to COMMAND, once', () => {
  test.concurrent.each(SIGNALS)('%s', async signal => {
    const cli = running(node)
    await cli.waitForStdout(/up \d+/)
    cli.kill(signal)
    const { status, stdout } = await cli.exited
    expect(stdout.trim().split('\n').slice(1)).toEqual([signal])
    expect(status).toBe(1)
  })
})

test('COMMAND that dies of SIGTERM gives 143', async () => {
  const cli = running(['sh', '-c', 'echo up; exec sleep 30'])
  await cli.waitForStdout(/up/)
  cli.kill('SIGTERM')
  expect((await cli.exited).status).toBe(143)
})

test('COMMAND that takes SIGTERM and ends well gives 0', async () => {
  const cli = running(['sh', '-c', "trap 'kill $!; exit 0' TERM; sleep 30 & echo up; wait"])
  await cli.waitForStdout(/up/)
  cli.kill('SIGTERM')
  expect((await cli.exited).status).toBe(0)
})

describe('on a terminal', () => {
  test('Ctrl-C reaches COMMAND once: from the terminal, and not from holdfast as well', async () => {
    const cli = running(node, { tty: true })
    await cli.waitForStdout(/up \d+/)
    cli.write('\x03')
    const { status, stdout } = await cli.exited
    expect(stdout.match(/SIGINT/g)).toEqual(['SIGINT'])
    expect(status).toBe(1)
  })

  test('Ctrl-\\ reaches COMMAND once', async () => {
    const cli = running(node, { tty: true })
    await cli.waitForStdout(/up \d+/)
    cli.write('\x1c')
    expect((await cli.exited).stdout.match(/SIGQUIT/g)).toEqual(['SIGQUIT'])
  })

  test('Ctrl-C during the wait ends it with 130', async () => {
    const { host, port } = await refused()
    const cli = spawnHoldfast(['wait', `redis://${host}:${port}`, '--', 'echo', 'it ran'], { tty: true })
    await cli.waitForStdout(/connection-refused/)
    cli.write('\x03')
    const { status, stdout } = await cli.exited
    expect(status).toBe(130)
    expect(stdout).not.toContain('it ran')
  })
})

describe('a wait that is interrupted', () => {
  const interrupted = async (signal: NodeJS.Signals) => {
    const { host, port } = await refused()
    const cli = spawnHoldfast(['wait', `redis://${host}:${port}`, '--', 'echo', 'it ran'])
    await cli.waitForStderr(/connection-refused/)
    const at = performance.now()
    cli.kill(signal)
    const result = await cli.exited
    return { ...result, ms: performance.now() - at }
  }

  test.concurrent.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const)('by %s ends at once with %i, tells the cause, and runs no COMMAND', async (signal, wanted) => {
    const { status, stdout, stderr, ms } = await interrupted(signal)
    expect({ status, stdout }).toEqual({ status: wanted, stdout: '' })
    expect(stderr).toMatch(/✗ redis: connection-refused/)
    expect(ms).toBeLessThan(1_000)
  })

  test.concurrent.each(['SIGUSR1', 'SIGUSR2'] as const)('by %s goes on', async signal => {
    const { host, port } = await refused()
    const cli = spawnHoldfast(['wait', `redis://${host}:${port}`, '--timeout', '600ms'])
    await cli.waitForStderr(/connection-refused/)
    cli.kill(signal)
    expect((await cli.exited).status).toBe(69)
  })
})

describe('SIGKILL of holdfast leaves no child', () => {
  const killed = async (script: string) => {
    const cli = running(['sh', '-c', script])
    const pid = pidOf(await cli.waitForStdout(/up (\d+)/))
    expect(isAlive(pid)).toBe(true)
    cli.kill('SIGKILL')
    await cli.ended
    await untilDead([pid])
  }

  test.concurrent('not COMMAND itself', () => killed('echo up $$; exec sleep 60'))

  test.concurrent('nor what COMMAND started', () => killed('sleep 60 & echo up $!; wait'))

  test.concurrent('nor one that ignores SIGTERM', () => killed('trap "" TERM; echo up $$; sleep 60 & wait'))
})
