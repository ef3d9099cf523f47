import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../test/support/fake-clock.js'
import { type FakeService, fakeService, fakeTarget, type Login } from '../../test/support/fake-service.js'
import { Secret } from '../core/redact.js'
import type { Server, Verdict } from '../core/verdict.js'
import type { Aim, Outcome, WaitOptions, WaitResult } from './outcome.js'
import { waitForTargets } from './wait.js'
// Loaded late by the wait: the time of a test stands still for no file.
import './said.js'
import './tripwire.js'

const HANGS: Login = { takesMs: Number.POSITIVE_INFINITY }
const REFUSES: Login = { fails: 'connection-refused', code: 'ECONNREFUSED', at: 'tcp' }

type Script = (n: number, now: number) => Login

interface Told {
  readonly reason: string
  readonly at: number
  readonly attempts: number
}

interface Run {
  readonly clock: FakeClock
  readonly services: readonly FakeService[]
  readonly told: readonly Told[]
  readonly result: WaitResult
}

const reasonOf = (verdict: Verdict) => (verdict.ready ? 'ready' : verdict.finding.reason)

/**
 * Waits in virtual time for one target a script, and proves each time that nothing is left: no session, no timer.
 */
async function wait(
  scripts: readonly Script[],
  { password, ...options }: WaitOptions & { password?: string } = {},
  started = (_: FakeClock) => {},
): Promise<Run> {
  const clock = new FakeClock()
  const services = scripts.map(script => fakeService(clock, script))
  const aims: Aim[] = services.map((service, i) => ({
    target: { ...fakeTarget(`db${i + 1}`), ...(password ? { password: new Secret(password) } : {}) },
    service,
  }))
  const told: Told[] = []
  const waiting = waitForTargets(aims, {
    clock,
    identify: false,
    onVerdict: (verdict, { elapsedMs, attempts }) =>
      told.push({ reason: reasonOf(verdict), at: elapsedMs, attempts }),
    ...options,
  })
  started(clock)
  const result = await clock.run(waiting)
  expect(services.map(service => service.left)).toEqual(services.map(() => 0))
  expect(clock.pending).toBe(0)
  return { clock, services, told, result }
}

const only = ({ result }: Run): Outcome => result.outcomes[0] as Outcome

describe('a target that is ready', () => {
  test('is released at once, after one attempt', async () => {
    const run = await wait([() => ({})])
    expect(run.result).toMatchObject({ ok: true, durationMs: 0 })
    expect(run.result.culprit).toBeUndefined()
    expect(only(run)).toMatchObject({
      state: 'ready',
      attempts: 1,
      readyAfterMs: 0,
      verdict: { ready: true },
    })
  })

  test('later is waited for, and released soon after', async () => {
    const run = await wait([(_, now) => (now < 3000 ? REFUSES : {})])
    expect(run.result.ok).toBe(true)
    expect(only(run).readyAfterMs).toBeGreaterThanOrEqual(3000)
    expect(only(run).readyAfterMs).toBeLessThanOrEqual(3050)
    expect(only(run).attempts).toBe(run.services[0]?.logins.length)
  })

  test('is told of with every verdict before', async () => {
    const { told } = await wait([n => [REFUSES, { fails: 'server-not-ready' } as Login][n - 1] ?? {}])
    expect(told.map(one => [one.reason, one.attempts])).toEqual([
      ['connection-refused', 1],
      ['server-not-ready', 2],
      ['ready', 3],
    ])
  })
})

