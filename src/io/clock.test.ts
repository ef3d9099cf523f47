import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Clock, childOf, monotonic } from './clock.js'

/** Loaded under timers that a test has in its hand: those that are put in place later do not count. */
let systemClock: Clock
let TimeoutError: typeof import('./clock.js').TimeoutError
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  vi.resetModules()
  ;({ systemClock, TimeoutError } = await import('./clock.js'))
})
afterEach(() => {
  vi.useRealTimers()
  vi.resetModules()
})

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

/** What a promise has come to, without waiting for it. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise.then(() => 'resolved').catch(error => error), Promise.resolve('pending')])
}

describe('sleeping', () => {
  test('lasts as long as it should', async () => {
    const asleep = systemClock.sleep(100)
    await vi.advanceTimersByTimeAsync(99)
    expect(await stateOf(asleep)).toBe('pending')
    await vi.advanceTimersByTimeAsync(1)
    await asleep
  })

  test('ends with the signal’s reason, and leaves no timer and no listener', async () => {
    const controller = new AbortController()
    const asleep = systemClock.sleep(100, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(asleep).rejects.toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(controller.signal)).toBe(0)
  })

  test('leaves no listener when it ends by itself', async () => {
    const { signal } = new AbortController()
    const asleep = systemClock.sleep(10, signal)
    expect(listeners(signal)).toBe(1)
    await vi.advanceTimersByTimeAsync(10)
    await asleep
    expect(listeners(signal)).toBe(0)
  })

  test('does not begin after the signal', async () => {
    const reason = new Error('too late')
    await expect(systemClock.sleep(10, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('for longer than Node’s timers hold is not sleeping for a millisecond', async () => {
    const asleep = systemClock.sleep(2 ** 40)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await stateOf(asleep)).toBe('pending')
  })
})

describe('a deadline', () => {
  test('aborts with a TimeoutError that tells how long it was', async () => {
    const { signal } = systemClock.deadline(50)
    await vi.advanceTimersByTimeAsync(49)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(signal.reason).toBeInstanceOf(TimeoutError)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError', ms: 50, message: 'no answer within 50 ms' })
  })

  test('aborts with its parent, with the parent’s reason', () => {
    const parent = new AbortController()
    const { signal } = systemClock.deadline(50, parent.signal)
    const reason = new Error('stop')
    parent.abort(reason)
    expect(signal.reason).toBe(reason)
  })

  test('of a parent that has aborted is over at once', () => {
    const reason = new Error('stopped')
    expect(systemClock.deadline(50, AbortSignal.abort(reason)).signal.reason).toBe(reason)
  })

  test('that is cleared never aborts, and leaves no timer and no listener', async () => {
    const parent = new AbortController()
    const { signal, clear } = systemClock.deadline(50, parent.signal)
    clear()
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners(parent.signal)).toBe(0)
    parent.abort()
    await vi.advanceTimersByTimeAsync(100)
    expect(signal.aborted).toBe(false)
  })

  test('further away than Node’s timers hold is not over after a millisecond', async () => {
    const { signal, clear } = systemClock.deadline(2 ** 40)
    await vi.advanceTimersByTimeAsync(1000)
    expect(signal.aborted).toBe(false)
    clear()
  })
})

describe('a child signal', () => {
  test('can be aborted alone', () => {
    const parent = new AbortController()
    const child = childOf(parent.signal)
    child.abort('mine')
    expect(child.signal.reason).toBe('mine')
    expect(parent.signal.aborted).toBe(false)
  })

  test('follows its parent until it is cleared', () => {
    const parent = new AbortController()
    const [followed, cleared] = [childOf(parent.signal), childOf(parent.signal)]
    cleared.clear()
    parent.abort('all')
    expect(followed.signal.reason).toBe('all')
    expect(cleared.signal.aborted).toBe(false)
  })

  test('needs no parent', () => {
    const child = childOf()
    child.clear()
    expect(child.signal.aborted).toBe(false)
  })
})

test('the time never goes back, and is in milliseconds', () => {
  const before = monotonic()
  const node = performance.now()
  const after = systemClock.now()
  expect(after).toBeGreaterThanOrEqual(before)
  expect(after - before).toBeLessThan(1000)
  expect(Math.abs(performance.now() - node - (monotonic() - after))).toBeLessThan(1000)
})
