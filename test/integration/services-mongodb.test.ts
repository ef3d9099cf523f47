import { describe, expect, test } from 'vitest'
import { type Document, ObjectId, type Value } from '../../src/wire/bson.js'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import { certificates } from '../support/certs.js'
import { healthAt, idsOf } from '../support/healthy.js'
import { type MongoPeer, member, mongo, mongoErrors, opReply, PROCESS_ID } from '../support/mongopeer.js'
import type { Script } from '../support/peer.js'
import { GREETINGS, greets } from '../support/peers.js'
import { buildUrl } from '../support/url.js'

leavingNothing()

const user = { name: 'app', password: SECRET }

/** A peer of its own, and addresses there. */
async function started(script: Script | MongoPeer = {}, tls?: { cert: string; key: string }) {
  const peer = await startedPeer(typeof script === 'function' ? script : mongo(script), tls ? { tls } : {})
  const url = (query: Record<string, string> = {}, parts: object = {}) =>
    buildUrl({ scheme: 'mongodb', host: peer.host, port: peer.port, query, ...parts })
  const login = (query: Record<string, string> = {}, parts: object = {}) =>
    url(query, { user: 'app', password: SECRET, ...parts })
  return { host: peer.host, port: peer.port, waitForConnection: peer.waitForConnection, peer, url, login }
}