describe('the deadline', () => {
  test('ends the wait to the millisecond, and keeps the last cause', async () => {
    const run = await wait([() => REFUSES], { timeoutMs: 4000 })
    expect(run.result).toMatchObject({ ok: false, durationMs: 4000 })
    expect(run.result.culprit).toBe(only(run))
    expect(only(run)).toMatchObject({
      state: 'waiting',
      readyAfterMs: null,
      verdict: { layer: 'tcp', finding: { reason: 'connection-refused', code: 'ECONNREFUSED' } },
    })
  })

  test('is a minute where none is given', async () => {
    expect((await wait([() => REFUSES])).result.durationMs).toBe(60_000)
  })

  test('that cuts an attempt short keeps the cause of the one before', async () => {
    const run = await wait([(_, now) => (now < 3500 ? REFUSES : HANGS)], { timeoutMs: 4000 })
    expect(only(run)).toMatchObject({
      state: 'waiting',
      verdict: { finding: { reason: 'connection-refused' } },
    })
    expect(run.result.durationMs).toBe(4000)
  })

  test('that ends an attempt after a second or more keeps that one’s', async () => {
    const run = await wait([(_, now) => (now < 2500 ? REFUSES : { ...HANGS, at: 'handshake' })], {
      timeoutMs: 4000,
    })
    expect(only(run)).toMatchObject({
      verdict: {
        layer: 'handshake',
        finding: { reason: 'connect-timeout' },
        steps: [{ layer: 'handshake', state: 'running' }],
      },
    })
  })

  test('that cuts the only attempt short has its cause, as there is no other', async () => {
    const run = await wait([() => HANGS], { timeoutMs: 100 })
    expect(only(run)).toMatchObject({
      state: 'waiting',
      attempts: 1,
      verdict: { ready: false, layer: 'auth', finding: { reason: 'connect-timeout' } },
    })
  })

  test('during the grace does not turn what never heals into something that may', async () => {
    const run = await wait([() => ({ fails: 'access-denied' })], { timeoutMs: 1000 })
    expect(run.result.durationMs).toBe(1000)
    expect(only(run)).toMatchObject({ state: 'broken', verdict: { finding: { reason: 'access-denied' } } })
  })

  test('of one attempt ends it, and the next one begins', async () => {
    const run = await wait([n => (n < 3 ? HANGS : {})], { attemptTimeoutMs: 700 })
    expect(run.services[0]?.logins[0]).toBe(0)
    expect(run.told.map(one => one.reason)).toEqual(['connect-timeout', 'connect-timeout', 'ready'])
    expect(run.told[0]?.at).toBe(700)
    expect(run.result.durationMs).toBeLessThan(1500)
  })

  test('of one attempt is five seconds where none is given', async () => {
    const run = await wait([n => (n < 2 ? HANGS : {})])
    expect(run.told[0]).toMatchObject({ reason: 'connect-timeout', at: 5000 })
  })
})

test('time counts from the beginning of the wait, whatever the clock says then', async () => {
  const clock = new FakeClock(1e6)
  const service = fakeService(clock, (_, now) => (now < 1e6 + 500 ? REFUSES : HANGS))
  const elapsed: number[] = []
  const result = await clock.run(
    waitForTargets([{ target: fakeTarget(), service }], {
      clock,
      identify: false,
      timeoutMs: 4000,
      onVerdict: (_, progress) => elapsed.push(progress.elapsedMs),
    }),
  )
  expect(result.durationMs).toBe(4000)
  expect(elapsed[0]).toBe(0)
  expect(Math.max(...elapsed)).toBe(4000)
  const running = result.outcomes[0]?.verdict.steps.find(step => step.state === 'running')
  expect(running?.ms).toBeGreaterThan(3000)
  expect(running?.ms).toBeLessThanOrEqual(3500)
})

