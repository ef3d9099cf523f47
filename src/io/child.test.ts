import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Handles, openHandles, untilOnly } from '../../test/support/handles.js'
import { isAlive, untilDead } from '../../test/support/proc.js'
import { tempFolder } from '../../test/support/root.js'
import { runOnce } from './child.js'

let before: Handles
beforeEach(() => {
  before = openHandles()
})
afterEach(async () => {
  await untilOnly(before)
})

const never = () => new AbortController().signal
const run = (command: string) => runOnce(command, never())

describe('how it ended', () => {
  test.each([0, 1, 7, 127])('with status %i', async status => {
    expect(await run(`exit ${status}`)).toMatchObject({ status, signal: null })
  })

  test('by a signal', async () => {
    expect(await run('kill -TERM $$')).toMatchObject({ status: null, signal: 'SIGTERM' })
  })

  test('because there is no such command', async () => {
    expect(await run('no-such-command-here')).toMatchObject({
      status: 127,
      lastLine: expect.stringContaining('not found'),
    })
  })
})

describe('its last line', () => {
  test.each([
    ['echo out', 'out'],
    ['echo one; echo two', 'two'],
    ['echo out; echo err >&2', 'err'],
    ['echo err >&2; echo out', 'err'],
    ['printf "one\\ntwo\\n\\n  \\n"', 'two'],
    ['printf "no end"', 'no end'],
    ['echo "  much space  "', 'much space'],
    ['printf "\\303"; printf "\\251\\n"', 'é'],
    ['true', ''],
    ['echo " " >&2; echo out', 'out'],
  ])('of %s is %j', async (command, line) => expect((await run(command)).lastLine).toBe(line))

  test('is the end of a long one, and a flood is no load', async () => {
    const { lastLine, status } = await run('head -c 3000000 /dev/zero | tr "\\0" x; echo the end')
    expect(status).toBe(0)
    expect(lastLine).toHaveLength(4095)
    expect(lastLine).toMatch(/^x+the end$/)
  })

  test('is not waited for longer than the command, where a child in the background holds the pipe', async () => {
    const file = join(tempFolder('child'), 'pid')
    const { lastLine, status } = await run(`echo said; sleep 300 & echo $! > ${file}; exit 3`)
    expect([lastLine, status]).toEqual(['said', 3])
    // It was the command's own wish to leave it running.
    const pid = Number(readFileSync(file, 'utf8'))
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
    await untilDead([pid])
  })
})

test('it reads nothing from us', async () => {
  expect(await run('cat; echo done')).toMatchObject({ status: 0, lastLine: 'done' })
})

describe('the signal', () => {
  /** The ids that a command has written to a file, once there are `count`. */
  const written = (file: string, count: number) =>
    vi.waitFor(
      () => {
        const pids = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
        expect(pids).toHaveLength(count)
        return pids
      },
      { timeout: 10_000, interval: 5 },
    )

  test('ends the command, its children and those in the background', async () => {
    const file = join(tempFolder('child'), 'pids')
    const controller = new AbortController()
    const running = runOnce(
      `echo $$ >> ${file}; sleep 300 & echo $! >> ${file}; (sleep 300 & echo $! >> ${file}; wait)`,
      controller.signal,
    )
    const pids = await written(file, 3)
    const reason = new Error('the deadline')
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
    await untilDead(pids)
  })

  test('ends one that ignores TERM', async () => {
    const file = join(tempFolder('child'), 'pids')
    const controller = new AbortController()
    const running = runOnce(`trap '' TERM; echo $$ > ${file}; while :; do sleep 300; done`, controller.signal)
    const pids = await written(file, 1)
    controller.abort(new Error('the deadline'))
    await expect(running).rejects.toThrow('the deadline')
    await untilDead(pids)
  })

  test('closes the pipes also where a child has left the group', async () => {
    const file = join(tempFolder('child'), 'pids')
    const controller = new AbortController()
    const running = runOnce(`setsid sh -c 'echo $$ > ${file}; exec sleep 300'`, controller.signal)
    const [pid = 0] = await written(file, 1)
    controller.abort(new Error('the deadline'))
    await expect(running).rejects.toThrow('the deadline')
    await untilOnly(before)
    process.kill(pid, 'SIGKILL')
    await untilDead([pid])
  })

  test('that came before starts nothing', async () => {
    const file = join(tempFolder('child'), 'touched')
    const reason = new Error('too late')
    await expect(runOnce(`touch ${file}`, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(existsSync(file)).toBe(false)
  })

  test('that comes after the end changes nothing', async () => {
    const controller = new AbortController()
    const ended = await runOnce('true', controller.signal)
    controller.abort()
    expect(ended.status).toBe(0)
  })
})
