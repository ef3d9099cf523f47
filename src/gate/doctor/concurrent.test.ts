import { expect, test } from 'vitest'
import type { NotReady } from '../../core/verdict.js'
import { judge, poolSize } from './concurrent.js'

const full: NotReady = {
  target: 'db',
  ready: false,
  steps: [],
  heard: true,
  layer: 'auth',
  finding: { reason: 'too-many-connections', message: 'no room' },
}
const wanted = { connections: 20, threshold: 80 }

test.each([
  [20, undefined, true, '20 of 20 connections answered'],
  [16, full, true, '16 of 20 connections answered, 80 % must: too-many-connections (no room)'],
  [15, full, false, '15 of 20 connections answered, 80 % must: too-many-connections (no room)'],
  [0, full, false, '0 of 20 connections answered, 80 % must: too-many-connections (no room)'],
])('%i of twenty', (answered, failure, ok, message) => {
  expect(judge(answered, wanted, undefined, failure)).toEqual({ ok, message })
})

test('a pool has to be filled to the last connection', () => {
  expect(judge(40, wanted, 40, undefined)).toEqual({
    ok: true,
    message: '20 of 20 connections answered; the pool of 40 can be filled',
  })
  expect(judge(39, wanted, 40, full)).toMatchObject({ ok: false })
  expect(judge(39, wanted, 40, full).message).toMatch(
    /^20 of 20 .*; the pool of 40 cannot: 39 answered: too-many/,
  )
})

test('a pool beyond all bounds is tried as far as they go', () => {
  expect(judge(1000, wanted, 5000, undefined)).toEqual({
    ok: true,
    message: '20 of 20 connections answered; the pool of 5000 was tried up to 1000: 1000 answered',
  })
})

test('a pool is what each process holds, by the number of processes', () => {
  expect(poolSize({})).toBeUndefined()
  expect(poolSize({ pool: { max: 10 } })).toBe(10)
  expect(poolSize({ pool: { max: 10, processes: 4 } })).toBe(40)
})
