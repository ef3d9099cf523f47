import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../../test/support/fake-clock.js'
import { type FakeService, fakeService, fakeTarget, type Login } from '../../../test/support/fake-service.js'
import type { Concern } from '../../core/concern.js'
import { Secret } from '../../core/redact.js'
import type { Session } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Checkup, DoctorOptions, Patient } from './checkup.js'
import { examineAll } from './doctor.js'

const untilEver = () => new Promise<never>(() => {})

interface Scene {
  readonly checkups: readonly Checkup[]
  readonly service: FakeService
  readonly clock: FakeClock
}

/** Examines fake targets; nothing of theirs may be open afterwards. */
async function scene(
  login: (n: number) => Login,
  options: DoctorOptions = {},
  patients: readonly Partial<Patient>[] = [{}],
): Promise<Scene> {
  const clock = new FakeClock()
  const service = fakeService(clock, login)
  const all = patients.map(one => ({
    target: fakeTarget(),
    service,
    sources: [],
    until: 'query' as const,
    ...one,
  }))
  const checkups = await clock.run(examineAll(all, { looks: [], clock, ...options }))
  expect([service.left, clock.pending]).toEqual([0, 0])
  return { checkups, service, clock }
}

const states = ({ examinations }: Checkup) =>
  examinations.map(({ examination, state }) => `${examination} ${state}`)
const said = ({ examinations }: Checkup, name: string) =>
  examinations.find(({ examination }) => examination === name)?.message
const first = ({ checkups: [checkup] }: Scene): Checkup => {
  if (!checkup) throw new Error('nothing was examined')
  return checkup
}

describe('a sound target', () => {
  test('passes five of five where something is expected of it', async () => {
    const session = { missing: async () => undefined }
    const patient = { expect: { tables: ['users', 'orders'], migration: '007' } }
    const checkup = first(await scene(() => ({ session }), {}, [patient]))
    expect(states(checkup)).toEqual([
      'basic passed',
      'retry passed',
      'concurrent passed',
      'health passed',
      'schema passed',
    ])
    expect(said(checkup, 'schema')).toBe('2 tables, migration 007')
    expect(checkup).toMatchObject({ tries: 2, readyAfterMs: 0, verdict: { ready: true } })
    expect(checkup.fault).toBeUndefined()
  })

  test('has its schema skipped where nothing is', async () => {
    const checkup = first(await scene(() => ({})))
    expect(states(checkup).at(-1)).toBe('schema skipped')
    expect(said(checkup, 'schema')).toContain('targets.db.schema')
  })

  test('is asked by twenty connections that are open at the same time, or as many as are wanted', async () => {
    expect((await scene(() => ({}))).service).toMatchObject({ peak: 20, opened: 22 })
    expect((await scene(() => ({}), { connections: 7 })).service.peak).toBe(7)
    const pool = { max: 10, processes: 3 }
    expect((await scene(() => ({}), { connections: 7 }, [{ pool }])).service.peak).toBe(30)
  })

  test('tells what its session tells of its health', async () => {
    const health: Session['health'] = async () => ({
      facts: { connectionsUsed: 7, connectionsMax: 100 },
      concerns: [{ id: 'x', level: 'warning', message: 'm' }],
    })
    const checkup = first(
      await scene(() => ({ server: { version: '1.2', ageMs: 60_000 }, session: { health } })),
    )
    expect(said(checkup, 'health')).toMatch(
      /^up 1 m 0 s, 7 of 100 connections used, answers in .*, 1 concern$/,
    )
    expect(checkup.facts).toMatchObject({
      product: 'Fake',
      version: '1.2',
      connectionsUsed: 7,
      latencyP50Ms: 0,
    })
    expect(checkup.concerns).toEqual([{ id: 'x', level: 'warning', message: 'm', target: 'db' }])
  })

  test('is never written to, unless that is asked for', async () => {
    let writes = 0
    const session = { write: async () => void writes++ }
    await scene(() => ({ session }))
    expect(writes).toBe(0)
    expect(states(first(await scene(() => ({ session }), {}, [{ until: 'write' }])))[0]).toBe('basic passed')
    expect(writes).toBe(2)
  })
})

