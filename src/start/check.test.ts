import { describe, expect, test } from 'vitest'
import type { Concern, Level } from '../core/concern.js'
import { settle } from './check.js'
import { levelOf, silenceOf } from './silence.js'

const concern = (id: string, level: Level): Concern => ({ id, level, message: id })

describe('what counts', () => {
  const all = [concern('tls-off', 'error'), concern('debug-on', 'warning'), concern('no-timeouts', 'info')]

  test.each<[Level, number, number]>([
    ['error', 1, 1],
    ['warning', 2, 1],
    ['info', 3, 1],
  ])('from the level %s on %i fail', (failLevel, n, exitStatus) => {
    const settled = settle(all, { failLevel })
    expect(settled.failing).toHaveLength(n)
    expect(settled).toMatchObject({ failed: true, exitStatus })
  })

  test('without failures the exit status is 0', () => {
    expect(settle(all.slice(1), {})).toMatchObject({ failed: false, exitStatus: 0, failing: [] })
  })

  test('an error of the configuration is 78, a warning of it 1', () => {
    expect(settle([...all, concern('environment-missing', 'error')], {}).exitStatus).toBe(78)
    expect(settle([concern('no-target', 'warning')], { failLevel: 'warning' }).exitStatus).toBe(1)
  })

  test('what is silenced keeps its reason and does not fail', () => {
    const settled = settle(all, { silence: { 'tls-off': 'one host' } })
    expect(settled.silenced).toEqual([{ ...all[0], silenced: 'one host' }])
    expect(settled.counted).toEqual(all.slice(1))
    expect(settled.failed).toBe(false)
  })

  test('what makes a configuration unusable cannot be silenced', () => {
    const broken = [concern('target-invalid', 'error')]
    expect(settle(broken, { silence: { 'target-invalid': 'never mind' } })).toMatchObject({
      silenced: [],
      exitStatus: 78,
    })
  })

  test('a finding of a live session, which has no rule here, counts as one of production', () => {
    expect(settle([concern('clock-skew', 'error')], {}).exitStatus).toBe(1)
  })

  test('a name that every object has silences nothing', () => {
    expect(settle([concern('constructor', 'error')], {}).failed).toBe(true)
  })
})

describe('--silence', () => {
  test.each(['config-invalid', 'target-invalid', 'reference-unset', 'silence-unknown'])(
    'refuses %s, which cannot be silenced',
    id => {
      expect(() => silenceOf([`${id}=x`])).toThrow(`--silence: ${id} cannot be silenced`)
    },
  )

  test('takes everything behind the first equals sign for the reason', () => {
    expect(silenceOf(['tls-off=inside a=b', ' debug-on = staging'])).toEqual({
      'tls-off': 'inside a=b',
      'debug-on': 'staging',
    })
  })

  test.each([
    ['tls-of=x', /"tls-of" is no rule; did you mean tls-off\?/],
    ['tls-off', /tls-off needs a reason/],
    ['tls-off= ', /tls-off needs a reason/],
    ['', /"" is no rule/],
  ])('%j is refused', (text, message) => {
    expect(() => silenceOf([text])).toThrow(message)
  })
})

test('a level is the same in either case', () => {
  expect(['warning', 'WARNING', 'Info', 'ERROR'].map(text => levelOf(text, '--fail-level'))).toEqual([
    'warning',
    'warning',
    'info',
    'error',
  ])
  expect(() => levelOf('warn', '--fail-level')).toThrow(
    '--fail-level: "warn" is not one of info, warning, error',
  )
})
