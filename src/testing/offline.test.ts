import { expect, test } from 'vitest'
import { parseTarget } from '../core/target.js'
import type { Layer, NotReady } from '../core/verdict.js'
import { SCHEMES } from '../services/registry.js'
import type { Seen } from '../standin/settle.js'
import { isCutOff, isHere, notAsked, offlineBy } from './offline.js'

const target = (url: string) => parseTarget(url, { schemes: SCHEMES })

test.each([
  ['1', 'forced'],
  ['TRUE', 'forced'],
  ['0', 'never'],
  ['off', 'never'],
  ['', 'detect'],
  [undefined, 'detect'],
])('HOLDFAST_OFFLINE=%s is %s', (value, expected) => {
  expect(offlineBy({ HOLDFAST_OFFLINE: value })).toBe(expected)
})

test('in CI only the variable tells that there is no network', () => {
  expect(offlineBy({ CI: 'True' })).toBe('never')
  expect(offlineBy({ CI: 'true', HOLDFAST_OFFLINE: '1' })).toBe('forced')
})

test('any other value is a usage error', () => {
  expect(() => offlineBy({ HOLDFAST_OFFLINE: 'perhaps' })).toThrow(/HOLDFAST_OFFLINE: "perhaps"/)
})

test.each([
  'postgres://localhost/app',
  'postgres://LOCALHOST./app',
  'postgres://db.localhost/app',
  'postgres://127.0.0.1/app',
  'redis://127.8.9.10',
  'postgres://[::1]:5432/app',
  'postgres://0.0.0.0/app',
  'host=/run/postgresql dbname=app',
  'redis+unix:///run/redis.sock',
  'host=db hostaddr=127.0.0.1 dbname=app',
  'postgres://localhost:1,[::1]:2/app',
  'exec:pg_isready',
])('%s is on this machine', url => {
  expect(isHere(target(url))).toBe(true)
})

test.each([
  'postgres://db/app',
  'postgres://localhost.example.com/app',
  'postgres://10.0.0.1/app',
  'postgres://128.0.0.1/app',
  'host=localhost hostaddr=10.0.0.1 dbname=app',
  'postgres://localhost,db/app',
  'mongodb+srv://localhost/app',
])('%s is not', url => {
  expect(isHere(target(url))).toBe(false)
})

test('what is not asked is absent, with a message that says why and shows no secret', () => {
  const { outcome, waited } = notAsked(target('postgres://app:longpassword@db/app'))
  expect(outcome).toMatchObject({ state: 'waiting', attempts: 0 })
  expect(outcome.verdict).toMatchObject({ ready: false, finding: { reason: 'host-unreachable' } })
  expect(JSON.stringify(outcome.verdict)).toMatch(/HOLDFAST_OFFLINE is set and postgres:\/\/app:\*\*\*@db/)
  expect(waited).toBe(false)
})

const seen = (layer: Layer, reason: NotReady['finding']['reason'], heard = false): Seen => ({
  outcome: {
    ...{ target: target('postgres://db/app'), state: 'waiting', attempts: 1, readyAfterMs: null },
    verdict: { target: 'db', ready: false, layer, steps: [], heard, finding: { reason, message: '' } },
  },
  waited: false,
})

test('without a name, a way or any answer a host is cut off; with a word from it it is not', () => {
  expect(isCutOff(seen('dns', 'dns-failure'))).toBe(true)
  expect(isCutOff(seen('tcp', 'host-unreachable'))).toBe(true)
  expect(isCutOff(seen('tcp', 'connect-timeout'))).toBe(true)
  expect(isCutOff(seen('tcp', 'connection-refused'))).toBe(false)
  expect(isCutOff(seen('handshake', 'connection-lost'))).toBe(false)
  expect(isCutOff(seen('auth', 'authentication-failed', true))).toBe(false)
})