describe('what never heals', () => {
  test('is told at once, and ends the wait after the grace', async () => {
    const run = await wait([() => ({ fails: 'access-denied' })])
    expect(run.told[0]).toEqual({ reason: 'access-denied', at: 0, attempts: 1 })
    expect(run.result).toMatchObject({ ok: false, durationMs: 3000 })
    expect(only(run).state).toBe('broken')
  })

  test('ends the wait at once where the grace is 0', async () => {
    const run = await wait([() => ({ fails: 'access-denied' })], { graceMs: 0 })
    expect(run.result.durationMs).toBe(0)
    expect(only(run)).toMatchObject({ state: 'broken', attempts: 1 })
  })

  test('and goes away within the grace is forgotten', async () => {
    const run = await wait([(_, now) => (now < 2000 ? { fails: 'access-denied' } : {})])
    expect(run.result.ok).toBe(true)
  })

  test('of a rejected password means two logins, the second at the end of the grace', async () => {
    const run = await wait([() => ({ fails: 'authentication-failed' })], { graceMs: 1500 })
    expect(run.services[0]?.logins).toEqual([0, 1500])
    expect(run.result.durationMs).toBe(1500)
  })

  test.each([0, 1500])(
    'of one rejected password means two logins in all, for five targets, with a grace of %i ms',
    async graceMs => {
      const rejecting = () => ({ fails: 'authentication-failed' }) as const
      const five = Array.from({ length: 5 }, () => rejecting)
      const options = { graceMs, timeoutMs: 5000, password: 'wrong' }
      const run = await wait(five, options)
      const logins = run.services.flatMap(service => service.logins)
      expect(logins).toHaveLength(graceMs === 0 ? 1 : 2)
      expect(run.result.durationMs).toBe(graceMs)
      const any = await wait(five, { ...options, any: true })
      expect(any.services.flatMap(service => service.logins)).toHaveLength(graceMs === 0 ? 1 : 2)
      expect(any.result.outcomes.map(one => one.state)).toEqual(five.map(() => 'broken'))
    },
  )

  test('of a password that is right asks all targets at once from the second attempt on', async () => {
    const starting = (_: number, now: number): Login =>
      now < 200 ? { fails: 'server-not-ready' } : { takesMs: 300 }
    const run = await wait([() => ({}), starting, starting], { password: 'right' })
    expect(run.result.ok).toBe(true)
    expect(run.result.durationMs).toBeLessThan(600)
  })

  test('ends the wait for the others, too, and is the culprit', async () => {
    const run = await wait([() => REFUSES, () => ({ fails: 'tls-failure' }), () => HANGS], { graceMs: 100 })
    expect(run.result.durationMs).toBe(100)
    expect(run.result.outcomes.map(one => one.state)).toEqual(['waiting', 'broken', 'waiting'])
    expect(run.result.culprit).toBe(run.result.outcomes[1])
    // One that was cut off in its first attempt is told by what it was doing.
    expect(run.result.outcomes.map(one => reasonOf(one.verdict))).toEqual([
      'connection-refused',
      'tls-failure',
      'connect-timeout',
    ])
  })

  test('of a database that a young server may still create is waited for', async () => {
    const missing = (now: number): Login => ({ fails: 'database-not-found', server: { ageMs: now } })
    const run = await wait([(_, now) => (now < 10_000 ? missing(now) : {})])
    expect(run.result.ok).toBe(true)
  })
})

describe('several targets', () => {
  test('are all waited for, side by side', async () => {
    const run = await wait([(_, now) => (now < 1000 ? REFUSES : {}), (_, now) => (now < 2000 ? REFUSES : {})])
    expect(run.result.ok).toBe(true)
    expect(run.result.durationMs).toBeLessThan(2100)
    expect(run.result.outcomes.map(one => one.target.name)).toEqual(['db1', 'db2'])
  })

  test('have the first that is not ready as culprit where none is broken', async () => {
    const run = await wait([() => ({}), () => REFUSES, () => HANGS], { timeoutMs: 500 })
    expect(run.result.culprit).toBe(run.result.outcomes[1])
    expect(run.result.outcomes.map(one => one.state)).toEqual(['ready', 'waiting', 'waiting'])
  })

  test('none at all are ready', async () => {
    expect((await wait([])).result).toMatchObject({ ok: true, outcomes: [] })
  })
})

