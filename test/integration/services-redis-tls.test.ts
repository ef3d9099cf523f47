/** Redis with TLS, and servers that are older than HELLO. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import { type CertificateName, type Certificates, certificates } from '../support/certs.js'
import { redis as peer } from '../support/peers.js'
import { type RedisServer, startRedis } from '../support/redis.js'

let certs: Certificates
/** By what is special about them. */
const servers = new Map<string, RedisServer>()
const at = (name: string) => servers.get(name) as RedisServer

beforeAll(async () => {
  certs = await certificates()
  const names: CertificateName[] = ['server', 'wrongHost', 'expired', 'selfSigned']
  await Promise.all([
    ...names.map(async tls => servers.set(tls, await startRedis({ tls, password: SECRET }))),
    startRedis({ tls: true, settings: { 'tls-auth-clients': 'yes' } }).then(it => servers.set('client', it)),
  ])
})
afterAll(async () => {
  await Promise.all([...servers.values()].map(server => server.remove()))
})
leavingNothing()

const address = (name: string, query: Record<string, string>, host = 'localhost') =>
  at(name).url({ host, query })

describe('rediss:// checks the certificate of the server', () => {
  const trust = (more: Record<string, string> = {}) => ({ sslrootcert: certs.ca.certPath, ...more })

  test.each(['localhost', '127.0.0.1'])('which is good for %s', async host => {
    const { steps } = await readiness(address('server', trust(), host), { connections: 3, until: 'write' })
    expect(steps[host === 'localhost' ? 2 : 1]).toMatchObject({ layer: 'tls', state: 'ok' })
  })

  test.each([
    ['server', 'that nobody vouches for', {}, 'SELF_SIGNED_CERT_IN_CHAIN', 'sslrootcert'],
    ['selfSigned', 'that vouches for itself', {}, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'sslrootcert'],
    ['wrongHost', 'for another host', { ca: true }, 'ERR_TLS_CERT_ALTNAME_INVALID', 'other names'],
    ['expired', 'that has expired', { ca: true }, 'CERT_HAS_EXPIRED', 'renew'],
  ])('%s: one %s is a TLS failure, with advice', async (name, _, { ca }: { ca?: boolean }, code, advice) => {
    const verdict = await refusal(address(name, ca ? trust() : {}))
    expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'tls-failure', code } })
    expect(verdict.finding.advice).toContain(advice)
  })

  test.each([
    ['server', { sslmode: 'require' }],
    ['selfSigned', { sslmode: 'require' }],
    ['expired', { sslmode: 'require' }],
    ['wrongHost', { sslmode: 'verify-ca' }],
  ])('%s: unless sslmode says not to', async (name, { sslmode }) => {
    await readiness(address(name, sslmode === 'require' ? { sslmode } : trust({ sslmode })))
  })

  test('and a wrong password is one there, too', async () => {
    const { finding } = await refusal(at('server').url({ password: 'wrong', query: trust() }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: 'WRONGPASS' })
  })
})

describe('a server that wants to see a certificate', () => {
  const shown = (name: CertificateName) => ({
    sslrootcert: certs.ca.certPath,
    sslcert: certs[name].certPath,
    sslkey: certs[name].keyPath,
  })

  test('lets in who shows one', async () => {
    await readiness(address('client', shown('client')))
  })

  test.each([
    ['shows none', undefined],
    ['shows one of an unknown authority', 'selfSigned'],
  ] as const)('is a TLS failure for who %s, and the advice says how to', async (_, name) => {
    const { finding } = await refusal(
      address('client', name ? shown(name) : { sslrootcert: certs.ca.certPath }),
    )
    expect(finding.reason).toBe('tls-failure')
    expect(finding.advice).toContain('sslcert')
  })
})

describe('without TLS', () => {
  test('redis:// to a port with TLS is a TLS failure, and the advice names the scheme', async () => {
    const { finding } = await refusal(at('server').url({ scheme: 'redis' }))
    expect(finding.reason).toBe('tls-failure')
    expect(finding.advice).toContain('rediss://')
  })
})

describe('a server that does not know HELLO', () => {
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`

  /** Redis 5: one password, no users. What it heard is kept. */
  const old = (password?: string) => {
    const heard: string[][] = []
    let known = password === undefined
    const script = peer((command, args) => {
      heard.push([command, ...args])
      if (command === 'HELLO') return `-ERR unknown command \`HELLO\`, with args beginning with: \`2\`, \r\n`
      if (command === 'AUTH') {
        if (password === undefined) return '-ERR Client sent AUTH, but no password is set\r\n'
        if (args.length !== 1) return "-ERR wrong number of arguments for 'auth' command\r\n"
        known = args[0] === password
        return known ? '+OK\r\n' : '-ERR invalid password\r\n'
      }
      if (!known) return '-NOAUTH Authentication required.\r\n'
      if (command === 'INFO') return bulk('redis_version:5.0.14\r\nuptime_in_seconds:100\r\n')
      return command === 'PING' ? '+PONG\r\n' : '+OK\r\n'
    })
    return { heard, script }
  }

  test('is ready, and its version is found in INFO', async () => {
    const { server } = await readiness(`redis://127.0.0.1:${(await startedPeer(old().script)).port}/1`)
    expect(server).toMatchObject({ product: 'Redis', version: '5.0.14', ageMs: 100_000 })
  })

  test.each([SECRET, 'default', 'AUTH'])('takes the password %s by AUTH alone', async password => {
    const { script, heard } = old(password)
    const { port } = await startedPeer(script)
    await readiness(`redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`)
    expect(heard).toContainEqual(['AUTH', password])
  })

  test('rejects a wrong password, and misses one', async () => {
    const { port } = await startedPeer(old(SECRET).script)
    const wrong = await refusal(`redis://:wrong@127.0.0.1:${port}`)
    expect(wrong).toMatchObject({ layer: 'auth', finding: { reason: 'authentication-failed' } })
    const none = await refusal(`redis://127.0.0.1:${port}`)
    expect(none).toMatchObject({ finding: { reason: 'authentication-failed', code: 'NOAUTH' } })
  })

  test('and has no password says that it needs none', async () => {
    const { port } = await startedPeer(old().script)
    const { finding } = await refusal(`redis://:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(finding.reason).toBe('authentication-failed')
    expect(finding.advice).toContain('leave it out')
  })

  test('knows no users either: naming one is misuse', async () => {
    const { port } = await startedPeer(old(SECRET).script)
    const { finding } = await refusal(`redis://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(finding.reason).toBe('client-misuse')
    expect(finding.advice).toContain('Redis 6')
  })
})
