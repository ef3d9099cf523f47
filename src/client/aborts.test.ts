import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { onAbort } from './aborts.js'

test('many share one listener, and each is called once', () => {
  const controller = new AbortController()
  const called: number[] = []
  const taken = Array.from({ length: 20 }, (_, i) => onAbort(controller.signal, () => called.push(i)))
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
  taken[3]?.()
  controller.abort()
  expect(called).toEqual(Array.from({ length: 20 }, (_, i) => i).filter(i => i !== 3))
})

test('nothing is left on a signal that nobody waits for any more', () => {
  const { signal } = new AbortController()
  const taken = [onAbort(signal, () => {}), onAbort(signal, () => {})]
  for (const back of taken) back()
  expect(getEventListeners(signal, 'abort')).toEqual([])
  onAbort(signal, () => {})()
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
