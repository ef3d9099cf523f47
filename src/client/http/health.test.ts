import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failure, told } from '../told.js'
import { type HealthOptions, health } from './health.js'
import type { CheckState } from './sampler.js'
import type { Timing } from './timing.js'

/** Time that passes only by `pass`. */
class Passing implements Timing {
  #now = 0
  #timers: { at: number; work: () => void }[] = []
  now = () => this.#now
  random = () => 0
  after(ms: number, work: () => void) {
    const timer = { at: this.#now + ms, work }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(one => one !== timer)
    }
  }
  get pending() {
    return this.#timers.length
  }
  async pass(ms: number) {
    const end = this.#now + ms
    await settled()
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#timers = this.#timers.filter(one => one !== next)
      this.#now = Math.max(this.#now, next.at)
      next.work()
      await settled()
    }
    this.#now = end
  }
  /** The clock goes on and nothing runs: a process that was frozen. */
  jump(ms: number) {
    this.#now += ms
  }
}

const settled = () => new Promise<void>(resolve => setImmediate(resolve))

async function started(options: HealthOptions) {
  const timing = new Passing()
  const status = health({ drainOnSigterm: false, ...options }, timing).start()
  await settled()
  return { status, timing, ready: (query = '') => status.answer(`/readyz${query}`) }
}

/** A check that passes unless it has an error, and counts how often it is asked. */
function fake(error?: Error) {
  const one = {
    error,
    asked: 0,
    check: async () => {
      one.asked++
      if (one.error) throw one.error
    },
    as: (settings: { critical?: boolean } = {}) => ({ check: one.check, ...settings }),
  }
  return one
}

const refused = () =>
  Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })

describe('/readyz', () => {
  test('is 503 before anything was asked, and ok once every check passed', async () => {
    const db = fake()
    const timing = new Passing()
    const status = health({ checks: { db: db.as() }, drainOnSigterm: false }, timing)
    expect(status.answer('/readyz')).toMatchObject({
      status: 503,
      body: '[-]db failed: not-sampled\nreadyz check failed\n',
    })
    status.start().start()
    await settled()
    expect(status.answer('/readyz')).toMatchObject({ status: 200, body: 'ok' })
    expect(status.answer('/readyz?verbose')?.body).toBe('[+]db ok\nreadyz check passed\n')
    expect(db.asked).toBe(1)
  })

  test('asks every five seconds, after a failure every second, and answers from what it heard', async () => {
    const db = fake()
    const { timing, ready } = await started({ checks: { db: db.as() } })
    for (let i = 0; i < 100; i++) ready()
    expect(db.asked).toBe(1)
    await timing.pass(5000)
    expect(db.asked).toBe(2)
    db.error = refused()
    expect(ready()?.status).toBe(200)
    await timing.pass(5000)
    expect(ready()).toMatchObject({
      status: 503,
      body: '[-]db failed: connection-refused\nreadyz check failed\n',
    })
    db.error = undefined
    await timing.pass(1000)
    expect(ready()?.status).toBe(200)
  })

  test('takes up to a tenth off its intervals', async () => {
    const db = fake()
    const { timing } = await started({ checks: { db: db.as() } })
    timing.random = () => 0.999
    await timing.pass(5000)
    await timing.pass(4501)
    expect(db.asked).toBe(3)
  })

  test('stays ready, and says degraded, where what fails is not critical', async () => {
    const cache = fake(refused()).as({ critical: false })
    const { ready, status } = await started({ checks: { db: fake().as(), cache } })
    expect(ready()).toMatchObject({ status: 200, body: 'ok' })
    expect(ready('?verbose')?.body).toBe(
      '[+]db ok\n[-]cache degraded: connection-refused\nreadyz check passed\n',
    )
    expect(JSON.parse(status.answer('/readyz', 'application/json')?.body ?? '')).toMatchObject({
      status: 'degraded',
      checks: [{ name: 'db' }, { name: 'cache', state: 'degraded', reason: 'connection-refused' }],
    })
  })

  test('never passes from a sample that is too old', async () => {
    const { ready, timing } = await started({ checks: { db: fake().as() } })
    timing.jump(18_000)
    expect(ready()?.status).toBe(200)
    timing.jump(1)
    expect(ready()).toMatchObject({ status: 503, body: '[-]db failed: stale\nreadyz check failed\n' })
    await timing.pass(0)
    expect(ready()?.status).toBe(200)
  })

  test('gives a check its time, aborts it, and asks again only when it has ended', async () => {
    let asked = 0
    let end = () => {}
    const signals: AbortSignal[] = []
    const check = (signal: AbortSignal) => {
      signals.push(signal)
      asked++
      return new Promise<void>(resolve => (end = resolve))
    }
    const { ready, timing } = await started({ checks: { db: { check, timeoutMillis: 1000 } } })
    await timing.pass(999)
    expect([ready()?.body, signals[0]?.aborted]).toEqual([
      '[-]db failed: not-sampled\nreadyz check failed\n',
      false,
    ])
    await timing.pass(101)
    expect([ready()?.body, signals[0]?.aborted]).toEqual([
      '[-]db failed: timeout\nreadyz check failed\n',
      true,
    ])
    await timing.pass(60_000)
    expect(asked).toBe(1)
    end()
    await timing.pass(1000)
    expect(asked).toBe(2)
    end()
    await settled()
    expect(ready()?.status).toBe(200)
  })

  test('asks after a rejected login once a minute: servers lock accounts', async () => {
    const db = fake()
    db.error = Object.assign(new Error('no'), {
      code: '28P01',
      severity: 'FATAL',
      length: 1,
      routine: 'auth_failed',
    })
    const { ready, timing } = await started({ checks: { db: db.as() } })
    expect(ready()?.body).toContain('authentication-failed')
    await timing.pass(59_999)
    expect(db.asked).toBe(1)
    await timing.pass(1)
    expect(db.asked).toBe(2)
  })

  test('is 503 for good once it drains', async () => {
    const { ready, status } = await started({ checks: { db: fake().as() } })
    status.drain()
    expect(ready()).toMatchObject({
      status: 503,
      body: '[+]db ok\n[-]shutdown failed: draining\nreadyz check failed\n',
    })
    expect(status.answer('/livez')?.status).toBe(200)
    expect(status.draining).toBe(true)
  })

  test('is 503 once it was stopped, and leaves no timer', async () => {
    const { ready, status, timing } = await started({
      checks: { db: fake().as() },
      maxEventLoopLagMillis: 50,
    })
    await status.stop()
    expect([ready()?.status, timing.pending]).toEqual([503, 0])
    status.start()
    await settled()
    expect(ready()?.status).toBe(200)
  })

  test('tells of every change once', async () => {
    const changes: string[] = []
    const db = fake()
    const onChange = ({ name, state, reason }: CheckState) => changes.push(`${name} ${state} ${reason}`)
    const { timing } = await started({ checks: { db: db.as() }, onChange })
    await timing.pass(10_000)
    db.error = refused()
    await timing.pass(10_000)
    db.error = undefined
    await timing.pass(10_000)
    expect(changes).toEqual(['db ok undefined', 'db failed connection-refused', 'db ok undefined'])
  })
})

test('/startupz is ok once each critical check has passed, and stays so', async () => {
  const [db, queue, cache] = [fake(), fake(refused()), fake(refused())]
  const { status, timing } = await started({
    checks: { db: db.as(), queue: queue.as(), cache: cache.as({ critical: false }) },
  })
  expect(status.answer('/startupz')).toMatchObject({
    status: 503,
    body: '[+]db ok\n[-]queue failed: connection-refused\nstartupz check failed\n',
  })
  db.error = refused()
  queue.error = undefined
  await timing.pass(5000)
  db.error = queue.error = refused()
  await timing.pass(5000)
  expect(status.answer('/startupz')).toMatchObject({ status: 200, body: 'ok' })
  expect(status.answer('/readyz')?.status).toBe(503)
})

