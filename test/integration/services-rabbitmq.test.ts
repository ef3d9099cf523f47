/** A real RabbitMQ: who is let in, what it refuses, and what it says when it goes. */
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal, SECRET } from '../conformance/probing.js'
import { type CertificateName, type Certificates, certificates } from '../support/certs.js'
import { type RabbitmqServer, startRabbitmq } from '../support/rabbitmq.js'

/** An address of this machine that is no loopback; a machine without a network has none. */
const OUTSIDE = Object.values(networkInterfaces())
  .flat()
  .find(it => it && !it.internal && it.family === 'IPv4')?.address

let server: RabbitmqServer
/** Under a memory alarm from the beginning. */
let alarmed: RabbitmqServer
let certs: Certificates
beforeAll(async () => {
  certs = await certificates()
  ;[server, alarmed] = await Promise.all([
    startRabbitmq({
      tls: true,
      plugins: ['rabbitmq_auth_mechanism_ssl'],
      // The certificate is not for 127.0.0.2.
      listen: ['127.0.0.1', '127.0.0.2', ...(OUTSIDE ? [OUTSIDE] : [])],
      users: {
        app: { password: SECRET },
        guest: { password: 'guest' },
        stranger: { password: SECRET, vhosts: ['/'] },
        single: { password: SECRET, maxConnections: 1 },
        reader: { password: SECRET, configure: '^$' },
      },
      vhosts: { 'crm/ä b': {}, narrow: { maxQueues: 1 }, closed: { maxConnections: 0 } },
    }),
    startRabbitmq({
      alarm: true,
      users: { app: { password: SECRET } },
      vhosts: { narrow: { maxQueues: 1 } },
    }),
  ])
}, 150_000)
afterAll(() => Promise.all([server?.remove(), alarmed?.remove()]))
leavingNothing()

describe('a login succeeds', () => {
  test('through the layers of the connection, and tells product and version', async () => {
    const verdict = await readiness(server.url())
    expect(verdict.server).toEqual({ product: 'RabbitMQ', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(verdict.steps.map(({ layer }) => layer)).toEqual(['tcp', 'handshake', 'auth', 'query'])
  })

  test('as guest where the address names nobody', async () => {
    await readiness(`amqp://127.0.0.1:${server.port}`)
  })

  test.each([
    ['no path', '', '/'],
    ['an empty path, as amqplib takes it', '/', '/'],
    ['a path that is a slash', '//', '/'],
    ['a path that is an encoded slash', '/%2F', '/'],
    ['a name with what a path must encode', '/crm%2F%C3%A4%20b', 'crm/ä b'],
  ])('in the virtual host of %s', async (_, path, vhost) => {
    const { port } = server
    const before = server.log().length
    await readiness(`amqp://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}${path}`)
    await expect.poll(() => server.log().slice(before)).toContain(`granted access to vhost '${vhost}'`)
  })

  test('twenty times at once', async () => {
    await readiness(server.url(), { connections: 20 })
  })

  test('and the broker has nothing to warn of afterwards', async () => {
    const before = server.log().length
    const { session } = await probe(server.url(), { until: 'write' })
    await session?.close()
    await expect.poll(() => server.log().slice(before)).toMatch(/closing AMQP connection .*vhost: '\/'/)
    expect(server.log().slice(before)).not.toMatch(/\[(warning|error)\]/)
  })
})

describe('a login fails', () => {
  test('with a wrong password, without a reason of its own to try again', async () => {
    const verdict = await refusal(server.url({ password: 'wrong' }))
    expect(verdict).toMatchObject({
      layer: 'auth',
      finding: {
        reason: 'authentication-failed',
        code: '403',
        message: expect.stringMatching(/Login was refused/),
      },
    })
  })

  test('without a password, and the advice is to give one', async () => {
    const { finding } = await refusal(server.url({ password: null }))
    expect(finding.reason).toBe('authentication-failed')
    expect(finding.advice).toContain('PASSWORD')
  })

  test('for a virtual host that does not exist', async () => {
    const { layer, finding } = await refusal(server.url({ database: 'nosuch' }))
    expect(layer).toBe('auth')
    expect(finding).toMatchObject({ reason: 'database-not-found', code: '530', byText: true })
    expect(finding.message).toContain('vhost nosuch not found')
  })

  test('for a virtual host without a right to it', async () => {
    const { finding } = await refusal(server.url({ user: 'stranger', database: 'narrow' }))
    expect(finding).toMatchObject({ reason: 'access-denied', code: '530' })
    expect(finding.advice).toContain('set_permissions')
  })

  test('in a virtual host that has all the connections that it may', async () => {
    const { finding } = await refusal(server.url({ database: 'closed' }))
    expect(finding).toMatchObject({ reason: 'too-many-connections', code: '530' })
  })

  test('for a user who has all the connections that it may, until one closes', async () => {
    const single = server.url({ user: 'single' })
    const { session } = await probe(single)
    expect(await refusal(single)).toMatchObject({ finding: { reason: 'too-many-connections', code: '530' } })
    await session?.close()
    await expect.poll(async () => (await probe(single)).verdict.ready).toBe(true)
  })

  test('for guest from another address than loopback, and the advice says why', async ({ skip }) => {
    if (!OUTSIDE) return skip('platform: no network but loopback')
    const { finding } = await refusal(`amqp://guest:guest@${OUTSIDE}:${server.port}`)
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '403' })
    expect(finding.advice).toContain('loopback_users')
    await readiness(server.url({ host: OUTSIDE }))
  })

  test('before it begins with a virtual host that is too long to be sent', async () => {
    const { finding } = await refusal(server.url({ database: 'ä'.repeat(128) }))
    expect(finding).toMatchObject({ reason: 'client-misuse', message: expect.stringMatching(/255 bytes/) })
  })
})

