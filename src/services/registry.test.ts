import { expect, test } from 'vitest'
import { loadService, SCHEMES } from './registry.js'

test.each([...new Set([...SCHEMES.values()].map(scheme => scheme.service)), 'exec'])(
  'the service %s is loaded by its own name',
  async name => {
    const service = await loadService(name)
    expect(service.name).toBe(name)
    expect(typeof service.open).toBe('function')
  },
)

test('a service that does not exist is a defect', async () => {
  await expect(loadService('oracle')).rejects.toThrow('no service "oracle"')
})

test('every scheme is written as addresses are compared, in lower case', () => {
  for (const scheme of SCHEMES.keys()) expect(scheme).toBe(scheme.toLowerCase())
})

test.each([
  ['http', 80],
  ['https', 443],
  ['rediss', 6379],
  ['amqp', 5672],
  ['amqps', 5671],
  ['clickhouse', 8123],
  ['clickhouses', 8443],
  ['clickhouse+https', 8443],
  ['nats+tls', 4222],
  ['memcached', 11211],
  ['mqtt', 1883],
  ['mqtts', 8883],
  ['kafka', 9092],
  ['kafka+ssl', 9093],
  ['mongodb', 27017],
])('%s:// means port %i where none is named', (scheme, port) => {
  expect(SCHEMES.get(scheme)?.port).toBe(port)
})
