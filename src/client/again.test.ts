import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../test/support/fake-clock.js'
import { mayConnectAgain, pauseAfter, retrying, Sleepers } from './again.js'
import { told } from './told.js'

const refused = () =>
  Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
const wrongPassword = () => Object.assign(new Error('password authentication failed'), { code: '28P01' })

const patience = fc.record({
  connectAttempts: fc.integer({ min: 1, max: 20 }),
  connectDeadlineMillis: fc.integer({ min: 1, max: 200_000 }),
  backoffMillis: fc.integer({ min: 0, max: 5000 }),
  backoffFactor: fc.double({ min: 1, max: 3, noNaN: true }),
  backoffMostMillis: fc.integer({ min: 0, max: 60_000 }),
})

describe('trying again', () => {
  test('keeps within attempts and deadline, and waits between any two', async () => {
    await fc.assert(
      fc.asyncProperty(
        patience,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.nat(25),
        async (limits, dice, fails) => {
          const clock = new FakeClock()
          const random = () => dice
          const at: number[] = []
          const end = await clock
            .run(
              retrying(
                async attempt => {
                  at.push(clock.now())
                  if (attempt <= fails) throw refused()
                  return 'through'
                },
                { ...limits, clock, random },
              ),
            )
            .catch(error => error.holdfast.reason)
          expect(at.length).toBeLessThanOrEqual(Math.min(limits.connectAttempts, fails + 1))
          expect(clock.now()).toBeLessThanOrEqual(limits.connectDeadlineMillis)
          at.slice(1).forEach((time, i) => {
            expect(time - (at[i] ?? 0)).toBeCloseTo(pauseAfter(i + 1, { ...limits, random }), 3)
          })
          expect(end).toBe(at.length > fails ? 'through' : 'connection-refused')
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('pauses ever longer, up to the limit, with no more than half of it taken off', () => {
    fc.assert(
      fc.property(
        patience,
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (limits, n, dice) => {
          const whole = pauseAfter(n, { ...limits, random: () => 0 })
          const cut = pauseAfter(n, { ...limits, random: () => dice })
          expect(whole).toBeLessThanOrEqual(limits.backoffMostMillis)
          expect(whole).toBeGreaterThanOrEqual(n > 1 ? pauseAfter(n - 1, { ...limits, random: () => 0 }) : 0)
          expect(cut).toBeLessThanOrEqual(whole)
          expect(cut).toBeGreaterThanOrEqual(whole / 2)
        },
      ),
    )
    expect([1, 2, 3, 99].map(n => pauseAfter(n, { random: () => 0 }))).toEqual([1000, 1500, 2250, 30_000])
  })

  test('is by the table: what will not heal is not asked twice', async () => {
    const clock = new FakeClock()
    let logins = 0
    const end = retrying(
      async () => {
        logins++
        throw wrongPassword()
      },
      { clock },
    )
    await expect(clock.run(end)).rejects.toMatchObject({
      code: '28P01',
      holdfast: { reason: 'authentication-failed', phase: 'connect', outcome: 'not-sent' },
    })
    expect(logins).toBe(1)
    const connecting = (error: Error) => told(error, { phase: 'connect' })
    expect([refused(), wrongPassword(), new Error('what?')].map(connecting).map(mayConnectAgain)).toEqual([
      true,
      false,
      false,
    ])
  })

  test('ends a silent attempt, and keeps the cause that was there before the deadline cut one short', async () => {
    const clock = new FakeClock()
    const silent = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const alone = retrying((_, signal) => silent(signal), { clock, connectAttempts: 2, random: () => 0 })
    await expect(clock.run(alone)).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      holdfast: { reason: 'connect-timeout' },
    })
    expect(clock.now()).toBe(61_000)
    const after = retrying(
      (attempt, signal) => (attempt === 1 ? Promise.reject(refused()) : silent(signal)),
      {
        clock,
        connectDeadlineMillis: 5000,
      },
    )
    await expect(clock.run(after)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(clock.pending).toBe(0)
  })

  test('ends with the signal, in an attempt and in a pause', async () => {
    const clock = new FakeClock()
    for (const work of [() => Promise.reject(refused()), () => new Promise<never>(() => {})]) {
      const given = new AbortController()
      const waits = retrying(
        (_, signal) =>
          Promise.race([
            work(),
            new Promise<never>((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
          ]),
        { clock, signal: given.signal },
      )
      await clock.advance(10)
      given.abort(new Error('no longer wanted'))
      await expect(waits).rejects.toThrow('no longer wanted')
    }
    expect(clock.pending).toBe(0)
  })

  test('goes on at once when one of those who share it got through', async () => {
    const clock = new FakeClock()
    const sleepers = new Sleepers()
    let up = false
    const connect = () =>
      retrying(
        async () => {
          if (!up) throw refused()
          return clock.now()
        },
        { clock, sleepers, random: () => 0 },
      )
    const early = [connect(), connect()]
    await clock.advance(500)
    up = true
    await connect()
    expect(await Promise.all(early)).toEqual([500, 500])
    expect(clock.pending).toBe(0)
  })

  test('says before each pause what failed and for how long it waits', async () => {
    const clock = new FakeClock()
    const seen: unknown[] = []
    const work = async (attempt: number) => {
      if (attempt < 3) throw refused()
    }
    await clock.run(
      retrying(work, {
        clock,
        random: () => 0,
        onRetry: ({ attempt, delayMillis, error }) =>
          seen.push([attempt, delayMillis, (error as Error).message]),
      }),
    )
    expect(seen).toEqual([
      [1, 1000, 'connect ECONNREFUSED'],
      [2, 1500, 'connect ECONNREFUSED'],
    ])
  })
})