describe('a write', () => {
  test('goes through a queue and leaves none, while the session lasts', async () => {
    const { session } = await probe(server.url({ database: 'narrow' }), { until: 'write' })
    await session?.write?.()
    await session?.ping?.()
    // There is room for one queue only.
    await readiness(server.url({ database: 'narrow' }), { until: 'write' })
  })

  test('needs the right to make a queue', async () => {
    const verdict = await refusal(server.url({ user: 'reader' }), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'access-denied', code: '403' } })
    expect(verdict.finding.advice).toContain('set_permissions')
    await readiness(server.url({ user: 'reader' }))
  })

  test('is refused under an alarm that reading does not feel', async () => {
    await readiness(alarmed.url())
    const verdict = await refusal(alarmed.url(), { until: 'write' })
    expect(verdict).toMatchObject({
      layer: 'write',
      finding: {
        reason: 'resource-exhausted',
        code: 'BLOCKED',
        message: expect.stringMatching(/low on memory/),
      },
    })
  })

  test('that an alarm stops leaves no queue for longer than the broker needs to miss us', async () => {
    const narrow = alarmed.url({ database: 'narrow' })
    const code = async () => (await refusal(narrow, { until: 'write' })).finding.code
    expect(await code()).toBe('BLOCKED')
    // The broker does not read from the connection that it blocks, and its queue is there until it writes to it.
    expect(await refusal(narrow, { until: 'write' })).toMatchObject({
      finding: { reason: 'resource-exhausted', code: '406', message: expect.stringMatching(/queue limit/) },
    })
    await expect.poll(code, { timeout: 20_000, interval: 500 }).toBe('BLOCKED')
  })
})

describe('with TLS', () => {
  const amqps = (query: Record<string, string> = {}, more = {}) =>
    server.url({ scheme: 'amqps', host: 'localhost', query, ...more })
  const trust = () => ({ sslrootcert: certs.ca.certPath })
  const shown = (name: CertificateName) => ({
    ...trust(),
    sslcert: certs[name].certPath,
    sslkey: certs[name].keyPath,
  })

  test('a login succeeds where the certificate is good for the host', async () => {
    const { steps } = await readiness(amqps(trust()), { connections: 3, until: 'write' })
    expect(steps.map(({ layer }) => layer)).toContain('tls')
    await readiness(amqps({ sslmode: 'require' }))
  })

  test.each([
    ['that nobody vouches for', 'localhost', false, 'SELF_SIGNED_CERT_IN_CHAIN', 'sslrootcert'],
    ['for another host', '127.0.0.2', true, 'ERR_TLS_CERT_ALTNAME_INVALID', 'other names'],
  ])('a certificate %s is a TLS failure', async (_, host, trusted, code, advice) => {
    const { layer, finding } = await refusal(amqps(trusted ? trust() : {}, { host }))
    expect({ layer, ...finding }).toMatchObject({ layer: 'tls', reason: 'tls-failure', code })
    expect(finding.advice).toContain(advice)
  })

  test.each(['disable', 'verify-ca'])('sslmode=%s asks for less than amqps://', async sslmode => {
    const port = sslmode === 'disable' ? server.port : server.tlsPort
    await readiness(amqps({ ...trust(), sslmode }, { host: '127.0.0.2', port }))
  })

  test('a wrong password is one there, too', async () => {
    const { finding } = await refusal(amqps(trust(), { password: 'wrong' }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '403' })
  })

  test('amqp:// to the port with TLS is a TLS failure, and the advice names the scheme', async () => {
    const { finding } = await refusal(server.url({ port: server.tlsPort }))
    expect(finding.reason).toBe('tls-failure')
    expect(finding.advice).toContain('amqps://')
  })

  test('amqps:// to the plain port is a TLS failure', async () => {
    const { finding } = await refusal(amqps(trust(), { port: server.port }))
    expect(finding.reason).toBe('tls-failure')
    expect(finding.advice).toContain('does not speak TLS')
  })

  test('a client certificate is a login where there is no password', async () => {
    await readiness(amqps(shown('client'), { user: null, password: null }))
    const stranger = await refusal(amqps(shown('otherClient'), { user: null, password: null }))
    expect(stranger.finding.reason).toBe('authentication-failed')
    expect(stranger.finding.advice).toContain('client certificate')
    // The password counts where both are given.
    await readiness(amqps(shown('otherClient')))
  })
})

// The last one, since it ends the broker.
test('a session that is held learns that its broker shuts down, and why', async () => {
  const { session } = await probe(alarmed.url())
  const stopped = alarmed.stop()
  await session?.closed
  await expect(session?.ping?.()).rejects.toMatchObject({
    finding: { reason: 'connection-lost', code: '320', message: expect.stringMatching(/shutdown/) },
  })
  await stopped
})
