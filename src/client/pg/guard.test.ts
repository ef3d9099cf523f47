import { EventEmitter } from 'node:events'
import * as cockatiel from 'cockatiel'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../../test/support/fake-clock.js'
import { Bulkhead } from './bulkhead.js'
import { guardOf } from './guard.js'

const pool = Object.assign(new EventEmitter(), { name: 'shop' })

/** Work that ends when it is told to. */
function task<T>() {
  let finish: (value: T) => void = () => {}
  let begun = false
  const done = new Promise<T>(resolve => (finish = resolve))
  const work = () => {
    begun = true
    return done
  }
  return { work, finish: (value: T) => finish(value), begun: () => begun }
}

describe('a bulkhead', () => {
  const made = (queue: number) => {
    const clock = new FakeClock()
    const limits = { concurrent: 1, queue }
    return {
      clock,
      bulkhead: new Bulkhead(cockatiel, limits, { name: 'shop', acquireTimeoutMillis: 1000 }, clock),
    }
  }

  test('rejects at once what it has no place for', async () => {
    const { bulkhead } = made(0)
    const first = task<string>()
    const running = bulkhead.run(first.work)
    await expect(bulkhead.run(async () => 'second')).rejects.toMatchObject({
      code: 'BULKHEAD_FULL',
      message: 'shop: no place in the bulkhead was free: 1 at work, 0 of 0 waiting',
      holdfast: { reason: 'pool-exhausted', phase: 'acquire', outcome: 'not-sent', httpStatus: 503 },
    })
    first.finish('first')
    expect(await running).toBe('first')
    expect(await bulkhead.run(async () => 'third')).toBe('third')
  })

  test('lets those who wait through in their order', async () => {
    const { bulkhead, clock } = made(2)
    const order: string[] = []
    const first = task<void>()
    const all = [
      bulkhead.run(first.work),
      ...['second', 'third'].map(name => bulkhead.run(async () => void order.push(name))),
    ]
    await expect(bulkhead.run(async () => {})).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(order).toEqual([])
    first.finish()
    await Promise.all(all)
    expect(order).toEqual(['second', 'third'])
    expect(clock.pending).toBe(0)
  })

  test('lets nobody wait for longer than the pool does', async () => {
    const { bulkhead, clock } = made(1)
    const [first, second] = [task<void>(), task<void>()]
    const running = bulkhead.run(first.work)
    const waiting = bulkhead.run(second.work)
    await expect(clock.run(waiting)).rejects.toMatchObject({
      code: 'BULKHEAD_FULL',
      message: expect.stringContaining('was free within 1.0 s'),
    })
    expect(clock.now()).toBe(1000)
    const third = bulkhead.run(async () => 'third')
    first.finish()
    await running
    expect(await third).toBe('third')
    expect(second.begun()).toBe(false)
  })

  test('gives the place of who gave up to another, and leaves nobody behind it', async () => {
    const { bulkhead } = made(2)
    const first = task<void>()
    const running = bulkhead.run(first.work)
    const controller = new AbortController()
    const gone = bulkhead.run(async () => 'gone', controller.signal)
    const stays = bulkhead.run(async () => 'stays')
    controller.abort(new Error('client closed the request'))
    await expect(gone).rejects.toMatchObject({
      message: 'client closed the request',
      holdfast: { outcome: 'not-sent' },
    })
    const last = bulkhead.run(async () => 'last')
    first.finish()
    await running
    expect(await Promise.all([stays, last])).toEqual(['stays', 'last'])
  })

  test('passes errors on, and frees the place', async () => {
    const { bulkhead } = made(1)
    const error = new Error('no')
    const fails = () => Promise.reject(error)
    const both = [bulkhead.run(fails), bulkhead.run(fails)]
    for (const one of both) await expect(one).rejects.toBe(error)
    expect(await bulkhead.run(async () => 'next')).toBe('next')
  })
})

describe('a guard', () => {
  const limits = { acquireTimeoutMillis: 1000 }

  test('is not there where nothing asks for one, and then nothing is loaded', () => {
    const load = () => {
      throw new Error('loaded')
    }
    expect(guardOf(limits, pool, load)).toBeUndefined()
  })

  test('tells what to install where cockatiel is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'cockatiel'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    const guard = guardOf({ ...limits, bulkhead: { concurrent: 1 } }, pool, () => Promise.reject(missing))
    await expect(guard?.run(async () => 'work')).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('npm install cockatiel'),
      cause: missing,
      holdfast: { reason: 'client-misuse', outcome: 'not-sent' },
    })
  })

  test('passes an open circuit to nobody who would wait in the bulkhead', async () => {
    const guard = guardOf(
      { ...limits, circuitBreaker: { failures: 1 }, bulkhead: { concurrent: 1, queue: 1 } },
      pool,
    )
    const { failure } = await import('../told.js')
    const refused = failure('connection-refused', 'no', { phase: 'connect', sent: false })
    const slow = task<string>()
    const [failing, waiting] = [guard?.run(() => Promise.reject(refused)), guard?.run(slow.work)]
    await expect(failing).rejects.toBe(refused)
    await expect(waiting).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
    await expect(guard?.run(slow.work)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect(slow.begun()).toBe(false)
  })

  test('does not count what the bulkhead rejects', async () => {
    const guard = guardOf({ ...limits, circuitBreaker: { failures: 1 }, bulkhead: { concurrent: 1 } }, pool)
    const first = task<string>()
    const running = guard?.run(first.work)
    for (let i = 0; i < 3; i++)
      await expect(guard?.run(async () => 'no')).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    first.finish('first')
    expect(await running).toBe('first')
    expect(await guard?.run(async () => 'next')).toBe('next')
  })
})