describe('any of several targets', () => {
  test('is enough, and ends the wait for the others', async () => {
    const run = await wait([() => REFUSES, (_, now) => (now < 300 ? REFUSES : {}), () => HANGS], {
      any: true,
    })
    expect(run.result.ok).toBe(true)
    expect(run.result.durationMs).toBeLessThan(400)
    expect(run.result.outcomes.map(one => one.state)).toEqual(['waiting', 'ready', 'waiting'])
    expect(run.result.culprit).toBeUndefined()
  })

  test('may come up while another is broken', async () => {
    const run = await wait([() => ({ fails: 'access-denied' }), (_, now) => (now < 9000 ? REFUSES : {})], {
      any: true,
      graceMs: 100,
    })
    expect(run.result.ok).toBe(true)
    expect(run.result.outcomes.map(one => one.state)).toEqual(['broken', 'ready'])
  })

  test('is waited for no longer once all are broken', async () => {
    const run = await wait([() => ({ fails: 'access-denied' }), () => ({ fails: 'tls-failure' })], {
      any: true,
      graceMs: 100,
    })
    expect(run.result).toMatchObject({ ok: false, durationMs: 100 })
    expect(run.result.culprit).toBe(run.result.outcomes[0])
  })
})

describe('once', () => {
  test.each<[string, Login, boolean, Outcome['state']]>([
    ['ready', {}, true, 'ready'],
    ['refusing', REFUSES, false, 'waiting'],
    ['hanging', HANGS, false, 'waiting'],
  ])('means one attempt at a target that is %s', async (_, login, ok, state) => {
    const run = await wait([() => login], { once: true })
    expect(run.result.ok).toBe(ok)
    expect(only(run)).toMatchObject({ attempts: 1, state })
    expect(run.services[0]?.logins).toEqual([0])
  })

  test('does not wait for a grace', async () => {
    const run = await wait([() => ({ fails: 'access-denied' })], { once: true })
    expect(run.result).toMatchObject({ ok: false, durationMs: 0 })
    expect(only(run).state).toBe('broken')
  })

  test('does not make the targets wait for each other', async () => {
    const run = await wait([() => REFUSES, () => ({ takesMs: 200 })], { once: true })
    expect(run.result.outcomes.map(one => one.state)).toEqual(['waiting', 'ready'])
  })
})

describe('until it is gone', () => {
  test('it is looked at every 100 ms, and every session that it still gives is closed', async () => {
    const run = await wait([(_, now) => (now < 500 ? {} : REFUSES)], { gone: true })
    expect(run.result.ok).toBe(true)
    expect(only(run)).toMatchObject({ state: 'gone', readyAfterMs: 500, attempts: 6 })
    expect(run.services[0]?.opened).toBe(5)
    expect(run.services[0]?.logins).toEqual([0, 100, 200, 300, 400, 500])
  })

  test('its name may be gone', async () => {
    const run = await wait([() => ({ fails: 'dns-failure', code: 'ENOTFOUND', at: 'dns' })], { gone: true })
    expect(run.result.ok).toBe(true)
  })

  test.each<[string, Login]>([
    ['a rejected login', { fails: 'authentication-failed' }],
    ['a time-out', HANGS],
    ['a lost connection', { fails: 'connection-lost' }],
    ['a resolver that failed', { fails: 'dns-failure', code: 'EAI_AGAIN', at: 'dns' }],
    ['a server that starts', { fails: 'server-not-ready' }],
  ])('%s is no proof, and ends no wait', async (_, login) => {
    const run = await wait([() => login], { gone: true, timeoutMs: 12_000 })
    expect(run.result).toMatchObject({ ok: false, durationMs: 12_000 })
    expect(only(run)).toMatchObject({ state: 'waiting', readyAfterMs: null })
  })

  test('the time runs out on one that still answers with a verdict that says so', async () => {
    const run = await wait([() => ({})], { gone: true, timeoutMs: 1000 })
    expect(only(run)).toMatchObject({
      state: 'waiting',
      verdict: { ready: false, finding: { reason: 'unmet', message: 'it still answers' } },
    })
  })

  test('all of several must be gone', async () => {
    const run = await wait([() => REFUSES, (_, now) => (now < 1000 ? {} : REFUSES)], { gone: true })
    expect(run.result).toMatchObject({ ok: true, durationMs: 1000 })
  })
})