test('/startupz without checks stays ok when it is stopped, and /readyz does not', async () => {
  const { status } = await started({})
  await status.stop()
  expect([status.answer('/startupz')?.status, status.answer('/readyz')?.status]).toEqual([200, 503])
})

describe('/livez', () => {
  test('asks nothing', () => {
    const status = health({ checks: { db: fake().as() } })
    expect(status.answer('/livez')).toMatchObject({ status: 200, body: 'ok' })
    expect(status.answer('/livez?verbose')?.body).toBe('[+]ping ok\nlivez check passed\n')
  })

  test('is 503 while the event loop stands still for longer than its limit', async () => {
    const { status, timing } = await started({ maxEventLoopLagMillis: 1000 })
    await timing.pass(500)
    timing.jump(1500)
    expect(status.answer('/livez')?.status).toBe(200)
    timing.jump(1)
    expect(status.answer('/livez')).toMatchObject({
      status: 503,
      body: '[+]ping ok\n[-]event-loop failed: lag\nlivez check failed\n',
    })
    await timing.pass(0)
    expect(status.answer('/livez')?.status).toBe(503)
    await timing.pass(500)
    expect(status.answer('/livez')?.status).toBe(200)
  })
})

describe('an answer', () => {
  test.each(['application/json', 'application/health+json;q=0.9', 'text/html, application/json'])(
    'is JSON where %s is accepted',
    async accept => {
      const { status, timing } = await started({ checks: { db: fake().as() } })
      timing.jump(1234)
      expect(status.answer('/readyz', accept)).toMatchObject({
        headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
      })
      expect(JSON.parse(status.answer('/readyz', accept)?.body ?? '')).toEqual({
        status: 'ok',
        checks: [{ name: 'db', state: 'ok', critical: true, ageMs: 1234 }],
      })
    },
  )

  test.each(['/', '/healthz', '/readyz/db', '/READYZ', '//readyz'])('%s is none of its paths', path => {
    expect(health().answer(path)).toBeUndefined()
  })

  test('says nothing of what a check threw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 5 }), fc.boolean(), async (text, critical) => {
        const secret = `§${text}§`
        const check = () =>
          Promise.reject(
            Object.assign(new Error(secret), { code: secret, host: secret, cause: new Error(secret) }),
          )
        const { status, ready } = await started({ checks: { db: { check, critical } } })
        const all = [ready('?verbose')?.body, status.answer('/readyz?verbose', 'application/json')?.body]
        await status.stop()
        expect(all.join()).not.toContain('§')
        expect(all.join()).toContain('unknown')
      }),
      { numRuns: 30 },
    )
  })
})

