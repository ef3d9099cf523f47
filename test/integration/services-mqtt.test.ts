/** A real Mosquitto: who is let in, what an ACL hides, and TLS. What it does not do, scripted peers do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  closedAtEnd,
  leavingNothing,
  probe,
  readiness,
  refusal,
  SECRET,
  startedPeer,
} from '../conformance/probing.js'
import { type Certificates, certificates } from '../support/certs.js'
import { type MosquittoOptions, type MosquittoServer, startMosquitto } from '../support/mosquitto.js'
import { connack, connack5, mqttPacket, mqtt as peer, TYPE } from '../support/mqttpeers.js'
import { answers } from '../support/peers.js'

let certs: Certificates
/** By what is special about them. */
const servers = new Map<string, MosquittoServer>()
const at = (name: string) => servers.get(name) as MosquittoServer

beforeAll(async () => {
  certs = await certificates()
  const start = async (name: string, options: MosquittoOptions) =>
    servers.set(name, await startMosquitto(options))
  const acl = [
    'user app',
    'topic readwrite holdfast/#',
    'topic read $SYS/#',
    'user shy',
    'topic readwrite mine/#',
    'user reader',
    'topic read holdfast/#',
  ]
  await Promise.all([
    start('open', {}),
    start('users', { users: { app: SECRET, shy: SECRET, reader: SECRET }, acl }),
    start('tls', { tls: true }),
    start('client', { tls: true, settings: ['require_certificate true'] }),
    start('wrongHost', { tls: 'wrongHost' }),
    start('expired', { tls: 'expired' }),
  ])
})
afterAll(async () => {
  await Promise.all([...servers.values()].map(server => server.remove()))
})
leavingNothing()

async function started(options: MosquittoOptions = {}): Promise<MosquittoServer> {
  const it = await startMosquitto(options)
  closedAtEnd(() => it.remove())
  return it
}

const VERSIONS = [
  ['3.1.1', {}],
  ['5', { protocolVersion: '5' }],
] as const

describe.each(VERSIONS)('version %s', (_, query) => {
  test('is taken, with a login and without', async () => {
    const open = await readiness(at('open').url({ query }))
    expect(open.steps.map(({ layer }) => layer)).toEqual(['tcp', 'handshake', 'query'])
    const app = await readiness(at('users').url({ user: 'app', password: SECRET, query }))
    expect(app.steps.map(({ layer }) => layer)).toEqual(['tcp', 'auth', 'query'])
    await readiness(at('open').url({ user: 'app', password: SECRET, query }))
  })

  test('tells what the broker is, where the ACL shows it', async () => {
    const { server } = await readiness(at('users').url({ user: 'app', password: SECRET, query }))
    expect(server).toMatchObject({ product: 'Mosquitto', version: expect.stringMatching(/^2\./) })
    expect(server.ageMs).toBeGreaterThanOrEqual(0)
    expect(server.incarnation).toBeUndefined()
    const shy = await readiness(at('users').url({ user: 'shy', password: SECRET, query }))
    expect(shy.server).toEqual({ product: 'MQTT' })
  })

  test.each([
    ['a wrong password', { user: 'app', password: 'wrong' }],
    ['an unknown user', { user: 'stranger', password: SECRET }],
    ['nobody', {}],
  ])('is refused to %s, which Mosquitto tells as one', async (_, who) => {
    const verdict = await refusal(at('users').url({ ...who, query }))
    expect(verdict).toMatchObject({
      heard: true,
      finding: { reason: 'authentication-failed', code: 'protocolVersion' in query ? '135' : '5' },
    })
    expect(verdict.finding.advice).toContain('Mosquitto')
  })

  test('delivers a message to itself', async () => {
    const { steps } = await readiness(at('open').url({ query }), { until: 'write' })
    expect(steps.at(-1)).toMatchObject({ layer: 'write', state: 'ok' })
    await readiness(at('users').url({ user: 'app', password: SECRET, query }), { until: 'write' })
  })

  test.each(['reader', 'shy'])('denies %s, who has no right to the topic', async user => {
    const verdict = await refusal(at('users').url({ user, password: SECRET, query }), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'access-denied' } })
  })

  test('delivers on a topic that the address names', async () => {
    const shy = { user: 'shy', password: SECRET, query: { ...query, topic: 'mine/probe' } }
    await readiness(at('users').url(shy), { until: 'write' })
  })

  test('answers on several connections at once, none of which throws another out', async () => {
    await readiness(at('open').url({ query }), { connections: 5 })
  })
})

