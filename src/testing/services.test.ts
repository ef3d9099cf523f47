import { expect, test } from 'vitest'
import { parseTarget } from '../core/target.js'
import { SCHEMES } from '../services/registry.js'
import type { Wanted } from '../targets/wanted.js'
import { askedServices } from './services.js'

const wanted = (url: string, variable?: string, name?: string): Wanted => ({
  target: parseTarget(url, { schemes: SCHEMES, ...(name ? { name } : {}) }),
  sources: variable ? [{ kind: 'url', variable }] : [],
})
const asked = (all: Wanted[], ...services: string[]) =>
  askedServices(all, services).map(({ name, service, wanted: configured, variable }) => [
    name,
    service,
    configured ? 'configured' : (variable ?? 'free'),
  ])

test('without anything it is one PostgreSQL', () => {
  expect(asked([])).toEqual([['postgres', 'postgres', 'free']])
})

test('a service is added where nothing configured is one', () => {
  const database = wanted('postgres://db/app', 'DATABASE_URL')
  expect(asked([database], 'postgres,redis')).toEqual([
    ['postgres', 'postgres', 'configured'],
    ['redis', 'redis', 'free'],
  ])
})

test('a service in a variable is another one, unless that variable names it', () => {
  const cache = wanted('redis://cache', 'CACHE_URL')
  expect(asked([cache], 'CACHE_URL=redis', 'QUEUE_URL=redis')).toEqual([
    ['redis', 'redis', 'configured'],
    ['redis-2', 'redis', 'QUEUE_URL'],
  ])
})

test.each([
  ['reddis', /did you mean redis/],
  ['http', /known: postgres/],
  ['', /known: postgres/],
  ['1X=redis', /not a service/],
])('"%s" is refused', (text, message) => {
  expect(() => askedServices([], [text])).toThrow(message)
})

test.each([
  ['a-b', 'a.b', 'HOLDFAST_TARGET_A_B'],
  ['Cache', 'cache', 'HOLDFAST_TARGET_CACHE'],
  ['db', 'db-reason', 'HOLDFAST_TARGET_DB_REASON'],
  ['db', 'db-with', 'HOLDFAST_TARGET_DB_WITH'],
])('targets "%s" and "%s" are refused: they share a variable', (one, other, variable) => {
  const named = [one, other].map(name => wanted('redis://cache', undefined, name))
  expect(() => asked(named)).toThrow(
    `the targets "${one}" and "${other}" would share the variable ${variable}; rename one`,
  )
})
