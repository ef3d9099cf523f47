import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  closedAtEnd,
  leavingNothing,
  readiness,
  refusal,
  SECRET,
  startedPeer,
} from '../conformance/probing.js'
import { certificates } from '../support/certs.js'
import { type KafkaCluster, startKafkaMock } from '../support/kafka.js'
import { type KafkaPeer, kafka, kafkaResponse } from '../support/kafkapeer.js'
import { type Peer, type Script, startPeer } from '../support/peer.js'
import { GREETINGS, greets, refused, silent } from '../support/peers.js'
import { buildUrl } from '../support/url.js'

leavingNothing()

const user = { name: 'app', password: SECRET }

/** A broker of its own, and addresses there. */
async function started(broker: KafkaPeer = {}, tls?: { cert: string; key: string }) {
  let place: Peer | undefined
  const script = kafka(broker, () => place as Peer)
  place = await startedPeer(script, tls ? { tls } : {})
  const at = { host: place.host, port: place.port }
  const url = (query: Record<string, string> = {}, parts: object = {}) =>
    buildUrl({ scheme: 'kafka', ...at, query, ...parts })
  return {
    peer: place,
    url,
    login: (query = {}, parts = {}) => url(query, { user: 'app', password: SECRET, ...parts }),
  }
}

describe('the mock cluster of librdkafka', () => {
  let cluster: KafkaCluster
  beforeAll(async () => {
    cluster = await startKafkaMock(3)
  })
  afterAll(() => cluster.kill())
  const address = () => `kafka://${cluster.host}:${cluster.port}`

  test('is ready', async () => {
    const { server, steps } = await readiness(address())
    expect(server).toEqual({ product: 'Kafka' })
    expect(steps.map(({ layer }) => layer)).toEqual(['tcp', 'handshake', 'query'])
  })

  test('has the topics that it has', async () => {
    await readiness(address(), { until: 'schema', expect: { tables: [cluster.topic] } })
    const { finding } = await refusal(address(), {
      until: 'schema',
      expect: { tables: [cluster.topic, 'orders'] },
    })
    expect(finding).toMatchObject({ reason: 'schema-missing', message: 'missing: topic orders' })
    // Asking made none.
    expect((await refusal(address(), { until: 'schema', expect: { tables: ['orders'] } })).ready).toBe(false)
  })

  test('is reached by the second host where the first one is away', async () => {
    const { port } = await refused()
    await readiness(`kafka://127.0.0.1:${port},${cluster.host}:${cluster.port}`)
  })
})

describe('a greeting', () => {
  test('is ApiVersions 3, and 0 with a broker that answers it with error 35', async () => {
    const [now, before]: NonNullable<KafkaPeer['seen']>[] = [[], []]
    await readiness((await started({ seen: now ?? [] })).url())
    await readiness((await started({ seen: before ?? [], newest: 2 })).url())
    expect(now?.map(one => one.join('.'))).toEqual(['18.3', '3.4'])
    expect(before?.map(one => one.join('.'))).toEqual(['18.3', '18.0', '3.4'])
  })

  test.each([1, 2, 3, 4])(
    'is followed by Metadata %i with a broker that knows no later one',
    async version => {
      const { url } = await started({ metadata: [0, version], topics: { jobs: [0, 0] } })
      await readiness(url(), { until: 'schema', expect: { tables: ['jobs'] } })
      const { finding } = await refusal(url(), { until: 'schema', expect: { tables: ['other'] } })
      expect(finding.reason).toBe('schema-missing')
    },
  )

  test.each([
    [[5, 9], 'serves Metadata 5 to 9, a probe asks for 1 to 4'],
    [[0, 0], 'serves Metadata 0 to 0'],
    [null, 'does not serve Metadata'],
  ] as const)('that offers Metadata %j is no use', async (versions, message) => {
    const { url } = await started({ metadata: versions as [number, number] | null })
    expect(await refusal(url())).toMatchObject({
      layer: 'handshake',
      finding: { reason: 'protocol-mismatch', message: expect.stringContaining(message) },
    })
  })
})

test.each([-1, 42, 999])('error %i before the session is open may pass', async error => {
  const code = Buffer.alloc(2)
  code.writeInt16BE(error)
  const peer = await startedPeer(async connection => {
    await connection.readSome()
    await connection.send(kafkaResponse(0x68660001, code))
    await connection.hang()
  })
  expect(await refusal(peer.url('kafka'))).toMatchObject({
    layer: 'handshake',
    finding: { reason: 'unknown', code: String(error) },
  })
})