describe('a probe', () => {
  test('leaves as a client that says goodbye, and no session, message or subscription behind', async () => {
    const it = await started()
    const { session } = await probe(it.url(), { until: 'write' })
    await session?.inspect?.()
    await session?.close()
    await it.waitForLog(/Client hf[0-9a-f]{20} disconnected\./)
    expect(it.log()).not.toMatch(/closed its connection|not-authorised|socket error/i)
    expect(it.log()).toMatch(/c1, k0/)
    expect(it.log()).not.toMatch(/Received PUBLISH .* r1,/)
  })

  test('has another identifier each time', async () => {
    const it = await started()
    await readiness(it.url())
    await readiness(it.url())
    const ids = it.log().match(/(?<=New client connected from \S+ as )hf\S+/g) ?? []
    expect(new Set(ids).size).toBe(2)
  })
})

describe('a broker', () => {
  test('at max_connections closes without a word, and is ready again once a client has left', async () => {
    const it = await started({ settings: ['max_connections 1'] })
    const { session } = await probe(it.url())
    expect(await refusal(it.url())).toMatchObject({ finding: { reason: 'connection-lost' } })
    await session?.close()
    await expect.poll(async () => (await probe(it.url())).verdict.ready, { timeout: 5000 }).toBe(true)
  })

  test('that was started anew is ready again, and the session before it is lost', async () => {
    const it = await started()
    const { session } = await probe(it.url())
    await it.restart()
    await session?.closed
    await expect(session?.ping?.()).rejects.toThrow()
    await readiness(it.url())
  })

  test.each([
    ['1', connack(1), 'protocol-mismatch', 'protocolVersion=5'],
    ['2', connack(2), 'access-denied', 'identifiers'],
    ['3', connack(3), 'server-not-ready', ''],
    ['4', connack(4), 'authentication-failed', ''],
    ['136', connack5(0x88), 'server-not-ready', ''],
    ['137', connack5(0x89), 'server-not-ready', ''],
    ['138', connack5(0x8a), 'access-denied', 'banned'],
    ['151', connack5(0x97), 'too-many-connections', ''],
    ['156', connack5(0x9c), 'server-not-ready', 'elsewhere'],
    ['157', connack5(0x9d), 'client-misuse', 'moved'],
    ['159', connack5(0x9f), 'too-many-connections', ''],
  ])('that refuses with %s says so', async (code, packet, reason, advice) => {
    const { port } = await startedPeer(answers(packet))
    const { finding } = await refusal(`mqtt://127.0.0.1:${port}?protocolVersion=5`)
    expect(finding).toMatchObject({ reason, code })
    expect(finding.advice ?? '').toContain(advice)
  })

  test('that shuts down tells the session', async () => {
    const script = peer(type => (type === TYPE.pingreq ? mqttPacket(0xe0, 0x8b, 0) : undefined))
    const { port } = await startedPeer(script)
    const { finding } = await refusal(`mqtt://127.0.0.1:${port}`)
    expect(finding).toMatchObject({ reason: 'server-not-ready', code: '139' })
  })

  test.each([0x80, 0x83])(
    'that refuses version 5 with code %i, which says nothing, may yet take it',
    async code => {
      const { port } = await startedPeer(answers(connack5(code)))
      const { finding } = await refusal(`mqtt://127.0.0.1:${port}?protocolVersion=5`)
      expect(finding).toMatchObject({ reason: 'unknown', code: String(code) })
    },
  )

  test('that repeats the end of a login has its bytes counted, and not shown', async () => {
    const { port } = await startedPeer(answers(`what is ${SECRET.slice(3)}?\r\n`))
    const { finding } = await refusal(`mqtt://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(finding.message).toMatch(/: the first of \d+ bytes was 0x77$/)
  })

  test('that closes over a topic is a lost connection, and the advice names the topic', async () => {
    const { port } = await startedPeer(async connection => {
      await connection.readSome()
      await connection.send(connack())
      await connection.readUntil(Buffer.of(0xc0, 0))
      await connection.send(mqttPacket(0xd0))
      await connection.readSome()
    })
    const { finding } = await refusal(`mqtt://127.0.0.1:${port}?topic=a/b`, { until: 'write' })
    expect(finding.reason).toBe('connection-lost')
    expect(finding.message).toContain('a/b/')
    expect(finding.advice).toContain('topic=PREFIX')
  })

  test('that closes over $SYS is ready all the same', async () => {
    const { port } = await startedPeer(async connection => {
      await connection.readSome()
      await connection.send(connack())
      await connection.readUntil(Buffer.of(0xc0, 0))
      await connection.send(mqttPacket(0xd0))
      await connection.readSome()
    })
    const { server } = await readiness(`mqtt://127.0.0.1:${port}`)
    expect(server).toEqual({ product: 'MQTT' })
  })

  test('that sends messages without an end, and never answers, is given up', async () => {
    const flood = Buffer.concat(Array.from({ length: 2000 }, () => mqttPacket(0x30, 0, 1, 'a', 'x')))
    const { port } = await startedPeer(peer(type => (type === TYPE.pingreq ? flood : undefined)))
    const { finding } = await refusal(`mqtt://127.0.0.1:${port}`)
    expect(finding.reason).toBe('protocol-mismatch')
  })
})

describe('an address that makes no sense is misuse, before anything is connected', () => {
  test.each([
    ['a password without a user', 'mqtt://:secret@127.0.0.1', 'no password without a user'],
    ['a version that is none', 'mqtt://127.0.0.1?protocolVersion=3', 'protocolVersion "3"'],
    ['a topic with a wildcard', 'mqtt://127.0.0.1?topic=a/%23', 'topic "a/#"'],
    ['a user without measure', `mqtt://${'x'.repeat(70_000)}@127.0.0.1`, '65535 bytes'],
  ])('%s', async (_, address, told) => {
    const verdict = await refusal(address.replace('127.0.0.1', '127.0.0.1:1'))
    expect(verdict).toMatchObject({ steps: [], finding: { reason: 'client-misuse' } })
    expect(verdict.finding.message).toContain(told)
  })

  test('and a user alone, which may be a token, is in nothing that is said', async () => {
    const { port } = await startedPeer(answers(connack(5)))
    const verdict = await refusal(`mqtt://a-token-of-some-length@127.0.0.1:${port}`)
    expect(JSON.stringify(verdict)).not.toContain('a-token-of-some-length')
  })
})

describe('mqtts:// checks the certificate of the broker', () => {
  const trust = (more: Record<string, string> = {}) => ({ sslrootcert: certs.ca.certPath, ...more })
  const address = (name: string, query: Record<string, string>) => at(name).url({ host: 'localhost', query })

  test('which is good for its host', async () => {
    const { steps } = await readiness(address('tls', trust()), { until: 'write' })
    expect(steps.map(({ layer }) => layer)).toEqual(['dns', 'tcp', 'tls', 'handshake', 'query', 'write'])
  })

  test.each([
    ['tls', {}, 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['wrongHost', { ca: true }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', { ca: true }, 'CERT_HAS_EXPIRED'],
  ])('%s: %j is a TLS failure', async (name, { ca }: { ca?: boolean }, code) => {
    const verdict = await refusal(address(name, ca ? trust() : {}))
    expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'tls-failure', code } })
  })

  test('unless sslmode says not to', async () => {
    await readiness(address('expired', { sslmode: 'require' }))
  })

  test('and shows its own where it is asked for', async () => {
    const { certPath, keyPath } = certs.client
    await readiness(address('client', trust({ sslcert: certPath, sslkey: keyPath })))
    const { finding } = await refusal(address('client', trust()))
    expect(finding.reason).toBe('tls-failure')
  })

  test('and mqtt:// to a port with TLS is a TLS failure', async () => {
    const { finding } = await refusal(at('tls').url({ scheme: 'mqtt' }))
    expect(finding.reason).toBe('tls-failure')
  })
})
