import { expect, test } from 'vitest'
import { parseTarget } from '../core/target.js'
import { SCHEMES } from '../services/registry.js'
import { farHosts, isNear } from './near.js'

test.each([
  ['127.0.0.1', true, true],
  ['127.0.1.1', true, true],
  ['::1', true, true],
  ['::ffff:127.0.0.1', true, true],
  ['192.0.2.7', true, true],
  ['fe80::7%eth0', true, true],
  ['172.18.0.3', false, true],
  ['10.1.2.3', false, true],
  ['fd00::5', false, true],
  ['203.0.113.5', false, false],
  ['2001:db8::5', false, false],
])('%s is near: %s, in a container: %s', (address, outside, inside) => {
  const own = ['192.0.2.7', 'fe80::7']
  expect(isNear(address, { own, container: false })).toBe(outside)
  expect(isNear(address, { own, container: true })).toBe(inside)
})

test('a name without a dot that leads nowhere is far, unless it is named', async () => {
  const target = parseTarget('postgres://app@no-such-host-here/app', { schemes: SCHEMES })
  expect(await farHosts([target], [])).toEqual(['no-such-host-here'])
  expect(await farHosts([target], ['no-such-host-here'])).toEqual([])
  expect(await farHosts([parseTarget('postgres://app@localhost/app', { schemes: SCHEMES })], [])).toEqual([])
})
