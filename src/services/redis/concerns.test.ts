import { expect, test } from 'vitest'
import { concernsOf } from './concerns.js'

const seen = (facts: Parameters<typeof concernsOf>[0], open?: string) =>
  concernsOf(facts, open).flatMap(concern => (concern ? [`${concern.level} ${concern.id}`] : []))

test('a server of which nothing is known is no concern', () => {
  expect(seen({})).toEqual([])
})

test.each([
  [{ memoryUsedBytes: 91, memoryMaxBytes: 100, memoryPolicy: 'noeviction' }, ['error memory-nearly-full']],
  [{ memoryUsedBytes: 90, memoryMaxBytes: 100, memoryPolicy: 'noeviction' }, []],
  [{ memoryUsedBytes: 99, memoryMaxBytes: 100, memoryPolicy: 'allkeys-lru' }, []],
  [{ memoryUsedBytes: 99, memoryMaxBytes: 0, memoryPolicy: 'noeviction' }, ['info no-memory-limit']],
  [{ memoryMaxBytes: 9, memoryPolicy: 'allkeys-lru', appendOnly: true }, ['info evicts-what-it-saves']],
  [{ memoryMaxBytes: 9, memoryPolicy: 'volatile-lru', appendOnly: true }, []],
  [{ memoryMaxBytes: 9, memoryPolicy: 'allkeys-lfu', save: '3600 1' }, ['info evicts-what-it-saves']],
  [{ lastSaveOk: false }, ['error save-failed']],
  [{ lastSaveOk: false, stopWritesOnError: false }, ['warning save-failed']],
  [{ lastAppendOk: false, lastSaveOk: false }, ['error append-failed']],
  [{ loading: true }, ['warning loading']],
  [{ cluster: true, clusterState: 'fail' }, ['error cluster-down']],
  [{ cluster: true, clusterState: 'ok' }, []],
  [{ refusedConnections: 2 }, ['info connections-refused']],
  [{ role: 'slave', primary: 'a:1', primaryLink: 'down' }, ['error replication-stopped']],
  [{ role: 'slave', primary: 'a:1', primaryLink: 'up' }, ['warning read-only']],
])('%j', (facts, expected) => {
  expect(seen(facts)).toEqual(expected)
})

test('a server on a network that asks for no password is a concern', () => {
  expect(seen({}, '10.0.0.5')).toEqual(['warning no-password'])
})
