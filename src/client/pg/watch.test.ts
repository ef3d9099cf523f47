import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { settingsOf } from './settings.js'
import { watchOf } from './watch.js'

test('nobody looks on where neither metrics nor leak detection is asked for', () => {
  const pool = Object.assign(new EventEmitter(), {
    name: 'shop',
    state: () => {
      throw new Error('looked at')
    },
  })
  expect(watchOf(pool, settingsOf({}), { hosts: [] } as never)).toBeUndefined()
})

test('no stack is captured for metrics alone', () => {
  const nothing = { record() {}, add() {}, addCallback() {}, removeCallback() {} }
  const meter = {
    createHistogram: () => nothing,
    createCounter: () => nothing,
    createObservableUpDownCounter: () => nothing,
  }
  const pool = Object.assign(new EventEmitter(), { name: 'shop', state: () => ({}) as never })
  const watch = watchOf(pool, settingsOf({ meter }), { hosts: [] } as never)
  expect(watch?.trace()).toBeUndefined()
  expect(watch?.holders()).toBeUndefined()
})
