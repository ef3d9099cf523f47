import { getEventListeners } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startBlackhole } from '../../test/support/blackhole.js'
import { type Handles, openHandles, untilOnly } from '../../test/support/handles.js'
import { startPeer } from '../../test/support/peer.js'
import { refused, silent } from '../../test/support/peers.js'
import { freePort, tempFolder } from '../../test/support/root.js'
import { dial, type Endpoint, nameOf, STAGGER_MS } from './dial.js'

const open: { close(): Promise<void> }[] = []
const opened = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
  const one = await starting
  open.push(one)
  return one
}
const listening = (options: { host?: string; port?: number } = {}) => opened(startPeer(silent, options))

let before: Handles
beforeEach(() => {
  before = openHandles()
})
afterEach(async () => {
  vi.useRealTimers()
  vi.resetModules()
  await Promise.all(open.splice(0).map(one => one.close()))
  // Whatever a test dialled, nothing of it may be left.
  await untilOnly(before)
})

/** Loaded under timers that the test has in its hand: those that are put in place later do not count. */
async function dialByFakeTimers() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  vi.resetModules()
  return (await import('./dial.js')).dial
}

const at = ({ host, port }: { host: string; port: number }): Endpoint => ({ address: host, port })
const never = () => new AbortController().signal

/** Hears of every step: `begun ::1`, `failed ::1 ECONNREFUSED`. */
function recorder() {
  const heard: string[] = []
  const waiting: (() => void)[] = []
  const hear = (text: string) => {
    heard.push(text)
    for (const wake of waiting.splice(0)) wake()
  }
  return {
    heard,
    onStep: (endpoint: Endpoint) => {
      hear(`begun ${nameOf(endpoint)}`)
      return ({ state, code }: { state: string; code?: string }) =>
        hear(`${state} ${nameOf(endpoint)}${code ? ` ${code}` : ''}`)
    },
    /** Resolves once `count` steps were heard. */
    async until(count: number) {
      while (heard.length < count) await new Promise<void>(resolve => waiting.push(resolve))
    },
  }
}

async function dialled(endpoints: readonly Endpoint[], signal = never(), by = dial) {
  const { heard, onStep } = recorder()
  const { socket, endpoint } = await by(endpoints, signal, onStep)
  socket.destroy()
  return { endpoint, heard }
}

describe('of several addresses', () => {
  test('the first that answers is taken, and the others are left in peace', async () => {
    const [first, second] = [await listening(), await listening()]
    const { endpoint, heard } = await dialled([at(first), at(second)])
    expect(endpoint).toEqual(at(first))
    expect(heard).toEqual(['begun 127.0.0.1', 'ok 127.0.0.1'])
    expect(second.connections).toBe(0)
  })

  test.each([
    ['::1', '127.0.0.1'],
    ['127.0.0.1', '::1'],
  ])('%s refuses, and %s is tried at once', async (dead, alive) => {
    const port = await freePort()
    const peer = await listening({ host: alive, port })
    // With virtual time the next address would never have its turn by waiting.
    const dial = await dialByFakeTimers()
    const { endpoint, heard } = await dialled(
      [
        { address: dead, port },
        { address: alive, port },
      ],
      never(),
      dial,
    )
    expect(endpoint).toEqual(at(peer))
    expect(heard).toEqual([`begun ${dead}`, `failed ${dead} ECONNREFUSED`, `begun ${alive}`, `ok ${alive}`])
  })

  test('the second has its turn after a quarter of a second where the first is a black hole', async () => {
    const hole = await opened(startBlackhole())
    const peer = await listening({ host: '::1' })
    const dial = await dialByFakeTimers()
    const { heard, onStep, until } = recorder()
    const dialling = dial([at(hole), at(peer)], never(), onStep)
    await vi.advanceTimersByTimeAsync(STAGGER_MS - 1)
    expect(heard).toEqual(['begun 127.0.0.1'])
    await vi.advanceTimersByTimeAsync(1)
    await until(2)
    const { socket, endpoint } = await dialling
    expect(endpoint).toEqual(at(peer))
    // The step of the black hole stays as it was: running.
    expect(heard).toEqual(['begun 127.0.0.1', 'begun ::1', 'ok ::1'])
    socket.destroy()
  })

  test('one that fails gives the next its turn at once, also while another still hangs', async () => {
    const hole = await opened(startBlackhole())
    const peer = await listening({ host: '::1' })
    const dial = await dialByFakeTimers()
    const dialling = dial([at(hole), at(await refused()), at(peer)], never())
    await vi.advanceTimersByTimeAsync(STAGGER_MS)
    const { socket, endpoint } = await dialling
    expect(endpoint).toEqual(at(peer))
    socket.destroy()
  })

  test('one that fails is no reason to give up while another still hangs', async () => {
    const hole = await opened(startBlackhole())
    const dial = await dialByFakeTimers()
    const controller = new AbortController()
    const { onStep, until } = recorder()
    const dialling = dial([at(hole), at(await refused())], controller.signal, onStep)
    await vi.advanceTimersByTimeAsync(STAGGER_MS)
    await until(3)
    controller.abort('only the signal ended it')
    await expect(dialling).rejects.toBe('only the signal ended it')
  })
})

