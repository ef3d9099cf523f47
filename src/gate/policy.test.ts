import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { REASONS, type ReasonId } from '../core/reasons.js'
import type { Layer, NotReady } from '../core/verdict.js'
import { decide, ends, isGone, newHistory } from './policy.js'

interface Look {
  heard?: boolean
  layer?: Layer
  code?: string
  ageMs?: number
}

const failed = (reason: ReasonId, { heard = false, layer = 'tcp', code, ageMs }: Look = {}): NotReady => ({
  target: 'db',
  ready: false,
  steps: [],
  heard,
  layer,
  finding: { reason, message: '', ...(code ? { code } : {}) },
  ...(ageMs === undefined ? {} : { server: { product: 'x', ageMs } }),
})

const refused = failed('connection-refused')
const starting = failed('server-not-ready', { heard: true, layer: 'handshake' })

/** Waits by the policy as far as `untilMs`; every attempt takes `attemptMs` and finds what `look` says. */
function simulate(
  look: (now: number, n: number) => NotReady,
  { untilMs = 10_000, attemptMs = 0, graceMs = 3000, random = Math.random } = {},
) {
  const history = newHistory()
  const attempts: { at: number; delayMs: number; verdict: NotReady }[] = []
  for (let now = 0; now < untilMs; ) {
    const verdict = look(now, attempts.length + 1)
    now += attemptMs
    const decision = decide(verdict, history, now, graceMs, random)
    attempts.push({ at: now, delayMs: decision.act === 'again' ? decision.delayMs : 0, verdict })
    if (decision.act === 'stop') return { attempts, endedAt: now }
    now += decision.delayMs
  }
  return { attempts, endedAt: undefined }
}

describe('while nothing listens', () => {
  const { attempts } = simulate(() => refused, { untilMs: 120_000 })

  test('it is asked every 5 ms at first, then after a hundredth of the time waited, up to 50 ms', () => {
    for (const { at, delayMs } of attempts.filter(one => one.at < 10_000))
      expect(delayMs).toBeCloseTo(Math.min(Math.max(at / 100, 5), 50), 9)
  })

  test('it is asked no later than a hundredth of the time after ten seconds, at most a second', () => {
    for (const { at, delayMs } of attempts.filter(one => one.at >= 10_000)) {
      expect(delayMs).toBeLessThanOrEqual(Math.max(at / 100, 50))
      expect(delayMs).toBeLessThanOrEqual(1000)
    }
    const [last] = simulate(() => refused, { untilMs: 600_000 }).attempts.slice(-1)
    expect(last?.delayMs).toBe(1000)
  })

  test('it is not asked more often than the processor should notice', () => {
    expect(attempts.filter(one => one.at < 10_000).length).toBeLessThan(450)
  })

  test.each(['connect-timeout', 'connection-lost'] as const)(
    'the same goes for %s of a mute port',
    reason => {
      const delays = simulate(() => failed(reason)).attempts.map(one => one.delayMs)
      expect(delays[0]).toBe(5)
      expect(Math.max(...delays)).toBe(50)
    },
  )
})