describe('a login', () => {
  test('with a mechanism of which the broker names thousands of others is told eight of them', async () => {
    const mechanisms = ['x'.repeat(500), ...Array.from({ length: 5000 }, (_, i) => `M${i}`)]
    const { login } = await started({ user, mechanisms })
    const { finding } = await refusal(login())
    expect(finding).toMatchObject({
      code: '33',
      message: 'the broker does not take PLAIN, but (500 characters), M0, M1, M2, M3, M4, M5, M6, others',
    })
  })

  test('whose end the broker repeats has its bytes counted, and not shown', async () => {
    const answers = [
      kafkaResponse(0x68660001, Buffer.from('000002000300000004000000000000', 'hex')),
      kafkaResponse(0x68660002, Buffer.from('000000000000', 'hex')),
      `what is ${SECRET.slice(3)}?\r\n`,
    ]
    const peer = await startedPeer(async connection => {
      for (const answer of answers) {
        await connection.readSome()
        await connection.send(answer)
      }
      await connection.hang()
    })
    const { finding } = await refusal(peer.url('kafka', { user: 'app', password: SECRET }))
    expect(finding.message).toMatch(/: the first of \d+ bytes was 0x77$/)
  })

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'scram-sha-512'])(
    'goes by %s',
    async saslMechanism => {
      const { login } = await started({ user })
      const { steps } = await readiness(login({ saslMechanism }))
      expect(steps.map(({ layer }) => layer)).toEqual(['tcp', 'handshake', 'auth', 'query'])
    },
  )

  test('goes by PLAIN where the address says nothing, on this machine', async () => {
    await readiness((await started({ user })).login())
  })

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'by %s with a wrong password is rejected',
    async saslMechanism => {
      const { peer, login } = await started({ user: { ...user, password: 'another' } })
      expect(await refusal(login({ saslMechanism }))).toMatchObject({
        layer: 'auth',
        finding: {
          reason: 'authentication-failed',
          code: '58',
          message: expect.stringContaining(saslMechanism),
        },
      })
      expect(peer.connections).toBe(1)
    },
  )

  test('takes user names with signs that SCRAM has a meaning for', async () => {
    const name = 'a=b,c'
    const { url } = await started({ user: { name, password: SECRET } })
    await readiness(url({ saslMechanism: 'SCRAM-SHA-256' }, { user: name, password: SECRET }))
  })

  test.each([
    ['a broker that proves nothing', { forges: true }, 'could not prove'],
    ['a broker that asks for few rounds', { rounds: 4095 }, 'iteration count "4095"'],
  ])('does not trust %s', async (_, broker, message) => {
    const { login } = await started({ user, ...broker })
    const { finding } = await refusal(login({ saslMechanism: 'SCRAM-SHA-256' }))
    expect(finding).toMatchObject({
      reason: 'authentication-failed',
      message: expect.stringContaining(message),
    })
  })

  test('by a mechanism that the broker does not take is answered by those that it takes', async () => {
    const { login } = await started({ user, mechanisms: ['GSSAPI', 'SCRAM-SHA-512'] })
    const { finding } = await refusal(login())
    expect(finding).toMatchObject({ reason: 'client-misuse', code: '33' })
    expect(finding.message).toContain('GSSAPI, SCRAM-SHA-512')
    expect(finding.advice).toContain('saslMechanism=SCRAM-SHA-512')
  })

  test('that a listener without SASL does not want is told so', async () => {
    const { login } = await started()
    expect((await refusal(login())).finding).toMatchObject({
      reason: 'client-misuse',
      code: '34',
      message: 'this listener takes no login',
    })
  })

  test('that is missing on a listener with SASL is a lost connection, with the reason that is likely', async () => {
    const { url } = await started({ user })
    const { layer, finding } = await refusal(url())
    expect({ layer, reason: finding.reason }).toEqual({ layer: 'query', reason: 'connection-lost' })
    expect(finding.advice).toContain('put user and password into the address')
  })

  test.each<[Record<string, string>, object, string]>([
    [{ saslMechanism: 'GSSAPI' }, { user: 'app', password: 'pw' }, 'saslMechanism "GSSAPI"'],
    [{ saslMechanism: 'PLAIN' }, {}, 'needs both user and password'],
    [{}, { user: 'app' }, 'needs both user and password'],
  ])('is not tried with %j and %j', async (query, parts, message) => {
    const { peer, url } = await started({ user })
    const { finding } = await refusal(url(query, parts))
    expect(finding).toMatchObject({ reason: 'client-misuse', message: expect.stringContaining(message) })
    expect(peer.connections).toBe(0)
  })

  test('and all else goes through TLS with kafka+ssl://, which verifies the broker', async () => {
    const { server, ca } = await certificates()
    const { url, login } = await started({ user }, server)
    const scheme = 'kafka+ssl'
    await readiness(login({ sslrootcert: ca.certPath }, { scheme }))
    expect((await refusal(login({}, { scheme }))).finding.reason).toBe('tls-failure')
    expect((await refusal(url())).finding.reason).toBe('tls-failure')
  })
})