test.each(['first', 'second'])('one that refused is asked again while the %s still hangs', async which => {
  const hole = await opened(startBlackhole())
  const late = await refused()
  const { onStep, until } = recorder()
  const endpoints = which === 'first' ? [at(hole), at(late)] : [at(late), at(hole)]
  const dialling = dial(endpoints, never(), onStep)
  // Both have begun, and one has failed.
  await until(3)
  await listening(late)
  const { socket, endpoint } = await dialling
  expect(endpoint).toEqual(at(late))
  socket.destroy()
})

describe('when all fail, the most telling error is thrown', () => {
  test('in either order: refused rather than no such socket', async () => {
    const missing = { path: join(tempFolder('dial'), 'none.sock') }
    const dead = at(await refused())
    for (const endpoints of [
      [missing, dead],
      [dead, missing],
    ])
      await expect(dial(endpoints, never())).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(dial([missing], never())).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('once the last of them has failed', async () => {
    const { heard, onStep } = recorder()
    const [a, b] = [await refused(), await refused()]
    await expect(dial([at(a), at(b)], never(), onStep)).rejects.toMatchObject({ port: a.port })
    expect(heard.filter(step => step.startsWith('failed'))).toHaveLength(2)
  })

  test('also where there is no address at all', async () => {
    await expect(dial([], never())).rejects.toThrow('there is no address to connect to')
  })
})

describe('the signal', () => {
  test('ends a dial that hangs, with its own reason, and closes every socket', async () => {
    const [hole, other] = [await opened(startBlackhole()), await opened(startBlackhole({ host: '::1' }))]
    const dial = await dialByFakeTimers()
    const controller = new AbortController()
    const { onStep, until } = recorder()
    const dialling = dial([at(hole), at(other)], controller.signal, onStep)
    await vi.advanceTimersByTimeAsync(STAGGER_MS)
    await until(2)
    const reason = new Error('the deadline')
    controller.abort(reason)
    await expect(dialling).rejects.toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that came before opens nothing', async () => {
    const peer = await listening()
    const { heard, onStep } = recorder()
    const reason = new Error('too late')
    await expect(dial([at(peer)], AbortSignal.abort(reason), onStep)).rejects.toBe(reason)
    expect(heard).toEqual([])
  })

  test('has no listener left, however the dial ended', async () => {
    const peer = await listening()
    const { signal } = new AbortController()
    await dialled([at(await refused()), at(peer)], signal)
    await dial([at(await refused())], signal).catch(() => {})
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

test('a Unix socket is dialled by its path', async () => {
  const path = join(tempFolder('dial'), 'peer.sock')
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(path, resolve))
  const { endpoint, heard } = await dialled([{ path }])
  expect(endpoint).toEqual({ path })
  expect(heard).toEqual([`begun ${path}`, `ok ${path}`])
  await new Promise(resolve => server.close(resolve))
})