describe('courtesy towards a server that has to answer', () => {
  // Those that a server's own answer can mean, and that keep a wait going.
  const NO_ANSWERS = [
    'dns-failure',
    'host-unreachable',
    'connection-refused',
    'connect-timeout',
    'database-not-found',
  ]
  const answers = (Object.keys(REASONS) as ReasonId[]).filter(
    id => REASONS[id].heals !== 'never' && !NO_ANSWERS.includes(id),
  )

  test.each(answers)('%s is answered at most a hundred times in ten seconds', reason => {
    const { attempts } = simulate(() => failed(reason, { heard: true, layer: 'handshake' }))
    expect(attempts.length).toBeLessThanOrEqual(100)
    expect(attempts.length).toBeGreaterThan(5)
  })

  test('a command and a query count as answers, also where no byte was heard', () => {
    const { attempts } = simulate(() => failed('unmet', { layer: 'query' }))
    expect(attempts.length).toBeLessThanOrEqual(100)
  })

  test('a server that answers every other time is answered for no more often', () => {
    const { attempts } = simulate((_, n) => (n % 2 ? refused : starting))
    expect(attempts.filter(one => one.verdict === starting).length).toBeLessThanOrEqual(100)
  })

  test('a server that begins to answer late is asked at most a hundred times in any ten seconds', () => {
    const { attempts } = simulate(now => (now < 5000 ? refused : starting), { untilMs: 30_000 })
    const times = attempts.filter(one => one.verdict === starting).map(one => one.at)
    for (const from of times)
      expect(times.filter(at => at >= from && at < from + 10_000).length).toBeLessThanOrEqual(100)
  })

  test('too many connections are met at most twice a second, and not in step with others', () => {
    const full = failed('too-many-connections', { heard: true, layer: 'auth' })
    for (const random of [() => 0, () => 0.5, () => 0.999])
      expect(simulate(() => full, { random }).attempts.length).toBeLessThanOrEqual(20)
    const delays = new Set(simulate(() => full).attempts.map(one => one.delayMs))
    expect(delays.size).toBeGreaterThan(5)
  })

  test.each([500, 2000, 8000])('one that was not ready for %i ms is released soon after it is', readyAt => {
    const { attempts } = simulate(() => starting, { untilMs: readyAt })
    const late = attempts.reduce((at, one) => at + one.delayMs, 0) - readyAt
    expect(late).toBeLessThanOrEqual(Math.max(50, readyAt * 0.05))
  })

  test('in the long run it is asked once a second', () => {
    const [last] = simulate(() => starting, { untilMs: 120_000 }).attempts.slice(-1)
    expect(last?.delayMs).toBe(1000)
  })
})

describe('a name that does not resolve', () => {
  test('is looked up every 50 ms at first, and no later than a second', () => {
    const delays = simulate(() => failed('dns-failure', { layer: 'dns' }), { untilMs: 120_000 }).attempts.map(
      one => one.delayMs,
    )
    expect([delays[0], delays.at(-1)]).toEqual([50, 1000])
  })

  test('is looked up to the deadline, whatever the grace', () => {
    for (const graceMs of [0, 3000])
      expect(simulate(() => failed('dns-failure', { layer: 'dns' }), { graceMs }).endedAt).toBeUndefined()
  })
})

const NEVER = (Object.keys(REASONS) as ReasonId[]).filter(id => REASONS[id].heals === 'never')

describe('a reason that does not heal', () => {
  const lasting = NEVER.filter(id => id !== 'authentication-failed')

  test.each(lasting)('ends the wait once %s has lasted for the grace, and not before', reason => {
    const { endedAt, attempts } = simulate(() => failed(reason, { heard: true }), { untilMs: 60_000 })
    expect(endedAt).toBe(3000)
    expect(attempts.length).toBeGreaterThan(10)
    expect(attempts.length).toBeLessThanOrEqual(14)
  })

  test.each(NEVER)('ends it at once where the grace is 0: %s', reason => {
    expect(simulate(() => failed(reason, { heard: true }), { graceMs: 0 })).toMatchObject({
      endedAt: 0,
      attempts: [{}],
    })
  })

  test('begins its grace anew when something else came between', () => {
    const denied = failed('access-denied', { heard: true })
    const { endedAt } = simulate(now => (now >= 2000 && now < 2300 ? starting : denied), { untilMs: 60_000 })
    expect(endedAt).toBeGreaterThanOrEqual(5200)
    expect(endedAt).toBeLessThanOrEqual(5600)
  })

  test('shares its grace with other reasons of its kind', () => {
    const { endedAt } = simulate((_, n) => failed(n % 2 ? 'tls-failure' : 'protocol-mismatch'))
    expect(endedAt).toBe(3000)
  })

  test('is found late and still has its whole grace', () => {
    const { endedAt } = simulate(now => (now < 7000 ? refused : failed('tls-failure')), { untilMs: 60_000 })
    expect(endedAt).toBeGreaterThanOrEqual(10_000)
    expect(endedAt).toBeLessThan(10_100)
  })
})

