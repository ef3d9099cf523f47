import { expect, test } from 'vitest'
import { Values } from './call.js'
import { demandsOf, sinceOf } from './report-options.js'

const NOW = new Date('2026-03-10T12:00:00.000Z')
const demands = (name: string, ...given: string[]) => demandsOf(new Values(new Map([[name, given]])), false)

test('since takes days, weeks, durations, days of the calendar and moments', () => {
  const times = ['7d', '2w', '12h', '2026-03-01', '2026-03-01T10:00:00+02:00'].map(text =>
    sinceOf(text, NOW)?.toISOString(),
  )
  expect(times).toEqual([
    '2026-03-03T12:00:00.000Z',
    '2026-02-24T12:00:00.000Z',
    '2026-03-10T00:00:00.000Z',
    '2026-03-01T00:00:00.000Z',
    '2026-03-01T08:00:00.000Z',
  ])
  expect(sinceOf(undefined, NOW)).toBeUndefined()
})

test('what is no time is a usage error that names it', () => {
  for (const text of ['yesterday', '7', '-1d', '2026-13-01', '2026-02-31', 'd'])
    expect(() => sinceOf(text, NOW)).toThrow(`--since: "${text}" is not a time`)
})

test('limits are percentages, for all services or for one', () => {
  expect(demands('max-skip-rate', '10%', 'postgres=0%,redis=2.5%').limits).toEqual([
    { decision: 'skip', percent: 10 },
    { decision: 'skip', percent: 0, service: 'postgres' },
    { decision: 'skip', percent: 2.5, service: 'redis' },
  ])
})

test('what is no percentage is a usage error that names it', () => {
  for (const text of ['ten', '10 %', '-1%', '101%', '1e1%', '%', 'postgres=', 'postgres=x%', '1%%'])
    expect(() => demands('max-stand-in-rate', text)).toThrow(
      `--max-stand-in-rate: "${text.replace('postgres=', '')}" is not a percentage from 0% to 100%`,
    )
  expect(() => demands('max-skip-rate', '10')).toThrow('did you mean 10%?')
})

test('a service that there is none of is a usage error', () => {
  expect(() => demands('max-skip-rate', 'postgress=1%')).toThrow('did you mean postgres?')
  expect(() => demands('require', 'postgres,a b')).toThrow('--require: "a b" is not the name of a service')
  expect(demands('require', 'postgres, redis', 'redis').required).toEqual(['postgres', 'redis'])
})
