import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../test/support/fake-clock.js'
import { fakeService, fakeTarget, type Login } from '../../test/support/fake-service.js'
import { ProbeError, type Row, type Session } from '../core/service.js'
import type { NotReady } from '../core/verdict.js'
import type { ProbeOptions } from './options.js'
import { probeOnce } from './probe.js'

/** Examines a service once, and proves that no session stays open beyond the one that is handed over. */
async function examine(login: (n: number) => Login, options: ProbeOptions = {}) {
  const clock = new FakeClock()
  const service = fakeService(clock, login)
  const probing = probeOnce(fakeTarget(), service, { clock, identify: false, ...options })
  const { verdict, session } = await clock.run(probing)
  expect(service.left).toBe(session ? 1 : 0)
  expect(session !== undefined).toBe(verdict.ready)
  await session?.close()
  expect(clock.pending).toBe(0)
  return { verdict, service }
}

const session = (session: Partial<Session>): Login => ({ session })
const refusal = (verdict: unknown) => (verdict as NotReady).finding
const layers = ({ steps }: { steps: readonly { layer: string; state: string }[] }) =>
  steps.map(step => `${step.layer} ${step.state}`)

describe('how deep it goes', () => {
  const recorded = () => {
    const asked: string[] = []
    const note = (what: string) => async () => void asked.push(what)
    const login = session({
      ping: note('ping'),
      write: note('write'),
      missing: async () => void asked.push('missing'),
      query: async text => {
        asked.push(text)
        return [['t']]
      },
    })
    return { asked, login: () => login }
  }

  test.each([
    ['auth', [], ['auth ok']],
    ['query', ['ping'], ['auth ok', 'query ok']],
    ['write', ['ping', 'write'], ['auth ok', 'query ok', 'write ok']],
    ['schema', ['ping', 'missing'], ['auth ok', 'query ok', 'schema ok']],
  ] as const)('as far as %s', async (until, asked, steps) => {
    const record = recorded()
    const { verdict } = await examine(record.login, { until })
    expect(record.asked).toEqual(asked)
    expect(layers(verdict)).toEqual(steps)
  })

  test('as far as a query where nothing is said', async () => {
    const record = recorded()
    await examine(record.login)
    expect(record.asked).toEqual(['ping'])
  })

  test('every statement is asked, in its order, also where login alone was wanted', async () => {
    const record = recorded()
    await examine(record.login, { until: 'auth', queries: ['SELECT 1', 'SELECT 2'] })
    expect(record.asked).toEqual(['SELECT 1', 'SELECT 2'])
  })

  test.each(['ping', 'write'] as const)('a %s that fails is told by its layer', async what => {
    const failing = async () => {
      throw new ProbeError({ reason: 'read-only', message: 'no' })
    }
    const { verdict } = await examine(() => session({ [what]: failing }), { until: 'write' })
    expect(verdict).toMatchObject({ ready: false, layer: what === 'ping' ? 'query' : 'write' })
    expect(refusal(verdict).reason).toBe('read-only')
  })

  test.each([
    ['a write', { until: 'write' }, 'fake has no write layer', '--until write'],
    ['a schema', { until: 'schema' }, 'fake has no schema layer', '--until schema'],
    ['a query', { queries: ['SELECT 1'] }, 'Fake has no query layer', '--query'],
  ] as const)('%s of a service that has none is a mistake of the call', async (_, options, message, flag) => {
    const { verdict } = await examine(() => ({}), options)
    expect(refusal(verdict)).toMatchObject({
      reason: 'client-misuse',
      message,
      advice: expect.stringContaining(flag),
    })
  })
})

describe('a statement', () => {
  const answering = (rows: readonly Row[]) =>
    examine(() => session({ query: async () => rows }), { queries: ['SELECT done'] })

  test.each(['t', 'true', '1', '42', 'yes', 'x', '-1', '0.0', ' '])(
    'is met by the first value %j',
    async value => {
      expect((await answering([[value]])).verdict.ready).toBe(true)
    },
  )

  test.each(['f', 'false', 'FALSE', '0', 'no', 'off', ''])(
    'is not met by the first value %j',
    async value => {
      const { verdict } = await answering([[value, 't']])
      expect(refusal(verdict)).toMatchObject({
        reason: 'unmet',
        message: `the query SELECT done gave "${value}"`,
      })
    },
  )

  test('is not met by NULL, nor by no row, nor by a row without columns', async () => {
    expect(refusal((await answering([[null]])).verdict).message).toBe('the query SELECT done gave "NULL"')
    expect(refusal((await answering([])).verdict).message).toBe('the query SELECT done gave no row')
    expect((await answering([[]])).verdict.ready).toBe(false)
  })

  test('looks at the first row only', async () => {
    expect((await answering([['t'], ['f']])).verdict.ready).toBe(true)
    expect((await answering([['f'], ['t']])).verdict.ready).toBe(false)
  })

  test('that is not met ends the look at the others', async () => {
    const asked: string[] = []
    const query = async (text: string) => {
      asked.push(text)
      return [['f']]
    }
    const { verdict } = await examine(() => session({ query }), { queries: ['SELECT 1', 'SELECT 2'] })
    expect(asked).toEqual(['SELECT 1'])
    expect(verdict).toMatchObject({ ready: false, layer: 'query' })
  })
})

