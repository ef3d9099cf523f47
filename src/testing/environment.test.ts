import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { enter, environmentOf, ownEnvironment } from './environment.js'

const NAMES = ['HOLDFAST_ENV_A', 'HOLDFAST_ENV_B', 'HOLDFAST_ENV_C']

beforeEach(() => {
  process.env.HOLDFAST_ENV_A = 'own'
  process.env.HOLDFAST_ENV_B = ''
})

afterEach(() => {
  for (const name of NAMES) delete process.env[name]
})

const state = () => NAMES.map(name => process.env[name])

const changes = fc.dictionary(fc.constantFrom(...NAMES), fc.option(fc.string(), { nil: undefined }), {
  maxKeys: 3,
})

test('layers that are taken back in any order leave everything as it was, unset variables too', () => {
  fc.assert(
    fc.property(
      fc.array(changes, { maxLength: 6 }),
      fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
      (layers, order) => {
        const before = { ...process.env }
        const open = layers.map(layer => ({ layer, leave: enter(layer) }))
        for (const n of order) {
          if (open.length === 0) break
          const [gone] = open.splice(n % open.length, 1)
          gone?.leave()
          gone?.leave()
          for (const name of NAMES) {
            const latest = open.findLast(one => name in one.layer)
            expect(process.env[name]).toBe(latest ? latest.layer[name] : before[name])
          }
        }
        expect(process.env).toEqual(before)
      },
    ),
  )
})

test('what a test assigned meanwhile does not survive its suite', () => {
  const leave = enter({ HOLDFAST_ENV_A: 'suite' })
  process.env.HOLDFAST_ENV_A = 'test'
  leave()
  expect(state()).toEqual(['own', '', undefined])
})

test('an environment is resolved once, and frozen', () => {
  const it = environmentOf([{ env: { HOLDFAST_ENV_A: undefined, HOLDFAST_ENV_C: 'c' } }])
  process.env.HOLDFAST_ENV_B = 'later'
  expect(it.all).toMatchObject({ HOLDFAST_ENV_B: '', HOLDFAST_ENV_C: 'c' })
  expect(it.all).not.toHaveProperty('HOLDFAST_ENV_A')
  expect(Object.isFrozen(it.all) && Object.isFrozen(it.changes)).toBe(true)
})

test('the own environment is without what suites apply', () => {
  const leave = environmentOf([{ env: { HOLDFAST_ENV_A: 'suite', HOLDFAST_ENV_C: 'c' } }]).apply()
  expect(state()).toEqual(['suite', '', 'c'])
  const own = ownEnvironment()
  expect([own.HOLDFAST_ENV_A, own.HOLDFAST_ENV_C]).toEqual(['own', undefined])
  leave()
})
