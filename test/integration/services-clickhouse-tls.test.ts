/** ClickHouse with TLS, on wrong ports, behind proxies, and of versions that no package has. */
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import { type CertificateName, certificates } from '../support/certs.js'
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse.js'
import { chatter, exception, speaks } from '../support/clickpeers.js'
import { answering, listening } from './http-servers.js'

let server: ClickHouseServer
let ca: string
beforeAll(async () => {
  ca = (await certificates()).ca.certPath
  server = await startClickHouse({ tls: true })
})
afterAll(() => server.remove())
leavingNothing()

const https = (query: Record<string, string> = {}, at = server) =>
  at.url({ scheme: 'clickhouse+https', host: 'localhost', port: at.httpsPort, query })

describe('TLS', () => {
  test('with a certificate of a trusted authority is ready, and held for write and several connections', async () => {
    const { steps } = await readiness(https({ sslrootcert: ca }), { connections: 3, until: 'write' })
    expect(steps.map(({ layer }) => layer)).toEqual([
      'dns',
      'tcp',
      'tls',
      'handshake',
      'auth',
      'query',
      'auth',
      'write',
    ])
  })

  test('with an authority that nobody named is a failure, unless sslmode says not to look', async () => {
    const { finding } = await refusal(https())
    expect(finding).toMatchObject({ reason: 'tls-failure', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    await readiness(https({ sslmode: 'require' }))
  })

  test.each<[CertificateName, string]>([
    ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', 'CERT_HAS_EXPIRED'],
  ])('with a certificate that is %s is a failure', async (tls, code) => {
    const it = await startClickHouse({ tls })
    try {
      expect(await refusal(https({ sslrootcert: ca }, it))).toMatchObject({
        layer: 'tls',
        finding: { reason: 'tls-failure', code },
      })
    } finally {
      await it.remove()
    }
  })

  test('on the port without, and none on the port with it, are failures with advice', async () => {
    const plain = await refusal(server.url({ port: server.httpsPort }))
    expect(plain.finding).toMatchObject({ reason: 'tls-failure' })
    const secure = await refusal(server.url({ scheme: 'clickhouses', host: 'localhost' }))
    expect(secure.finding).toMatchObject({ reason: 'tls-failure' })
    for (const { finding } of [plain, secure]) expect(finding.advice).toMatch(/TLS|https/)
  })

  test('that only a parameter of a driver asks for is a misuse, not a password in the clear', async () => {
    for (const query of ['secure=true', 'secure=yes', 'secure=t', 'Secure=on', 'secure=', 'protocol=https']) {
      const { finding } = await refusal(`${server.url()}?${query}`)
      expect(finding.reason).toBe('client-misuse')
      expect(finding.advice).toContain('clickhouses://')
    }
    expect((await refusal(`${server.url()}?tls=True`)).finding.reason).toBe('tls-failure')
    for (const query of ['secure=False', 'secure=0', 'secure=off', 'tls=no', 'protocol=http'])
      await readiness(`${server.url()}?${query}`)
  })
})

describe('a wrong port', () => {
  test('that of the native protocol is named, with the port of HTTP', async () => {
    const verdict = await refusal(server.url({ port: server.nativePort }))
    expect(verdict).toMatchObject({ layer: 'handshake', finding: { reason: 'protocol-mismatch' } })
    expect(verdict.finding.message).toContain('native')
    expect(verdict.finding.advice).toContain(String(server.port))
  })

  test('that of the native protocol is named to another service', async () => {
    const { finding } = await refusal(`redis://127.0.0.1:${server.nativePort}`)
    expect(finding).toMatchObject({ reason: 'protocol-mismatch' })
    expect(finding.message).toContain('ClickHouse (native)')
  })

  test('and a scheme of the native protocol is a misuse', async () => {
    const { finding } = await refusal(server.url({ scheme: 'clickhouse+native' }))
    expect(finding).toMatchObject({ reason: 'client-misuse' })
    expect(finding.advice).toContain('8123')
  })

  test.each([
    ['says Ok. to everything, as to /ping', 'Ok.\n'],
    ['gives a page', '<html><title>Welcome to nginx!</title></html>'],
    ['gives nothing', ''],
    ['gives a version alone', '24.8.1.1\n'],
  ])('of a web server that %s is no ClickHouse', async (_, body) => {
    const url = (await answering(200, body)).replace('http:', 'clickhouse:')
    const verdict = await refusal(url)
    expect(verdict).toMatchObject({ layer: 'handshake', finding: { reason: 'protocol-mismatch' } })
    expect(verdict.finding.message).toContain('HTTP')
  })

  test('of what gives the answer to an earlier question again is no ClickHouse', async () => {
    const peer = await startedPeer(chatter(text => (/reverse/.test(text) ? '24.8.4.13\tdcba\n' : undefined)))
    expect(await refusal(peer.url('clickhouse'))).toMatchObject({
      layer: 'handshake',
      finding: { reason: 'protocol-mismatch' },
    })
  })

  test('of a server that repeats what it was sent is no ClickHouse', async () => {
    const echo = await listening(
      createServer((request, response) => request.pipe(response)),
      'clickhouse',
    )
    expect((await refusal(echo)).finding.reason).toBe('protocol-mismatch')
  })
})

/** A plain web server that answers statements. */
const speaksWith = (answer: (statement: string) => string) =>
  listening(
    createServer(async (request, response) => {
      let text = ''
      for await (const piece of request) text += piece
      response.end(answer(text))
    }),
    'clickhouse',
  )

const PAGE = '<html><head><title>an error</title></head></html>'

describe('a proxy in front', () => {
  test.each([
    [502, 'handshake', 'server-not-ready'],
    [503, 'handshake', 'server-not-ready'],
    [504, 'handshake', 'server-not-ready'],
    [401, 'auth', 'authentication-failed'],
    [403, 'auth', 'access-denied'],
    [429, 'auth', 'too-many-connections'],
    [404, 'handshake', 'protocol-mismatch'],
    [302, 'handshake', 'protocol-mismatch'],
    [500, 'handshake', 'protocol-mismatch'],
  ])('that answers with %i fails in %s as %s', async (status, layer, reason) => {
    const url = (await answering(status, PAGE, { 'content-type': 'text/html' })).replace(
      'http:',
      'clickhouse:',
    )
    expect(await refusal(url)).toMatchObject({ layer, finding: { reason } })
  })

  test('that wants HTTPS says so', async () => {
    const nginx = '<h1>The plain HTTP request was sent to HTTPS port</h1>'
    const { finding } = await refusal((await answering(400, nginx)).replace('http:', 'clickhouse:'))
    expect(finding).toMatchObject({ reason: 'tls-failure' })
    expect(finding.advice).toContain('clickhouse+https://')
  })
})

test('a server whose own headers a proxy removes is known by its answer', async () => {
  const hidden = speaksWith(text => {
    const nonce = /reverse\('(\w+)'\)/.exec(text)?.[1]
    return nonce ? `24.8.4.13\t${[...nonce].reverse().join('')}\n` : '1\n'
  })
  expect((await readiness(await hidden)).server.version).toBe('24.8.4.13')
})

describe('a newer server', () => {
  test.each([
    [403, 516, 'app: Authentication failed. (AUTHENTICATION_FAILED)', 'authentication-failed'],
    [403, 497, 'app: Not enough privileges. (ACCESS_DENIED)', 'access-denied'],
    [404, 81, 'Database app does not exist. (UNKNOWN_DATABASE)', 'database-not-found'],
    [500, 202, 'Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)', 'resource-exhausted'],
    [
      500,
      700,
      'User app has overflown session count 1. (USER_SESSION_LIMIT_EXCEEDED)',
      'too-many-connections',
    ],
    [503, 999, 'Session expired. (KEEPER_EXCEPTION)', 'server-not-ready'],
  ])('with %i refuses by its code %i', async (status, code, text, reason) => {
    const peer = await startedPeer(exception(status, code, text))
    const verdict = await refusal(peer.url('clickhouse'))
    expect(verdict).toMatchObject({ layer: 'auth', finding: { reason, code: String(code) } })
    expect(verdict.finding.message).not.toMatch(/DB::Exception|version/)
  })

  test('that is starting behind a check of health is not ready', async () => {
    const peer = await startedPeer(
      speaks('503 Service Unavailable', '', { 'x-clickhouse-server-display-name': 'a' }),
    )
    expect((await refusal(peer.url('clickhouse'))).finding.reason).toBe('server-not-ready')
  })

  test('is known by the identity that its system tables get at each start', async () => {
    const uuid = '0f2f3f60-2f8d-4a86-9d3c-0e8a3a9a7c11'
    const peer = await startedPeer(
      chatter(text => (/uuid/.test(text) ? `7200\t1700000000\t${uuid}\n` : undefined)),
    )
    const { server: found } = await readiness(peer.url('clickhouse'))
    expect(found).toEqual({
      product: 'ClickHouse',
      version: '24.8.4.13',
      incarnation: uuid,
      ageMs: 7_200_000,
    })
  })

  test.each([
    ['is not told', (text: string) => (/uuid/.test(text) ? '7200\t1700000000\t\\N\n' : undefined)],
    [
      'is all zeros',
      (text: string) =>
        /uuid/.test(text) ? '7200\t1700000000\t00000000-0000-0000-0000-000000000000\n' : undefined,
    ],
    [
      'may not be asked for',
      (text: string) =>
        /uuid/.test(text)
          ? 'HTTP/1.1 403 Forbidden\r\nx-clickhouse-exception-code: 497\r\ncontent-length: 0\r\n\r\n'
          : /uptime/.test(text)
            ? '7200\t1700000000\n'
            : undefined,
    ],
  ])('whose identity %s is known by its birth', async (_, reply) => {
    const peer = await startedPeer(chatter(reply))
    const { server: found } = await readiness(peer.url('clickhouse'))
    expect(found).toMatchObject({ incarnation: '1699992800', ageMs: 7_200_000 })
  })

  test('that fails after the status was said has failed, also where it breaks the answer off', async () => {
    const broken =
      'HTTP/1.1 200 OK\r\ncontent-type: text/tab-separated-values\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n' +
      '2\r\n1\n\r\n5f\r\n\r\n__exception__\r\nCode: 241. DB::Exception: too much. (MEMORY_LIMIT_EXCEEDED) (version 25.8.1.1)\n\r\n'
    const peer = await startedPeer(chatter(text => (text === 'SELECT x' ? broken : undefined)))
    const { finding } = await refusal(peer.url('clickhouse'), { queries: ['SELECT x'] })
    expect(finding).toMatchObject({ reason: 'resource-exhausted', code: '241' })
  })

  test('whose user may make no temporary table says what to grant', async () => {
    const denied = 'HTTP/1.1 403 Forbidden\r\nx-clickhouse-exception-code: 497\r\ncontent-length: 0\r\n\r\n'
    const peer = await startedPeer(
      chatter(text => (/^CREATE/.test(text) ? denied : /settings/.test(text) ? '0\n' : undefined)),
    )
    const verdict = await refusal(peer.url('clickhouse'), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'access-denied', code: '497' } })
    expect(verdict.finding.advice).toContain('GRANT CREATE TEMPORARY TABLE')
  })

  test('that answers once a connection is asked over new ones', async () => {
    const peer = await startedPeer(chatter(() => undefined, { connection: 'close' }))
    const { session } = await probe(peer.url('clickhouse'))
    await session?.ping?.()
    expect(peer.connections).toBeGreaterThan(2)
    expect(peer.errors).toEqual([])
  })
})

test('several hosts are tried in turn, as elsewhere', async () => {
  const proxy = await startedPeer(speaks('503 Service Unavailable', PAGE))
  const places = `127.0.0.1:${proxy.port},127.0.0.1:${server.port}`
  await readiness(`clickhouse://app:${encodeURIComponent(SECRET)}@${places}/app`)
})
