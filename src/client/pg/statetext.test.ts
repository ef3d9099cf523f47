import { describe, expect, test } from 'vitest'
import { stateText, whoOf } from './statetext.js'
import type { PoolState } from './types.js'

const state = (more: Partial<PoolState> = {}): PoolState => ({
  name: 'shop',
  max: 2,
  total: 2,
  idle: 0,
  used: 2,
  connecting: 0,
  waiting: 48,
  ...more,
})

describe('a pool in one line', () => {
  test('says how many are used, idle and waiting, and for how long the oldest is out', () => {
    expect(stateText(state({ longestUseMillis: 12_300 }))).toBe(
      'max 2: 2 used (longest 12.3 s), 0 idle, 48 waiting',
    )
  })

  test('leaves out what there is nothing of', () => {
    expect(stateText(state({ used: 0, idle: 1, connecting: 1, waiting: 0 }))).toBe(
      'max 2: 0 used, 1 idle, 1 connecting, 0 waiting',
    )
  })

  test('names who holds the clients, three at most', () => {
    const holder = (millis: number) => ({ millis, stack: '    at claim (/app/routes.js:42:7)' })
    const line = stateText(state({ max: 4, used: 4, holders: [4000, 3000, 2000, 1000].map(holder) }))
    expect(line).toContain(
      '; 4 of 4 held: 4.0 s by claim (routes.js:42), 3.0 s by claim (routes.js:42), 2.0 s by claim (routes.js:42), and 1 more',
    )
  })
})

describe('who holds a client is', () => {
  test.each([
    ['    at claim (/app/routes.js:42:7)', 'claim (routes.js:42)'],
    ['    at async claim (file:///app/routes.js:42:7)', 'claim (routes.js:42)'],
    ['    at Object.<anonymous> (/app/routes.js:7:1)', 'routes.js:7'],
    ['    at file:///app/routes.js:7:1', 'routes.js:7'],
    ['    at async file:///app/routes.js:7:1', 'routes.js:7'],
    ['    at new Shop (C:\\app\\shop.js:3:9)', 'new Shop (shop.js:3)'],
    ['', 'an unknown caller'],
  ])('%s → %s', (frame, who) => {
    expect(whoOf(frame)).toBe(who)
  })

  test('the program, not the package that it called', () => {
    const stack =
      '    at run (/app/node_modules/kysely/dist/driver.js:9:1)\n    at async claim (/app/routes.js:42:7)'
    expect(whoOf(stack)).toBe('claim (routes.js:42)')
    expect(whoOf('    at run (/app/node_modules/kysely/dist/driver.js:9:1)')).toBe('run (driver.js:9)')
  })
})