describe('the signal', () => {
  test('ends the wait at once, whatever is under way', async () => {
    for (const login of [HANGS, REFUSES]) {
      const controller = new AbortController()
      const run = await wait([() => login, () => REFUSES], { signal: controller.signal }, clock => {
        void clock.sleep(1234).then(() => controller.abort(new Error('interrupted')))
      })
      expect(run.result).toMatchObject({ ok: false, durationMs: 1234 })
    }
  })

  test('that came before makes no login of any use', async () => {
    const run = await wait([() => ({})], { signal: AbortSignal.abort(new Error('too late')) })
    expect(run.result.ok).toBe(false)
  })
})

describe('a server that must be stable', () => {
  const server = (incarnation: string, ageMs: number): Partial<Server> => ({ incarnation, ageMs })

  test('and is old enough is released at once', async () => {
    const run = await wait([() => ({ server: server('a', 5000) })], { stableMs: 5000 })
    expect(run.result).toMatchObject({ ok: true, durationMs: 0 })
    expect(run.services[0]?.logins).toHaveLength(1)
  })

  test('is held until it is as old, and then met again by a fresh login', async () => {
    const run = await wait([(_, now) => ({ server: server('a', 1000 + now) })], { stableMs: 5000 })
    expect(run.result).toMatchObject({ ok: true, durationMs: 4000 })
    expect(run.services[0]?.logins).toEqual([0, 4000])
    expect(only(run)).toMatchObject({ state: 'ready', readyAfterMs: 4000 })
  })

  test('and closes the held session is waited for again, from its new beginning', async () => {
    let close = () => {}
    const closed = new Promise<void>(resolve => {
      close = resolve
    })
    const run = await wait(
      [
        (n, now) => {
          if (n === 1) return { server: server('temporary', 500), session: { closed } }
          if (now < 2000) return REFUSES
          return { server: server('real', now - 2000) }
        },
      ],
      { stableMs: 5000 },
      clock => void clock.sleep(1000).then(close),
    )
    expect(run.result.ok).toBe(true)
    expect(run.told[1]).toMatchObject({ reason: 'server-not-ready', at: 1000 })
    expect(run.result.durationMs).toBeGreaterThanOrEqual(7000)
    expect(run.result.durationMs).toBeLessThan(7100)
  })

  test('and is another one on the held session is waited for again', async () => {
    let inspected = 0
    // A pooler that gives the held session another server.
    const inspect = async () => ({ product: 'Fake', incarnation: inspected++ === 0 ? 'a' : 'b', ageMs: 0 })
    const run = await wait([n => (n === 1 ? { session: { inspect } } : { server: server('b', 60_000) })], {
      stableMs: 1000,
    })
    expect(run.told.map(one => [one.reason, one.at]).slice(0, 2)).toEqual([
      ['ready', 0],
      ['server-not-ready', 1000],
    ])
    expect(run.result.ok).toBe(true)
  })

  test('and whose held session does not answer any more is waited for again', async () => {
    let inspected = 0
    const inspect = async () => {
      if (inspected++ > 0) throw new Error('it fell silent')
      return { product: 'Fake', incarnation: 'a', ageMs: 0 }
    }
    const run = await wait([n => (n === 1 ? { session: { inspect } } : { server: server('a', 60_000) })], {
      stableMs: 1000,
    })
    expect(run.told[1]).toMatchObject({ reason: 'server-not-ready', at: 1000 })
    expect(run.result.ok).toBe(true)
  })

  test('and whose held session hangs is given up after the time of one attempt', async () => {
    let inspected = 0
    const inspect = () =>
      inspected++ > 0
        ? new Promise<never>(() => {})
        : Promise.resolve({ product: 'Fake', incarnation: 'a', ageMs: 0 })
    const run = await wait([n => (n === 1 ? { session: { inspect } } : { server: server('a', 60_000) })], {
      stableMs: 1000,
      attemptTimeoutMs: 2000,
    })
    expect(run.told[1]).toMatchObject({ reason: 'server-not-ready', at: 3000 })
    expect(run.result.ok).toBe(true)
  })

  test('and leaves nothing waiting for the age of a session that closed', async () => {
    const run = await wait(
      [
        n =>
          n === 1
            ? { server: server('a', 0), session: { closed: Promise.resolve() } }
            : { server: server('b', 60_000) },
      ],
      { stableMs: 30_000 },
    )
    expect(run.result.durationMs).toBeLessThan(100)
  })

  test('and is another one on a fresh login is waited for again', async () => {
    const run = await wait([(n, now) => ({ server: n === 1 ? server('a', 0) : server('b', now) })], {
      stableMs: 1000,
    })
    expect(run.told.map(one => [one.reason, one.at])).toContainEqual(['server-not-ready', 1000])
    expect(run.result.ok).toBe(true)
  })

  test('and rejects the fresh login is broken after the grace', async () => {
    const run = await wait([n => (n === 1 ? { server: server('a', 0) } : { fails: 'access-denied' })], {
      stableMs: 1000,
    })
    expect(only(run)).toMatchObject({ state: 'broken', verdict: { finding: { reason: 'access-denied' } } })
    expect(run.result.durationMs).toBe(4000)
  })

  test('and never gets old enough in time keeps that as the cause', async () => {
    const run = await wait([(_, now) => ({ server: server('a', now) })], { stableMs: 5000, timeoutMs: 3000 })
    expect(run.result).toMatchObject({ ok: false, durationMs: 3000 })
    expect(only(run)).toMatchObject({
      state: 'waiting',
      verdict: { ready: false, finding: { reason: 'server-not-ready', code: 'UNSTABLE' } },
    })
  })

  describe.each<[string, Partial<Server>]>([
    ['whose age nobody can read', {}],
    ['whose age is known and whose incarnation is not', { ageMs: 60_000 }],
    ['behind a pooler', { incarnation: 'a', ageMs: 60_000, via: 'pgbouncer' }],
  ])('%s', (_, known) => {
    test('is observed for the whole time', async () => {
      const run = await wait([() => ({ server: known })], { stableMs: 5000 })
      expect(run.result).toMatchObject({ ok: true, durationMs: 5000 })
      expect(run.services[0]?.logins).toEqual([0, ...Array.from({ length: 10 }, (_, i) => 500 * (i + 1))])
    })

    test('is observed anew after it failed', async () => {
      const run = await wait([(_, now) => (now >= 2000 && now < 2600 ? REFUSES : { server: known })], {
        stableMs: 5000,
      })
      expect(run.told[1]).toMatchObject({ reason: 'connection-refused', at: 2000 })
      expect(run.result.ok).toBe(true)
      expect(run.result.durationMs).toBeGreaterThanOrEqual(7600)
      expect(run.result.durationMs).toBeLessThan(7700)
    })

    test('is observed no longer than the deadline allows', async () => {
      const run = await wait([() => ({ server: known })], { stableMs: 5000, timeoutMs: 2000 })
      expect(run.result).toMatchObject({ ok: false, durationMs: 2000 })
      expect(only(run).verdict).toMatchObject({ finding: { code: 'UNSTABLE' } })
    })
  })

  test('behind a pooler, and was born while it was observed, is waited for again', async () => {
    const behind = (incarnation: string, ageMs: number): Login => ({
      server: { incarnation, ageMs, via: 'pgbouncer' },
    })
    const run = await wait([(_, now) => (now < 2000 ? behind('a', now) : behind('b', now - 2000))], {
      stableMs: 5000,
    })
    expect(run.told[1]).toMatchObject({ reason: 'server-not-ready', at: 2000 })
    expect(run.result.durationMs).toBeGreaterThanOrEqual(7000)
  })

  test('behind a pooler that balances between old servers is one server all the same', async () => {
    const run = await wait(
      [n => ({ server: { incarnation: n % 2 ? 'a' : 'b', ageMs: 60_000, via: 'pgbouncer' } })],
      { stableMs: 5000 },
    )
    expect(run.result).toMatchObject({ ok: true, durationMs: 5000 })
  })
})
