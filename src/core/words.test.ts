import { describe, expect, test } from 'vitest'
import { SCHEMES } from '../services/registry.js'
import { parseTarget } from './target.js'

const target = (address: string) => parseTarget(address, { schemes: SCHEMES })
const tls = (query: string) => target(`mongodb://h/app?${query}`).tls

describe('the TLS options of a mongodb:// address', () => {
  test.each([
    ['', 'disable'],
    ['tls=false', 'disable'],
    ['tls=true', 'verify-full'],
    ['ssl=true', 'verify-full'],
    ['TLS=true', 'verify-full'],
    ['tls=true&tlsInsecure=true', 'require'],
    ['tls=true&tlsAllowInvalidCertificates=true', 'require'],
    ['tls=true&tlsAllowInvalidHostnames=true', 'verify-ca'],
    ['tls=true&tlsallowinvalidhostnames=true', 'verify-ca'],
    ['tlsInsecure=true', 'disable'],
    ['tls=true&sslmode=require', 'require'],
    ['tls=true&tlsInsecure=false', 'verify-full'],
  ])('%s is %s in the words of libpq', (query, mode) => expect(tls(query).mode).toBe(mode))

  test('name the same files', () => {
    expect(tls('tls=true&tlsCAFile=/ca.pem&tlsCertificateKeyFile=/both.pem')).toMatchObject({
      ca: '/ca.pem',
      cert: '/both.pem',
      key: '/both.pem',
    })
    const { keyPassword } = tls(
      'tls=true&tlsCertificateKeyFile=/both.pem&tlsCertificateKeyFilePassword=s3cret',
    )
    expect(keyPassword?.reveal()).toBe('s3cret')
  })

  test('that verify nothing leave the authority out, by which require would verify', () => {
    expect(tls('tls=true&tlsInsecure=true&tlsCAFile=/ca.pem')).not.toHaveProperty('ca')
  })

  test.each([
    ['tls=true&ssl=false', 'tls and ssl contradict each other'],
    ['tls=yes', 'tls "yes" is not true or false'],
  ])('%s is a usage error', (query, message) => expect(() => tls(query)).toThrow(message))
})

describe('a mongodb:// address', () => {
  test('may name several hosts, with and without ports, and the path of a socket', () => {
    const { hosts } = target('mongodb://app:pw@a:27018,b,%2Ftmp%2Fmongodb-27017.sock/app')
    expect(hosts).toEqual([
      { host: 'a', port: 27018 },
      { host: 'b', port: 27017 },
      { path: '/tmp/mongodb-27017.sock' },
    ])
  })

  test('shows what is no secret, and nothing else', () => {
    const given =
      'mongodb://app:pw@a:27017/app?authSource=admin&tlsCertificateKeyFilePassword=s3cret&replicaSet=rs0'
    expect(target(given).address).toBe(
      'mongodb://app:***@a:27017/app?authSource=admin&tlsCertificateKeyFilePassword=***&replicaSet=rs0',
    )
  })

  test('by SRV records has one host, TLS unless it says otherwise, and the name of a service', () => {
    const { hosts, srv, tls, service } = target('mongodb+srv://app:pw@db.example.net/app')
    expect({ hosts, srv, service }).toEqual({
      hosts: [{ host: 'db.example.net', port: 27017 }],
      srv: 'mongodb',
      service: 'mongodb',
    })
    expect(tls.mode).toBe('verify-full')
    expect(target('mongodb+srv://h.example.net/?tls=false').tls.mode).toBe('disable')
    expect(target('mongodb+srv://h.example.net/?tlsInsecure=true').tls.mode).toBe('require')
    expect(target('mongodb+srv://h.example.net/?srvServiceName=other').srv).toBe('other')
    for (const hosts of ['a,b', 'a:27017'])
      expect(() => target(`mongodb+srv://${hosts}/`)).toThrow('by SRV records it has one host and no port')
  })
})
