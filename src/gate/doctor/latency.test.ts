import fc from 'fast-check'
import { expect, test } from 'vitest'
import { latency, percentile } from './latency.js'

test('a percentile is the least value that so many percent do not exceed', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const found = percentile(values, percent)
      expect(values).toContain(found)
      const below = values.filter(value => value <= found).length
      expect(below * 100).toBeGreaterThanOrEqual(percent * values.length)
      const less = values.filter(value => value < found).length
      expect(less * 100).toBeLessThan(percent * values.length)
    }),
  )
})

test('a session is asked twenty times, one question after another', async () => {
  let now = 0
  let asked = 0
  const ping = async () => {
    asked++
    now += asked
  }
  const session = { server: { product: 'P' }, closed: Promise.resolve(), close: async () => {}, ping }
  expect(await latency(session, () => now)).toEqual({ latencyP50Ms: 10, latencyP95Ms: 19, latencyMaxMs: 20 })
  expect(asked).toBe(20)
})

test('a session that cannot be asked has no latency', async () => {
  const session = { server: { product: 'P' }, closed: Promise.resolve(), close: async () => {} }
  expect(await latency(session, () => 0)).toBeUndefined()
})