describe('a login', () => {
  test('takes the strongest mechanism that the server has for the user', async () => {
    const seen: Document[] = []
    const { login } = await started({ user, seen })
    await readiness(login())
    expect(seen[1]).toMatchObject({ saslStart: 1, mechanism: 'SCRAM-SHA-256' })
  })

  test.each([
    ['SCRAM-SHA-1', { mechanisms: ['SCRAM-SHA-1'] }, {}],
    ['SCRAM-SHA-1', {}, { authMechanism: 'SCRAM-SHA-1' }],
    ['SCRAM-SHA-256', { emptyStep: true }, { authMechanism: 'scram-sha-256' }],
  ])('goes by %s where the server or the address says so: %j, %j', async (mechanism, peer, query) => {
    const seen: Document[] = []
    const { login } = await started({ user, seen, ...peer })
    await readiness(login(query as Record<string, string>))
    expect(seen[1]).toMatchObject({ saslStart: 1, mechanism })
  })

  test('finds the user in the database of the address, or in authSource', async () => {
    const { login } = await started({ user: { ...user, source: 'shop' } })
    await readiness(login({}, { database: 'shop' }))
    await readiness(login({ authSource: 'shop' }, { database: 'other' }))
  })

  test('that is rejected says in which database the user was looked for', async () => {
    const { login } = await started({ user })
    const { layer, finding } = await refusal(login({}, { database: 'shop' }))
    expect({ layer, finding }).toMatchObject({
      layer: 'auth',
      finding: { reason: 'authentication-failed', code: '18' },
    })
    expect(finding.advice).toContain('looked for in "shop"')
    expect(finding.advice).toContain('authSource=admin')
  })

  test('with a wrong password is rejected, by either mechanism', async () => {
    const { login } = await started({ user: { ...user, password: 'another' } })
    for (const authMechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256'])
      expect(await refusal(login({ authMechanism }))).toMatchObject({
        layer: 'auth',
        finding: { reason: 'authentication-failed', code: '18' },
      })
  })

  test.each([
    ['a server that proves nothing', { forges: true }, 'could not prove'],
    ['a server that asks for few rounds', { rounds: 4095 }, 'iteration count "4095"'],
  ])('does not trust %s', async (_, peer, message) => {
    const { login } = await started({ user, ...peer })
    const { finding } = await refusal(login())
    expect(finding).toMatchObject({
      reason: 'authentication-failed',
      message: expect.stringContaining(message),
    })
  })

  test.each<[string, Value]>([
    ['a document', { a: { b: 1 } }],
    ['60 kB', new Uint8Array(60_000)],
    ['nothing', null],
  ])('whose steps the server names by %s is refused', async (_, conversationId) => {
    const begun = { conversationId, payload: new Uint8Array(), done: false, ok: 1 }
    const { login } = await started({ answer: name => (name === 'saslStart' ? begun : undefined) })
    expect((await refusal(login())).finding).toMatchObject({
      reason: 'authentication-failed',
      message: 'the server names the login by neither number nor text',
    })
  })

  test('by PLAIN is made under TLS only, and otherwise nothing is sent', async () => {
    const { server } = await certificates()
    const plain = await started({ user })
    const { finding } = await refusal(plain.login({ authMechanism: 'PLAIN' }))
    expect(finding).toMatchObject({ reason: 'client-misuse', message: expect.stringContaining('no TLS') })
    const received = (await plain.waitForConnection()).received()
    expect(received.includes(SECRET)).toBe(false)
    const secure = await started({ user }, server)
    await readiness(secure.login({ authMechanism: 'PLAIN', tls: 'true', tlsInsecure: 'true' }))
  })

  test('by certificate needs one, and no password', async () => {
    const { server, ca, client } = await certificates()
    const seen: Document[] = []
    const { url } = await started({ user, seen }, server)
    const query = { authMechanism: 'MONGODB-X509', tls: 'true', tlsCAFile: ca.certPath }
    const { finding } = await refusal(url(query))
    expect(finding).toMatchObject({
      reason: 'client-misuse',
      message: expect.stringContaining('certificate'),
    })
    await readiness(url({ ...query, sslcert: client.certPath, sslkey: client.keyPath }))
    expect(seen.find(command => 'authenticate' in command)).toEqual(
      expect.objectContaining({ authenticate: 1, mechanism: 'MONGODB-X509' }),
    )
  })

  test.each([
    [{ authMechanism: 'GSSAPI' }, 'authMechanism "GSSAPI"'],
    [{ authSource: '' }, 'authSource is empty'],
    [{ readPreference: 'any' }, 'readPreference "any"'],
    [{ directConnection: 'yes' }, 'directConnection "yes"'],
  ])('is not tried with %j', async (query, message) => {
    const { peer, login } = await started({ user })
    const { finding } = await refusal(login(query as Record<string, string>))
    expect(finding).toMatchObject({ reason: 'client-misuse', message: expect.stringContaining(message) })
    expect(peer.connections).toBe(0)
  })

  test('without a password is a mistake in the address', async () => {
    const { url } = await started({ user })
    const { finding } = await refusal(url({}, { user: 'app' }))
    expect(finding).toMatchObject({
      reason: 'client-misuse',
      message: '"app" has no password in the address',
    })
  })
})

describe('what a server says of itself', () => {
  test('is version, process and age, by its own clock', async () => {
    const { login } = await started({ user })
    const { server } = await readiness(login())
    expect(server).toEqual({ product: 'MongoDB', version: '7.0.14', incarnation: PROCESS_ID, ageMs: 59_000 })
  })

  test('is asked for with serverStatus where the greeting does not tell, and may be refused', async () => {
    const hello = { topologyVersion: undefined }
    const answer = (name: string) =>
      name === 'serverStatus' ? ({ uptimeMillis: 1234, ok: 1 } as Document) : undefined
    const allowed = await started({ user, hello, answer })
    expect((await readiness(allowed.login())).server.ageMs).toBe(1234)
    const refused = await started({
      hello,
      answer: name => (name === 'serverStatus' ? mongoErrors.unauthorized : undefined),
    })
    expect((await readiness(refused.url())).server).toEqual({ product: 'MongoDB', version: '7.0.14' })
  })

  test('of its health is its role, and, to who may monitor, how many connections it has', async () => {
    const connections = { current: 9, available: 1 }
    const answer = (name: string) =>
      name === 'serverStatus' ? ({ connections, ok: 1 } as unknown as Document) : undefined
    const monitored = await healthAt((await started({ user, answer })).login())
    expect(monitored.facts).toMatchObject({
      version: '7.0.14',
      uptimeMs: 59_000,
      role: 'standalone',
      readOnly: false,
      connectionsUsed: 9,
      connectionsMax: 10,
      tls: false,
    })
    expect(idsOf(monitored)).toContain('connections-nearly-full')
    const refused = await started({
      answer: name => (name === 'serverStatus' ? mongoErrors.unauthorized : undefined),
    })
    expect((await healthAt(refused.url())).facts).not.toHaveProperty('connectionsMax')
  })

  test('may come by OP_QUERY alone, as before 3.6, or by OP_MSG alone', async () => {
    const old: Script = async connection => {
      for (;;) {
        const length = (await connection.read(4)).readInt32LE()
        const request = await connection.read(length - 4)
        expect(request.readInt32LE(8)).toBe(2004)
        const version = request.includes('buildInfo') ? { version: '3.4.24' } : {}
        await connection.send(
          opReply(request.readInt32LE(0), { ismaster: true, maxWireVersion: 5, ...version, ok: 1 }),
        )
      }
    }
    expect((await readiness((await started(old)).url())).server.version).toBe('3.4.24')
    expect((await readiness((await started({ modern: true })).url())).server.version).toBe('7.0.14')
  })
})

describe('a member of a replica set', () => {
  test.each<[string, Document, Record<string, string>]>([
    ['a primary', member.primary, {}],
    ['a primary of the set that is meant', member.primary, { replicaSet: 'rs0' }],
    ['a secondary that may be read', member.secondary, { readPreference: 'secondaryPreferred' }],
    ['a secondary that is meant', member.secondary, { directConnection: 'true' }],
    ['a hidden member that is meant', member.hidden, { directConnection: 'true' }],
    ['a mongos', member.mongos, {}],
    ['a primary where a secondary is preferred', member.primary, { readPreference: 'secondaryPreferred' }],
  ])('is ready as %s', async (_, hello, query) => {
    const { url } = await started({ hello })
    await readiness(url(query))
  })

  test.each<[string, Document, Record<string, string>, object]>([
    [
      'a secondary where a primary is meant',
      member.secondary,
      {},
      { layer: 'query', finding: { reason: 'read-only', code: 'NotWritablePrimary' } },
    ],
    [
      'a secondary without a primary',
      member.orphan,
      {},
      { layer: 'query', finding: { reason: 'server-not-ready', code: 'NoPrimary' } },
    ],
    [
      'a primary where only a secondary will do',
      member.primary,
      { readPreference: 'secondary' },
      { layer: 'query', finding: { reason: 'server-not-ready', code: 'NoSecondary' } },
    ],
    [
      'a hidden member',
      member.hidden,
      {},
      { layer: 'query', finding: { reason: 'read-only', code: 'HIDDEN' } },
    ],
    [
      'an arbiter',
      member.arbiter,
      {},
      { layer: 'handshake', finding: { reason: 'read-only', code: 'ARBITER' } },
    ],
    [
      'a member that recovers',
      member.recovering,
      {},
      { layer: 'handshake', finding: { reason: 'server-not-ready', code: 'NotPrimaryOrSecondary' } },
    ],
    [
      'a member before rs.initiate()',
      member.ghost,
      { replicaSet: 'rs0' },
      { layer: 'handshake', finding: { reason: 'server-not-ready', code: 'NotYetInitialized' } },
    ],
    [
      'a member of another set',
      member.primary,
      { replicaSet: 'rs1' },
      {
        layer: 'handshake',
        finding: { reason: 'client-misuse', message: expect.stringContaining('member of "rs0"') },
      },
    ],
    [
      'a standalone server where a set is meant',
      {},
      { replicaSet: 'rs0' },
      {
        layer: 'handshake',
        finding: { reason: 'client-misuse', message: expect.stringContaining('no replica set') },
      },
    ],
  ])('is not ready as %s', async (_, hello, query, verdict) => {
    const { url } = await started({ hello })
    expect(await refusal(url(query))).toMatchObject(verdict)
  })

  test('that is not the one is followed by the next host of the address', async () => {
    const [first, second] = [
      await started({ hello: member.secondary }),
      await started({ hello: member.primary }),
    ]
    await readiness(`mongodb://${first.host}:${first.port},${second.host}:${second.port}/?replicaSet=rs0`)
    expect(first.peer.connections).toBe(1)
  })

  test('that left the set does not keep the next host of the address from being asked, nor being waited for', async () => {
    const left = await started({})
    const other = await started({ hello: { ...member.primary, setName: 'old' } })
    const primary = await started({ hello: member.primary })
    const hosts = [left, other, primary].map(({ host, port }) => `${host}:${port}`)
    await readiness(`mongodb://${hosts.join()}/?replicaSet=rs0`)
    const { finding } = await refusal(`mongodb://${hosts.slice(0, 2).join()}/?replicaSet=rs0`)
    expect(finding).toMatchObject({
      reason: 'server-not-ready',
      code: 'AnotherSet',
      message: expect.stringContaining('member of "old"'),
    })
  })

  test('of which only secondaries are named tells where the primary is', async () => {
    const [first, second] = [
      await started({ hello: member.secondary }),
      await started({ hello: member.secondary }),
    ]
    const { finding } = await refusal(`mongodb://${first.host}:${first.port},${second.host}:${second.port}/`)
    expect(finding.advice).toContain('the primary is a:27017')
  })
})

describe('a session', () => {
  const answering = (command: string, reply: Document): MongoPeer => ({
    answer: name => (name === command ? reply : undefined),
  })

  test.each<[string, Document, object]>([
    ['shuts down', mongoErrors.shuttingDown, { reason: 'connection-lost', code: '91' }],
    ['recovers', mongoErrors.recovering, { reason: 'server-not-ready', code: '13436' }],
    ['may not be asked', mongoErrors.unauthorized, { reason: 'access-denied', code: '13' }],
    ['gives no code', { ok: 0, errmsg: 'who knows' }, { reason: 'query-error', message: 'who knows' }],
  ])('with a server that %s is not ready, by its number', async (_, reply, finding) => {
    const { url } = await started(answering('ping', reply))
    expect(await refusal(url())).toMatchObject({ layer: 'query', finding })
  })

  test('writes into a collection of its own, and leaves nothing', async () => {
    const collections = new Map<string, Document[]>()
    const seen: Document[] = []
    const { login } = await started({ user, collections, seen })
    await readiness(login(), { until: 'write' })
    expect(seen.map(command => Object.keys(command)[0])).toEqual(expect.arrayContaining(['insert', 'drop']))
    expect(collections.size).toBe(0)
  })

  test('cannot write on a secondary, nor without the right', async () => {
    const secondary = await started(answering('insert', mongoErrors.notPrimary))
    expect(await refusal(secondary.url(), { until: 'write' })).toMatchObject({
      layer: 'write',
      finding: { reason: 'read-only', code: '10107' },
    })
    const denied = await started(answering('insert', mongoErrors.unauthorized))
    expect(await refusal(denied.url(), { until: 'write' })).toMatchObject({
      finding: { reason: 'access-denied' },
    })
  })

  test('says which collections are missing', async () => {
    const { url } = await started({ collections: new Map([['users', []]]) })
    const expecting = (tables: string[]) => ({ until: 'schema', expect: { tables } }) as const
    await readiness(url(), expecting(['users']))
    const { finding } = await refusal(url(), expecting(['users', 'orders', 'a.b']))
    expect(finding).toMatchObject({
      reason: 'schema-missing',
      message: 'missing: collection orders, collection a.b',
    })
    expect(
      (await refusal(url(), { until: 'schema', expect: { columns: ['users.name'] } })).finding.reason,
    ).toBe('client-misuse')
  })

  test('takes a command as a query: its first value decides, of a cursor that of the first document', async () => {
    const collections = new Map<string, Document[]>([
      ['jobs', [{ _id: 1, done: true }]],
      ['open', [{ done: false }]],
    ])
    const { url } = await started({ collections })
    await readiness(url(), { queries: ['{"count":"jobs"}', '{"find":"jobs"}', '{"ping":1}'] })
    for (const [query, came] of [
      ['{"count":"none"}', '"0"'],
      ['{"find":"none"}', 'no row'],
      ['{"find":"open"}', '"false"'],
    ] as const) {
      const { finding } = await refusal(url(), { queries: [query] })
      expect(finding).toMatchObject({ reason: 'unmet', message: `the query ${query} gave ${came}` })
    }
  })

  const large: [string, Document, string][] = [
    ['more than 2 MB', { data: 'x'.repeat(2_000_000), ok: 1 }, '2000000'],
    ['more than 20,000 values', { list: Array(20_000).fill(null), ok: 1 }, '20000 values'],
  ]
  test.each(large)('is asked for less where the reply is of %s', async (_, reply, message) => {
    for (const command of ['find', 'listCollections']) {
      const { url } = await started(answering(command, reply))
      const { finding } = await refusal(
        url(),
        command === 'find'
          ? { queries: ['{"find":"jobs"}'] }
          : { until: 'schema', expect: { tables: ['jobs'] } },
      )
      expect(finding).toMatchObject({
        reason: 'query-error',
        message: expect.stringContaining(message),
        advice: expect.stringContaining('Ask for less'),
      })
    }
  })

  test('is not read beyond the little that a greeting is', async () => {
    const { url } = await started({ hello: { more: 'x'.repeat(65_536) } })
    expect((await refusal(url())).finding.reason).toBe('protocol-mismatch')
  })

  test('may answer with anything, and is met with no error but a finding', async () => {
    const strange: Document[] = [
      { cursor: null, ok: 1 },
      { cursor: { firstBatch: [null, 7, {}, [null]] }, ok: 1 },
      { cursor: { firstBatch: [{ a: { b: new Uint8Array([1]) } }] }, ok: 1 },
    ]
    for (const reply of strange)
      for (const options of [
        { queries: ['{"find":"jobs"}'] },
        { until: 'schema', expect: { tables: ['jobs'] } },
      ] as const) {
        const { url } = await started({ answer: name => (/^(find|list)/.test(name) ? reply : undefined) })
        const { verdict } = await probe(url(), options)
        if (!verdict.ready) expect(['unmet', 'schema-missing']).toContain(verdict.finding.reason)
      }
    const { url } = await started(answering('insert', { writeErrors: [{ errmsg: {} }], n: 0, ok: 1 }))
    expect((await refusal(url(), { until: 'write' })).finding).toMatchObject({
      reason: 'query-error',
      message: 'the server did not insert the document',
    })
  })

  test('gives bytes as Base64 and identifiers as digits, wherever they stand', async () => {
    const id = new ObjectId(PROCESS_ID)
    const reply = { bytes: new Uint8Array([1, 2, 3]), id, both: [id, new Uint8Array([1])], ok: 1 }
    const { url } = await started(answering('count', reply))
    const { session } = await probe(url())
    expect(await session?.query?.('{"count":"jobs"}')).toEqual([
      ['AQID', PROCESS_ID, `["${PROCESS_ID}","AQ=="]`],
    ])
  })

  test.each(['select 1', '[]', '{}', '1', 'null', ''])('does not take %j for a command', async text => {
    const { url } = await started()
    expect((await refusal(url(), { queries: [text] })).finding).toMatchObject({
      reason: 'client-misuse',
      message: expect.stringContaining('not a command as JSON'),
    })
  })
})

describe('an address by SRV records', () => {
  const address = (query = '') =>
    `mongodb+srv://app:${encodeURIComponent(SECRET)}@db.example.net/?tls=false${query}`
  const leadingTo =
    (hosts: { host: string; port: number }[], options: Record<string, string> = {}) =>
    async () => ({ hosts, options: new Map(Object.entries(options)) })

  test('leads to its hosts, with the options beside them', async () => {
    const [first, second] = [
      await started({ user: { ...user, source: 'shop' }, hello: member.secondary }),
      await started({ user: { ...user, source: 'shop' }, hello: member.primary }),
    ]
    const resolveSeeds = leadingTo([first, second], { authSource: 'shop', replicaSet: 'rs0' })
    const { steps } = await readiness(address(), { resolveSeeds })
    expect(steps[0]).toMatchObject({ layer: 'dns', state: 'ok' })
    expect([first.peer.connections, second.peer.connections]).toEqual([1, 1])
    // What the address says comes first.
    const { finding } = await refusal(address('&replicaset=rs1'), { resolveSeeds })
    expect(finding.message).toContain('replicaSet=rs1')
  })

  test('without records is a failure of the resolver, at its layer', async () => {
    const nobody = Object.assign(new Error('querySrv ENOTFOUND'), { code: 'ENOTFOUND', syscall: 'querySrv' })
    const verdict = await refusal(address(), { resolveSeeds: () => Promise.reject(nobody) })
    expect(verdict).toMatchObject({ layer: 'dns', finding: { reason: 'dns-failure', code: 'ENOTFOUND' } })
  })

  test('whose resolver stays silent is one when the deadline passes', async () => {
    const resolveSeeds = (_: string, __: string, signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const verdict = await refusal(address(), { resolveSeeds, timeoutMs: 50 })
    expect(verdict).toMatchObject({ layer: 'dns', finding: { reason: 'dns-failure', code: 'ETIMEDOUT' } })
    expect(verdict.steps).toMatchObject([{ layer: 'dns', state: 'running' }])
  })
})

describe('TLS', () => {
  test('verifies name and authority, as far as the address wants it', async () => {
    const { server, wrongHost, ca } = await certificates()
    const right = await started({ user }, server)
    await readiness(right.login({ tls: 'true', tlsCAFile: ca.certPath }))
    expect((await refusal(right.login({ tls: 'true' }))).finding.reason).toBe('tls-failure')
    await readiness(right.login({ tls: 'true', tlsAllowInvalidCertificates: 'true' }))
    const wrong = await started({ user }, wrongHost)
    const { finding } = await refusal(wrong.login({ tls: 'true', tlsCAFile: ca.certPath }))
    expect(finding).toMatchObject({ reason: 'tls-failure', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    await readiness(wrong.login({ tls: 'true', tlsCAFile: ca.certPath, tlsAllowInvalidHostnames: 'true' }))
  })

  test('that the server wants and the address does not is told so', async () => {
    const { server } = await certificates()
    const { login } = await started({ user }, server)
    const { finding } = await refusal(login())
    expect(finding).toMatchObject({ reason: 'tls-failure', advice: expect.stringContaining('tls=true') })
  })
})

describe('a peer of another kind costs no memory', () => {
  const floods: Script = async connection => {
    for (;;) await connection.send(Buffer.alloc(1 << 20, 7))
  }

  test.each<[string, Script]>([
    ['that greets as MySQL does', greets(GREETINGS.mysql)],
    ['that floods', floods],
    [
      'that names a length of 48 MB',
      greets(Buffer.concat([Buffer.of(0x00, 0x6c, 0xdc, 0x02), Buffer.alloc(12)])),
    ],
  ])('%s', async (_, script) => {
    const { url } = await started(script)
    const before = process.memoryUsage.rss()
    for (let i = 0; i < 5; i++)
      expect((await refusal(url(), { timeoutMs: 1000 })).finding.reason).toBe('protocol-mismatch')
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 << 20)
  })
})
