import { EventEmitter } from 'node:events'
import * as cockatiel from 'cockatiel'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { failure, told } from '../told.js'
import { Breaker } from './breaker.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const refused = () => failure('connection-refused', 'connect ECONNREFUSED', { phase: 'connect', sent: false })
const sqlstate = (code: string) =>
  told(Object.assign(new Error(code), { code, severity: 'ERROR', routine: 'x' }), {
    driver: 'pg',
    phase: 'statement',
    sent: true,
  })
const fails = (error: unknown) => () => Promise.reject(error)
const works = () => Promise.resolve('row')

function broken(options: { failures?: number; halfOpenAfterMillis?: number } = {}) {
  const pool = Object.assign(new EventEmitter(), { name: 'shop' })
  const events: string[] = []
  pool.on('open', ({ reason }) => events.push(`open ${reason}`))
  pool.on('close', () => events.push('close'))
  return { breaker: new Breaker(cockatiel, { failures: 2, ...options }, pool), events }
}

async function opened() {
  const all = broken()
  for (let i = 0; i < 2; i++) await all.breaker.run(fails(refused())).catch(() => {})
  expect(all.events).toEqual(['open connection-refused'])
  return all
}

describe('an open circuit', () => {
  test('rejects at once, with the reason of the last failure, and says that nothing was sent', async () => {
    const { breaker } = await opened()
    const work = vi.fn(works)
    const error = await breaker.run(work).catch(error => error)
    expect(work).not.toHaveBeenCalled()
    expect(error).toMatchObject({
      code: 'CIRCUIT_OPEN',
      cause: { message: 'connect ECONNREFUSED' },
      holdfast: { reason: 'connection-refused', phase: 'acquire', outcome: 'not-sent', httpStatus: 503 },
    })
    expect(error.message).toBe(
      'shop: the circuit is open, the next trial is in 10.0 s; the last failure: connect ECONNREFUSED',
    )
  })

  test('is 503 also where a connection was lost with a statement on the way', async () => {
    const { breaker } = broken({ failures: 1 })
    const lost = told(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), {
      driver: 'pg',
      phase: 'statement',
      sent: true,
    })
    expect(lost.holdfast.httpStatus).toBe(500)
    await expect(breaker.run(fails(lost))).rejects.toBe(lost)
    await expect(breaker.run(works)).rejects.toMatchObject({
      holdfast: { reason: 'connection-lost', httpStatus: 503 },
    })
  })

  test('lets one trial through after its time, rejects the others, and closes when it succeeds', async () => {
    const { breaker, events } = await opened()
    vi.setSystemTime(Date.now() + 10_000)
    let answer = (_: string) => {}
    const trial = breaker.run(() => new Promise<string>(resolve => (answer = resolve)))
    await expect(breaker.run(works)).rejects.toMatchObject({
      code: 'CIRCUIT_OPEN',
      message: expect.stringContaining('a trial is under way'),
    })
    answer('row')
    expect(await trial).toBe('row')
    expect(await breaker.run(works)).toBe('row')
    expect(events).toEqual(['open connection-refused', 'close'])
  })

  test('stays open for as long again when the trial fails, and tells of it once', async () => {
    const { breaker, events } = await opened()
    vi.setSystemTime(Date.now() + 10_000)
    await expect(breaker.run(fails(refused()))).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' })
    vi.setSystemTime(Date.now() + 9_999)
    await expect(breaker.run(works)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
    vi.setSystemTime(Date.now() + 1)
    expect(await breaker.run(works)).toBe('row')
    expect(events).toEqual(['open connection-refused', 'close'])
  })

  test('stays open when the program gives the trial up', async () => {
    const { breaker } = await opened()
    vi.setSystemTime(Date.now() + 10_000)
    const signal = AbortSignal.abort(new Error('gone'))
    await expect(breaker.run(fails(signal.reason), signal)).rejects.toThrow('gone')
    await expect(breaker.run(works)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test.each([
    ["the program's own error", new Error('sold out')],
    ['a wrong password', failure('authentication-failed', 'no', { phase: 'connect', sent: false })],
  ])('stays open when the trial ends with %s, which says nothing of the database', async (_, error) => {
    const { breaker, events } = await opened()
    vi.setSystemTime(Date.now() + 10_000)
    await expect(breaker.run(fails(error))).rejects.toBe(error)
    await expect(breaker.run(works)).rejects.toMatchObject({
      code: 'CIRCUIT_OPEN',
      holdfast: { reason: 'connection-refused' },
    })
    expect(events).toEqual(['open connection-refused'])
  })

  test('closes when the server answers the trial with an error of the statement', async () => {
    const { breaker, events } = await opened()
    vi.setSystemTime(Date.now() + 10_000)
    await expect(breaker.run(fails(sqlstate('23505')))).rejects.toMatchObject({ code: '23505' })
    expect(events).toEqual(['open connection-refused', 'close'])
  })
})

describe('a circuit stays closed', () => {
  const unique = sqlstate('23505')
  test.each([
    ['a unique violation', unique],
    ['a serialization failure', sqlstate('40001')],
    ['a deadlock', sqlstate('40P01')],
    ['a wrong password', failure('authentication-failed', 'no', { phase: 'connect', sent: false })],
    ["the program's own error", new Error('sold out')],
    ["a refused connection that is not the pool's", Object.assign(new Error(), { code: 'ECONNREFUSED' })],
  ])('after %s, however often', async (_, error) => {
    const { breaker, events } = broken({ failures: 1 })
    for (let i = 0; i < 3; i++) await expect(breaker.run(fails(error))).rejects.toBe(error)
    expect(events).toEqual([])
  })

  test('where an answer of the server comes between failures', async () => {
    const { breaker, events } = broken()
    for (let i = 0; i < 3; i++) {
      await breaker.run(fails(refused())).catch(() => {})
      await breaker.run(fails(unique)).catch(() => {})
    }
    expect(events).toEqual([])
  })

  test('where the program gave up', async () => {
    const { breaker, events } = broken({ failures: 1 })
    await breaker.run(fails(refused()), AbortSignal.abort()).catch(() => {})
    expect(events).toEqual([])
  })
})

test.each([
  'pool-exhausted',
  'statement-timeout',
  'connect-timeout',
  'server-not-ready',
  'read-only',
  'connection-lost',
] as const)('%s opens it', async reason => {
  const { breaker, events } = broken({ failures: 1 })
  await breaker.run(fails(failure(reason, 'no', { phase: 'acquire' }))).catch(() => {})
  expect(events).toEqual([`open ${reason}`])
})

test('a failure in what the program wrapped around it counts, too', async () => {
  const { breaker, events } = broken({ failures: 1 })
  const wrapped = new Error('no coupon', { cause: refused() })
  await expect(breaker.run(fails(wrapped))).rejects.toBe(wrapped)
  expect(events).toEqual(['open connection-refused'])
})