describe('a broker that answers', () => {
  test.each<[string, KafkaPeer, string]>([
    ['without a controller', { controller: -1 }, '41'],
    ['without brokers', { brokers: [] }, '8'],
  ])('%s does not serve yet', async (_, broker, code) => {
    const { url } = await started(broker)
    expect(await refusal(url())).toMatchObject({
      layer: 'query',
      finding: { reason: 'server-not-ready', code },
    })
  })

  test.each<[string, readonly [number, ...number[]], object]>([
    [
      'has no leader yet',
      [5],
      { reason: 'server-not-ready', code: '5', message: 'topic jobs: LEADER_NOT_AVAILABLE' },
    ],
    ['has a partition without a leader', [0, 0, 5], { reason: 'server-not-ready', code: '5' }],
    ['may not be read', [29], { reason: 'access-denied', code: '29' }],
  ])('with a topic that %s says so', async (_, errors, finding) => {
    const { url } = await started({ topics: { jobs: errors } })
    expect(await refusal(url(), { until: 'schema', expect: { tables: ['jobs'] } })).toMatchObject({
      layer: 'schema',
      finding,
    })
  })

  test('with a replica that is away serves its topic', async () => {
    const { url } = await started({ topics: { jobs: [0, 9] } })
    await readiness(url(), { until: 'schema', expect: { tables: ['jobs'] } })
  })

  test('is not asked for columns', async () => {
    const { url } = await started()
    const { finding } = await refusal(url(), { until: 'schema', expect: { columns: ['jobs.id'] } })
    expect(finding.reason).toBe('client-misuse')
  })
})

describe('advertised listeners', () => {
  test.each([
    ['a name that does not resolve', async () => ({ host: 'kafka.invalid', port: 9092 }), 'ENOTFOUND'],
    ['a port that nothing listens on', refused, 'ECONNREFUSED'],
  ])('that lead to %s are what is wrong', async (_, elsewhere, code) => {
    const place = await elsewhere()
    const { url } = await started({ brokers: [place] })
    const { layer, finding } = await refusal(url())
    expect({ layer, finding }).toMatchObject({
      layer: 'query',
      finding: { reason: 'host-unreachable', code },
    })
    expect(finding.message).toContain(`sends clients to ${place.host}:${place.port} (${code})`)
    expect(finding.advice).toContain('advertised.listeners')
  })

  test('are good where one of them can be reached', async () => {
    const other = await startPeer(silent)
    closedAtEnd(other.close)
    const { url } = await started({ brokers: [await refused(), { host: other.host, port: other.port }] })
    await readiness(url())
  })

  test.each([0, 1])('that name only a dead host of the address are not good, as host %i of two', async at => {
    const dead = await refused()
    const { peer } = await started({ brokers: [dead] })
    const hosts = [`${peer.host}:${peer.port}`]
    hosts.splice(1 - at, 0, `${dead.host}:${dead.port}`)
    expect(await refusal(`kafka://${hosts.join(',')}`, { timeoutMs: 2000 })).toMatchObject({
      layer: 'query',
      finding: { reason: 'host-unreachable', code: 'ECONNREFUSED' },
    })
  })

  test('that name the host which was reached are good, alone and of two', async () => {
    const dead = await refused()
    const { peer } = await started()
    await readiness(`kafka://${peer.host}:${peer.port}`)
    await readiness(`kafka://${peer.host}:${peer.port},${dead.host}:${dead.port}`)
  })

  test('are told by eight at most, and not by names that are none', async () => {
    const port = 9092
    const { url } = await started({
      brokers: Array.from({ length: 20 }, (_, i) => ({ host: i ? `b${i}.invalid` : 'x'.repeat(300), port })),
    })
    const { message } = (await refusal(url())).finding
    expect(message).toContain('(300 characters):9092 (')
    expect(message.match(/:9092/g)).toHaveLength(8)
    expect(message).not.toContain('xx')
  })

  test('are not looked at before the query layer', async () => {
    const { login } = await started({ user, brokers: [await refused()] })
    await readiness(login(), { until: 'auth' })
  })
})

describe('a peer of another kind costs no memory', () => {
  const floods: Script = async connection => {
    for (;;) await connection.send(Buffer.alloc(1 << 20, 7))
  }
  test.each<[string, Script]>([
    ['that greets as MySQL does', greets(GREETINGS.mysql)],
    ['that floods', floods],
    ['that names a length of 1 GB', greets(Buffer.from('4000000068660001', 'hex'))],
  ])('%s', async (_, script) => {
    const peer = await startedPeer(script)
    const before = process.memoryUsage.rss()
    for (let i = 0; i < 5; i++)
      expect((await refusal(peer.url('kafka'), { timeoutMs: 1000 })).finding.reason).toBe('protocol-mismatch')
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 << 20)
  })
})