describe('a rejected login', () => {
  const rejected = failed('authentication-failed', { heard: true, layer: 'auth' })

  test('is repeated once, at the end of the grace, and then the wait ends', () => {
    const { attempts, endedAt } = simulate(() => rejected)
    expect(attempts.map(one => one.at)).toEqual([0, 3000])
    expect(endedAt).toBe(3000)
  })

  test('is not repeated where the grace is 0', () => {
    expect(simulate(() => rejected, { graceMs: 0 }).attempts).toHaveLength(1)
  })

  test('comes at most twice in a whole wait, whatever happens between', () => {
    const reasons = Object.keys(REASONS) as ReasonId[]
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...reasons, 'authentication-failed' as const), { minLength: 1 }),
        fc.constantFrom(0, 100, 3000, 30_000),
        (sequence, graceMs) => {
          const look = (_: number, n: number) =>
            failed(sequence[n % sequence.length] ?? 'unknown', { heard: true, layer: 'auth' })
          const { attempts } = simulate(look, { untilMs: 60_000, graceMs })
          const logins = attempts.filter(one => one.verdict.finding.reason === 'authentication-failed')
          expect(logins.length).toBeLessThanOrEqual(2)
        },
      ),
    )
  })
})

describe('a missing database', () => {
  const missing = (ageMs?: number) =>
    failed('database-not-found', { heard: true, layer: 'auth', ...(ageMs === undefined ? {} : { ageMs }) })

  test('ends the wait after the grace where the server is old, or its age is not known', () => {
    expect(simulate(() => missing(30_000)).endedAt).toBe(3000)
    expect(simulate(() => missing()).endedAt).toBe(3000)
  })

  test('is waited for while the server is younger than thirty seconds', () => {
    expect(simulate(now => missing(now), { untilMs: 29_000 }).endedAt).toBeUndefined()
    const { endedAt } = simulate(now => missing(now), { untilMs: 60_000 })
    expect(endedAt).toBeGreaterThanOrEqual(33_000)
    expect(endedAt).toBeLessThan(35_500)
  })

  test('ends it at once where the grace is 0, however young the server is', () => {
    expect(simulate(() => missing(10), { graceMs: 0 }).endedAt).toBe(0)
  })

  test('is asked for slowly', () => {
    const { attempts } = simulate(now => missing(now), { untilMs: 10_000 })
    expect(Math.min(...attempts.map(one => one.delayMs))).toBe(250)
    expect(attempts.length).toBeLessThanOrEqual(40)
  })
})

test.each(
  (Object.keys(REASONS) as ReasonId[]).filter(id => !NEVER.includes(id) && id !== 'database-not-found'),
)('%s never ends a wait, whatever the grace', reason => {
  for (const graceMs of [0, 3000]) {
    expect(
      simulate(() => failed(reason, { heard: true }), { graceMs, untilMs: 60_000 }).endedAt,
    ).toBeUndefined()
    expect(ends(failed(reason), graceMs)).toBe(false)
  }
})

test('every delay is a positive time of at most three seconds, whatever is met', () => {
  const look = fc.record({
    reason: fc.constantFrom(...(Object.keys(REASONS) as ReasonId[])),
    heard: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(look, { minLength: 1, maxLength: 20 }), looks => {
      const { attempts, endedAt } = simulate((_, n) => {
        const { reason, heard } = looks[n % looks.length] ?? { reason: 'unknown', heard: false }
        return failed(reason, { heard })
      })
      for (const { delayMs } of endedAt === undefined ? attempts : attempts.slice(0, -1)) {
        expect(delayMs).toBeGreaterThanOrEqual(5)
        expect(delayMs).toBeLessThan(3000.001)
      }
    }),
  )
})

describe('a target is gone', () => {
  test.each<[ReasonId, string | undefined]>([
    ['connection-refused', 'ECONNREFUSED'],
    ['connection-refused', 'ENOENT'],
    ['dns-failure', 'ENOTFOUND'],
  ])('when it says %s (%s)', (reason, code) =>
    expect(isGone(failed(reason, code ? { code } : {}))).toBe(true),
  )

  const others = (Object.keys(REASONS) as ReasonId[]).filter(
    id => id !== 'connection-refused' && id !== 'dns-failure',
  )
  test.each(others)('not when it says %s', reason => expect(isGone(failed(reason))).toBe(false))

  test('not when the resolver failed', () => {
    expect(isGone(failed('dns-failure', { code: 'EAI_AGAIN' }))).toBe(false)
    expect(isGone(failed('dns-failure', { code: 'ETIMEDOUT' }))).toBe(false)
  })
})