describe('a pool', () => {
  class FakePool extends EventEmitter {
    queries = 0
    used = 0
    outcome: () => Promise<unknown> = async () => {}
    state = () => ({ max: 2, used: this.used, idle: 0 })
    query(_: unknown) {
      this.queries++
      return this.outcome()
    }
  }

  test('whose connections are all taken is not asked, and is degraded while they come back sound', async () => {
    const pool = Object.assign(new FakePool(), { used: 2 })
    const { ready, timing } = await started({ checks: { db: { pool } } })
    pool.emit('release', undefined, {})
    await settled()
    expect(ready('?verbose')).toMatchObject({
      status: 200,
      body: '[-]db degraded: pool-exhausted\nreadyz check passed\n',
    })
    await timing.pass(5000)
    for (const broken of [new Error('lost'), true]) pool.emit('release', broken, {})
    await timing.pass(3100)
    expect(ready()).toMatchObject({
      status: 503,
      body: '[-]db failed: pool-exhausted\nreadyz check failed\n',
    })
    expect(pool.queries).toBe(0)
    pool.used = 1
    await timing.pass(5000)
    expect([ready()?.body, pool.queries]).toEqual(['ok', 1])
    expect([pool.listenerCount('release'), pool.listenerCount('retry')]).toEqual([0, 0])
  })

  test('that tries again and again to connect says why it cannot', async () => {
    const pool = new FakePool()
    pool.outcome = () => new Promise(() => {})
    const { ready, timing } = await started({ checks: { db: { pool } } })
    pool.emit('retry', { error: told(refused(), { phase: 'connect' }), attempt: 1 })
    await settled()
    expect(ready()?.body).toContain('[-]db failed: connection-refused')
    await timing.pass(1000)
    expect(pool.queries).toBe(1)
  })

  test('that repeats a transaction, or has another connection, is not called dead for it', async () => {
    for (const [idle, phase] of [
      [0, 'statement'],
      [1, 'connect'],
    ] as const) {
      const pool = Object.assign(new FakePool(), { state: () => ({ max: 2, used: 0, idle }) })
      let answer = () => {}
      pool.outcome = () => new Promise<void>(resolve => (answer = resolve))
      const { ready } = await started({ checks: { db: { pool } } })
      pool.emit('retry', { error: told(refused(), { phase, sent: true }), attempt: 1 })
      await settled()
      answer()
      await settled()
      expect(ready()?.body).toBe('ok')
    }
  })

  test('whose bulkhead is full is degraded while its connections come back sound', async () => {
    const pool = new FakePool()
    pool.outcome = () =>
      Promise.reject(failure('pool-exhausted', 'full', { phase: 'acquire', code: 'BULKHEAD_FULL' }))
    const { ready, timing } = await started({ checks: { db: { pool } } })
    pool.emit('release', undefined, {})
    await settled()
    expect(ready('?verbose')?.body).toBe('[-]db degraded: pool-exhausted\nreadyz check passed\n')
    await timing.pass(8100)
    expect(ready()?.body).toBe('[-]db failed: pool-exhausted\nreadyz check failed\n')
  })

  test('that keeps a question waiting is asked no other meanwhile', async () => {
    const pool = new FakePool()
    let answer = () => {}
    pool.outcome = () => new Promise<void>(resolve => (answer = resolve))
    const { ready, timing } = await started({ checks: { db: { pool } } })
    await timing.pass(30_000)
    expect([ready()?.body, pool.queries]).toEqual(['[-]db failed: timeout\nreadyz check failed\n', 1])
    answer()
    await settled()
    expect(ready()?.body).toBe('ok')
  })
})

test.each([
  [{ check: {} }, 'health: unknown option check; did you mean checks?'],
  [{ intervalMillis: '5s' }, 'intervalMillis: a string is not a number of milliseconds from 10'],
  [{ timeoutMillis: 0 }, 'timeoutMillis: 0 is not a number of milliseconds from 1'],
  [{ timeoutMillis: 2 ** 31 }, 'timeoutMillis: 2147483648 is more than 2147483647 milliseconds, 24 days'],
  [null, 'health: null is not an object of options'],
  [{ checks: [1] }, 'checks: "0" is no name'],
  [{ checks: { 'redis://:hunter2@cache': { address: 'x' } } }, 'checks: "redis://:***@cache" is no name'],
  [{ checks: { shutdown: { check: () => {} } } }, 'the name shutdown has a meaning of its own'],
  [{ checks: { db: {} } }, 'checks.db: give one of pool, address, check, not 0'],
  [{ checks: { db: { pool: {}, address: 'x' } } }, 'checks.db: give one of pool, address, check, not 2'],
  [{ checks: { db: { pool: {} } } }, 'checks.db.pool: it has no query(), so it is no pool'],
  [{ checks: { db: { adress: 'redis://x' } } }, 'checks.db: unknown option adress; did you mean address?'],
  [{ checks: { db: { address: 'redi://:hunter2@x' } } }, 'Did you mean redis://?'],
  [{ checks: { db: { check: 1 } } }, 'checks.db.check: a number is not a function'],
  [{ checks: { db: { check: () => {}, critical: 'yes' } } }, 'checks.db.critical: a string is not a boolean'],
  [
    { checks: { db: { check: () => {} } }, staleAfterMillis: 100 },
    'staleAfterMillis: 100 is less than an interval and the time-out of db, 8000',
  ],
])('%o is refused', (options, message) => {
  expect(() => health(options as HealthOptions)).toThrow(message)
  expect(() => health(options as HealthOptions)).not.toThrow('hunter2')
})