describe('a target that fails', () => {
  test('for good is not tried again', async () => {
    const { checkups, service } = await scene(() => ({ fails: 'access-denied' }))
    expect(checkups.map(states)[0]).toEqual([
      'basic failed',
      'retry skipped',
      'concurrent skipped',
      'health skipped',
      'schema skipped',
    ])
    expect(service.logins).toHaveLength(1)
    expect(checkups[0]?.fault).toMatchObject({ by: 'basic', reason: 'access-denied', layer: 'auth' })
  })

  test('and recovers is connected to by the table, and its first failure stays a fault', async () => {
    const checkup = first(await scene(n => (n < 4 ? { fails: 'server-not-ready' } : {})))
    expect(states(checkup).slice(0, 3)).toEqual(['basic failed', 'retry passed', 'concurrent passed'])
    expect(said(checkup, 'retry')).toBe('connected after all, at try 3')
    expect(checkup.readyAfterMs).toBeGreaterThan(0)
    expect(checkup.fault).toMatchObject({ by: 'basic', reason: 'server-not-ready' })
    expect(checkup.fault?.message).toContain('a later connection worked')
  })

  test('and goes on failing is given up soon', async () => {
    const { checkups, clock } = await scene(() => ({ fails: 'connection-lost' }))
    expect(checkups[0] && states(checkups[0])[1]).toBe('retry failed')
    expect(clock.now()).toBeLessThan(2000)
  })

  test('by hanging takes no longer than an attempt and a retry', async () => {
    const { clock } = await scene(() => ({ takesMs: Number.POSITIVE_INFINITY }), { attemptTimeoutMs: 1000 })
    expect(clock.now()).toBeLessThanOrEqual(2500)
  })

  test('at many connections only fails that examination, and the others go on', async () => {
    const checkup = first(await scene(n => (n > 12 ? { fails: 'too-many-connections' } : {})))
    expect(states(checkup)).toEqual([
      'basic passed',
      'retry passed',
      'concurrent failed',
      'health passed',
      'schema skipped',
    ])
    expect(said(checkup, 'concurrent')).toMatch(
      /^10 of 20 connections answered, 80 % must: too-many-connections/,
    )
    expect(checkup.verdict).toMatchObject({ ready: false, finding: { reason: 'too-many-connections' } })
  })

  test('by what its schema lacks says what', async () => {
    const session = { missing: async () => 'table orders' }
    const checkup = first(
      await scene(() => ({ session }), { migrate: 'make migrate' }, [{ expect: { tables: ['orders'] } }]),
    )
    expect(checkup.fault).toMatchObject({
      by: 'schema',
      reason: 'schema-missing',
      message: 'missing: table orders',
      fix: 'make migrate',
    })
  })

  test('by a statement that does not hold says which', async () => {
    const session = { query: async () => [['f']] }
    const checkup = first(await scene(() => ({ session }), {}, [{ queries: ['SELECT false'] }]))
    expect(checkup.fault).toMatchObject({ by: 'schema', reason: 'unmet' })
  })
})

test('a question that gets no answer ends with its time, and nothing is asked on that session any more', async () => {
  const session: Partial<Session> = { health: untilEver, missing: async () => undefined }
  const { checkups, clock } = await scene(() => ({ session }), { attemptTimeoutMs: 500 }, [
    { expect: { tables: ['a'] } },
  ])
  expect(checkups.map(states)[0]?.slice(3)).toEqual(['health failed', 'schema skipped'])
  expect(clock.now()).toBe(500)
})

test('the time for everything ends everything, and what was not made is skipped', async () => {
  const { checkups, clock } = await scene(
    n => (n === 1 ? { takesMs: 700 } : { takesMs: Number.POSITIVE_INFINITY }),
    {
      timeoutMs: 1000,
    },
  )
  expect(clock.now()).toBe(1000)
  expect(checkups[0]?.examinations).toHaveLength(5)
})

test('one login is rejected at most twice, however many targets share it', async () => {
  const target = (name: string): Target => ({
    ...fakeTarget(name),
    user: 'app',
    password: new Secret('hunter22'),
  })
  const patients = ['a', 'b', 'c', 'd'].map(name => ({ target: target(name) }))
  const { checkups, service } = await scene(() => ({ fails: 'authentication-failed' }), {}, patients)
  expect(service.logins.length).toBeLessThanOrEqual(2)
  for (const { fault } of checkups) expect(fault?.reason).toBe('authentication-failed')
})

test('targets take their many connections one after another', async () => {
  const patients = ['a', 'b', 'c'].map(name => ({ target: fakeTarget(name) }))
  const { service } = await scene(() => ({ takesMs: 10 }), {}, patients)
  expect(service.peak).toBeLessThanOrEqual(21)
})

test('what looks find is told beside the examinations, but not what the fault says already', async () => {
  const concern = (id: string): Concern => ({ id, level: 'error', message: `${id} hunter22` })
  const look = async () => ({
    facts: { seen: 'hunter22' },
    concerns: [concern('unknown-name'), concern('other')],
  })
  const target = { ...fakeTarget(), password: new Secret('hunter22') }
  const options = { looks: [look] }
  const sound = first(await scene(() => ({}), options, [{ target }]))
  expect(sound.concerns.map(({ id }) => id)).toEqual(['unknown-name', 'other'])
  expect(JSON.stringify([sound.concerns, sound.facts])).not.toContain('hunter22')
  const around = {
    serviceNames: async () => [],
    hostNames: () => [],
  } as unknown as NonNullable<DoctorOptions['around']>
  const faulty = first(
    await scene(() => ({ fails: 'dns-failure', at: 'dns' }), { ...options, around }, [{ target }]),
  )
  expect(faulty.concerns.map(({ id }) => id)).toEqual(['other'])
})
