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

test('a scheme with TLS has its own port where there is one', () => {
  const ports = ['amqp', 'amqps', 'http', 'https', 'rediss'].map(scheme => SCHEMES.get(scheme)?.port)
  expect(ports).toEqual([5672, 5671, 80, 443, 6379])
})
