import { expect, test } from 'vitest'
import { isPrivateAddress } from './networks.js'

test.each([
  '10.0.0.1',
  '192.168.1.1',
  '172.16.0.1',
  '172.31.255.255',
  '100.64.0.1',
  '100.127.0.1',
  '169.254.1.1',
  '::ffff:10.0.0.1',
  'fd00::1',
  'fc12::1',
  'fe80::1',
])('%s is of a private network', address => expect(isPrivateAddress(address)).toBe(true))

test.each([
  '11.0.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.0.1',
  '100.128.0.1',
  '192.169.0.1',
  '127.0.0.1',
  '8.8.8.8',
  '::ffff:8.8.8.8',
  '2001:db8::1',
  'fec0::1',
  '::1',
])('%s is not', address => expect(isPrivateAddress(address)).toBe(false))