describe('a schema', () => {
  test('that lacks something is told by what', async () => {
    const expected = { tables: ['users'] }
    const { verdict } = await examine(
      () => session({ missing: async given => (given === expected ? 'table users' : undefined) }),
      { until: 'schema', expect: expected },
    )
    expect(verdict).toMatchObject({ ready: false, layer: 'schema' })
    expect(refusal(verdict)).toMatchObject({ reason: 'schema-missing', message: 'missing: table users' })
  })

  test('of which nothing is expected is complete', async () => {
    const missing = async (expected: object) => (Object.keys(expected).length > 0 ? 'all' : undefined)
    expect((await examine(() => session({ missing }), { until: 'schema' })).verdict.ready).toBe(true)
  })
})

describe('simultaneous connections', () => {
  test('are all open at the same time, and all but one are closed then', async () => {
    const pinged: number[] = []
    const { verdict, service } = await examine(n => session({ ping: async () => void pinged.push(n) }), {
      connections: 5,
    })
    expect(verdict.ready).toBe(true)
    expect([service.opened, service.peak]).toEqual([5, 5])
    expect(pinged).toEqual([1, 2, 3, 4, 5])
    expect(layers(verdict)).toEqual(['auth ok', 'query ok', 'auth ok'])
  })

  test('that a limit stops are told by how many answered', async () => {
    const { verdict } = await examine(n => (n > 3 ? { fails: 'too-many-connections', code: '53300' } : {}), {
      connections: 5,
    })
    expect(verdict).toMatchObject({ ready: false, layer: 'auth', server: { product: 'Fake' } })
    expect(refusal(verdict)).toMatchObject({
      reason: 'too-many-connections',
      code: '53300',
      message: '3 of 5 connections answered: it is too-many-connections',
    })
  })

  test('that open and do not answer are told the same way', async () => {
    const mute = async () => {
      throw new ProbeError({ reason: 'pool-exhausted', message: 'no server is free' })
    }
    const { verdict, service } = await examine(n => (n === 2 ? session({ ping: mute }) : {}), {
      connections: 3,
    })
    expect(refusal(verdict)).toMatchObject({
      reason: 'pool-exhausted',
      message: '2 of 3 connections answered: no server is free',
    })
    expect(service.opened).toBe(3)
  })

  test('that break are told by what broke them', async () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    const { verdict } = await examine(n => (n === 3 ? { fails: reset } : {}), { connections: 3 })
    expect(refusal(verdict)).toMatchObject({ reason: 'connection-lost', code: 'ECONNRESET' })
  })

  test('that hang end with the attempt', async () => {
    const { verdict } = await examine(n => (n === 2 ? { takesMs: Number.POSITIVE_INFINITY } : {}), {
      connections: 2,
      timeoutMs: 700,
    })
    expect(verdict).toMatchObject({ ready: false, layer: 'auth' })
    expect(layers(verdict)).toEqual(['auth ok', 'query ok', 'auth running'])
  })
})

describe('what is known of the server', () => {
  test('is read from the session', async () => {
    const known = { product: 'Fake', version: '1.2', incarnation: 'a', ageMs: 7 }
    const { verdict } = await examine(() => session({ inspect: async () => known }))
    expect(verdict).toMatchObject({ ready: true, server: known })
  })

  test('is what the handshake told where the role may read no more', async () => {
    const inspect = async () => {
      throw new ProbeError({ reason: 'query-error', message: 'permission denied' })
    }
    const { verdict } = await examine(() => ({ server: { version: '1.1' }, session: { inspect } }))
    expect(verdict).toMatchObject({ ready: true, server: { product: 'Fake', version: '1.1' } })
  })

  test('is not made up where the connection breaks', async () => {
    const inspect = async () => {
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    }
    const { verdict } = await examine(() => session({ inspect }))
    expect(refusal(verdict).reason).toBe('connection-lost')
  })
})
