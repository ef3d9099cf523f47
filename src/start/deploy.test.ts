import { expect, test } from 'vitest'
import type { Concern } from '../core/concern.js'
import type { Health } from '../core/service.js'
import { parseTarget } from '../core/target.js'
import { judgeConfig, judgeDeploy } from './deploy.js'
import type { Live } from './live.js'
import type { Machine } from './machine.js'
import type { Checked } from './subject.js'

const machine: Machine = {
  container: false,
  file: () => undefined,
  text: () => undefined,
  finds: () => true,
}

function checked(more: Partial<Checked> = {}, max = 10): Checked {
  const target = parseTarget('postgres://app:long-and-secret@127.0.0.1/app?connect_timeout=5', {
    schemes: new Map([['postgres', { service: 'postgres', port: 5432 }]]),
    name: 'db',
  })
  const one = { target, sources: [], where: 'argument', pool: { max, processes: 20 } }
  return {
    env: {},
    config: {},
    targets: [one],
    found: [],
    problems: [],
    placeOf: () => 'here',
    machine,
    ...more,
  }
}

const live = (facts: Health['facts'], ...concerns: Concern[]): Live[] => [
  { target: 'db', health: { facts, concerns } },
]

const SUPERUSER: Concern = { id: 'superuser-role', level: 'warning', message: 'app is a superuser' }
const OLD: Concern = { id: 'version-unsupported', level: 'error', message: 'it gets no corrections' }
const ROOMY = { connectionsMax: 400, connectionsReserved: 3 }

const judge = (subject: Checked, told: readonly Live[], failLevel: 'warning' | 'error' = 'warning') =>
  judgeDeploy(subject, told, { failLevel })

test('what a server says of a role counts, from the level on', () => {
  expect(judge(checked(), live(ROOMY))).toMatchObject({ state: 'passed' })
  expect(judge(checked(), live(ROOMY, SUPERUSER))).toMatchObject({
    state: 'failed',
    status: 78,
    message: 'superuser-role: db: app is a superuser',
  })
  expect(judge(checked(), live(ROOMY, SUPERUSER), 'error')).toMatchObject({ state: 'passed' })
})

test('a finding can be silenced with a reason', () => {
  const config = { check: { silence: { 'superuser-role': 'a database for trials' } } }
  const end = judge(checked({ config }), live(ROOMY, SUPERUSER))
  expect(end).toMatchObject({ state: 'passed' })
  expect(end.concerns).toContainEqual(expect.objectContaining({ silenced: 'a database for trials' }))
})

test('a server that is busy, or out of support, does not keep a program from starting', () => {
  const { state, concerns = [] } = judge(checked(), live(ROOMY, OLD))
  expect(state).toBe('passed')
  expect(concerns.map(({ id }) => id)).not.toContain('version-unsupported')
})

test('a pool is compared with what the server allows, and not with what it usually does', () => {
  // By itself a pool of 200 would be too large for the default of 100.
  expect(judge(checked(), live(ROOMY))).toMatchObject({ state: 'passed' })
  expect(judge(checked(), [])).toMatchObject({ state: 'failed' })
  expect(judge(checked(), live({ connectionsMax: 202, connectionsReserved: 3 }), 'error')).toMatchObject({
    state: 'failed',
    message:
      'pool-too-large: db: 20 pools of 10, 200 connections: more than the 199 connections that the server allows',
  })
  expect(judge(checked(), live({ ...ROOMY, roleConnectionsMax: 150 }), 'error').message).toMatch(
    /the 150 connections that the role allows/,
  )
})

test('what is taken at the moment does not count: the program that this start replaces may have it', () => {
  expect(judge(checked(), live({ ...ROOMY, connectionsUsed: 390 }))).toMatchObject({ state: 'passed' })
})

test('the pools of two targets at one server are judged together', () => {
  const [one] = checked().targets
  if (!one) throw new Error('there is no target')
  const jobs = { ...one, target: { ...one.target, name: 'jobs' } }
  const both = checked({ targets: [one, jobs] })
  const told = ['db', 'jobs'].map(target => ({ target, health: { facts: ROOMY, concerns: [] } }))
  expect(judge(both, told, 'error').message).toBe(
    'pool-too-large: db and jobs together: a pool of 400: more than the 397 connections that the server allows',
  )
})

test('a Redis without a password is as bad as its address without one: not at all in a network of containers', () => {
  const target = parseTarget('redis://redis', {
    schemes: new Map([['redis', { service: 'redis', port: 6379 }]]),
    name: 'db',
  })
  const open: Concern = {
    id: 'no-password',
    level: 'warning',
    message: 'the server lets in without a password',
  }
  const at = (address: string) => {
    const hosts = [{ host: address, port: 6379 }]
    const one = { target: { ...target, hosts }, sources: [], where: 'argument' }
    return judge(checked({ targets: [one] }), live({}, open)).state
  }
  expect([at('redis'), at('redis.example.org')]).toEqual(['passed', 'failed'])
})

test('what was not asked is said', () => {
  const end = judgeDeploy(checked({}, 1), [], { failLevel: 'warning', without: 'needs postgres: db' })
  expect(end).toMatchObject({
    state: 'passed',
    message: 'without what the servers say of themselves (needs postgres: db)',
  })
})

test('every problem of the configuration is in the message', () => {
  const problems = [
    { id: 'reference-unset', level: 'error', message: 'env:A: the variable A is not set' },
    { id: 'config-invalid', level: 'error', message: 'untill: unknown key' },
  ] as const
  const end = judgeConfig(checked({ problems }))
  expect(end).toMatchObject({ state: 'failed', status: 78 })
  expect(end.message).toMatch(/^2 findings\n.*untill: unknown key\n.*variable A is not set$/s)
})
