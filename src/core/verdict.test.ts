import { describe, expect, test } from 'vitest'
import { REASONS, type ReasonId } from './reasons.js'
import { adviceOf, mayDescend, type NotReady, type Ready } from './verdict.js'

const failed = (reason: ReasonId, heard = false): NotReady => ({
  target: 'db',
  ready: false,
  steps: [],
  heard,
  layer: 'tcp',
  finding: { reason, message: 'as it is' },
})

const ABSENT: readonly ReasonId[] = [
  'dns-failure',
  'connection-refused',
  'host-unreachable',
  'connect-timeout',
  'connection-lost',
]

describe('a suite may descend', () => {
  test.each(ABSENT)('after %s from a side that never said a byte', reason => {
    expect(mayDescend(failed(reason), false)).toBe(true)
    expect(mayDescend(failed(reason), true)).toBe(true)
  })

  test('once the whole wait was used up on a server that kept starting', () => {
    expect(mayDescend(failed('server-not-ready', true), true)).toBe(true)
  })
})

describe('a suite may not descend', () => {
  test.each(ABSENT)('after %s from a side that was heard', reason => {
    expect(mayDescend(failed(reason, true), true)).toBe(false)
  })

  test('while a server that is starting may still be waited for', () => {
    expect(mayDescend(failed('server-not-ready', true), false)).toBe(false)
  })

  const present = (Object.keys(REASONS) as ReasonId[]).filter(
    reason => !ABSENT.includes(reason) && reason !== 'server-not-ready',
  )
  test.each(present)('after %s, whatever was heard or waited', reason => {
    for (const heard of [true, false])
      for (const waited of [true, false]) expect(mayDescend(failed(reason, heard), waited)).toBe(false)
  })

  test('from a service that is ready', () => {
    const ready: Ready = { target: 'db', ready: true, steps: [], heard: true, server: { product: 'x' } }
    expect(mayDescend(ready, true)).toBe(false)
  })
})

describe('the advice', () => {
  test('is the table’s where the finding has none', () => {
    expect(adviceOf({ reason: 'connection-refused', message: '' })).toBe(REASONS['connection-refused'].next)
  })

  test('is the finding’s own where it knows better', () => {
    expect(adviceOf({ reason: 'connection-refused', message: '', advice: 'Start it.' })).toBe('Start it.')
  })
})
