import { expect, test } from 'vitest'
import { lacking } from './capabilities.js'
import { needsOf } from './needs.js'

const needs = (names: string[], wanted: string[]) => Object.fromEntries(needsOf(names, wanted, '--needs'))

test('a bare name is asked of every wanted service that knows it', () => {
  expect(needs(['tls,concurrency'], ['postgres', 'redis'])).toEqual({
    postgres: ['tls', 'concurrency'],
    redis: ['tls'],
  })
})

test('a name with its service is asked of that one alone', () => {
  expect(needs(['redis.tls', ' streams '], ['postgres', 'redis'])).toEqual({ redis: ['tls', 'streams'] })
})

test('a name twice is one need', () => {
  expect(needs(['icu', 'icu,postgres.icu'], ['postgres'])).toEqual({ postgres: ['icu'] })
})

test.each([
  ['concurency', '--needs: "concurency" is no capability; did you mean concurrency?'],
  ['redis.stream', '--needs: "redis.stream" is no capability; did you mean redis.streams?'],
  ['frobnicate', '--needs: "frobnicate" is no capability; docs/test.md lists them'],
  ['streams', '--needs: "streams" is asked of redis, which is not among the services'],
])('%s is refused with what to write', (name, message) => {
  expect(() => needsOf([name], ['postgres'], '--needs')).toThrow(message)
})

test('what a version lacks is told by the version', () => {
  const of = (version?: string) => lacking('clickhouse', 'system-clickhouse', ['query-parameters'], version)
  expect(of('18.16.1')).toEqual(['query-parameters'])
  expect(of('19.9')).toEqual(['query-parameters'])
  expect(of('19.14')).toEqual([])
  expect(of('24.3.1.5')).toEqual([])
  expect(of()).toEqual([])
})
