import { expect, test } from 'vitest'
import { type Context, concernsOf } from './concerns.js'

const seen = (facts: Parameters<typeof concernsOf>[0], context: Partial<Context> = {}) =>
  concernsOf(facts, { disk: undefined, stuck: '', open: undefined, ...context }).flatMap(concern =>
    concern ? [`${concern.level} ${concern.id}`] : [],
  )

test.each([
  [{}, []],
  [{ readOnlyReplicas: 1 }, ['error replica-read-only']],
  [{ replicationLagMs: 300_001 }, ['warning replication-lag']],
  [{ delayedInserts: 2 }, ['warning inserts-delayed']],
  [{ queriesRunning: 81, queriesMax: 100 }, ['warning queries-nearly-full']],
  [{ queriesRunning: 80, queriesMax: 100 }, []],
  [{ readOnly: true }, ['info read-only']],
  [{ readOnly: false, delayedInserts: 0, readOnlyReplicas: 0, replicationLagMs: 0 }, []],
])('%j', (facts, expected) => {
  expect(seen(facts)).toEqual(expected)
})

test.each([
  [15, []],
  [14, ['warning disk-nearly-full']],
  [4, ['error disk-nearly-full']],
])('a disk of which %i %% are free', (free, expected) => {
  expect(seen({}, { disk: { name: 'default', free, total: 100 } })).toEqual(expected)
})

test('a server on a network that asks for no password is a concern', () => {
  expect(seen({ user: 'default' }, { open: '10.0.0.5' })).toEqual(['warning no-password'])
})
