import { expect, test } from 'vitest'
import { SCHEMES } from '../services/registry.js'
import { farthest } from './near.js'
import { parseTarget } from './target.js'

test.each([
  ['localhost', 'local'],
  ['app.localhost', 'local'],
  ['127.8.9.1', 'local'],
  ['[::1]', 'local'],
  ['db', 'container'],
  ['my_db-1', 'container'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['100.128.0.1', 'public'],
  ['[fe80::1]', 'private'],
  ['[2001:db8::1]', 'public'],
  ['host.docker.internal', 'private'],
  ['printer.local', 'private'],
  ['internal.example.com', 'public'],
  ['10.example.com', 'public'],
  ['db.example.com.', 'public'],
])('%s is %s', (host, nearness) => {
  expect(farthest(parseTarget(`redis://${host}`, { schemes: SCHEMES }))).toBe(nearness)
})
