/** MariaDB with TLS, and how passwords are kept from who listens: real servers, and peers for MySQL's own methods. */
import { generateKeyPairSync } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTarget } from '../../src/core/target.js'
import { NetAttempt, Trace } from '../../src/gate/attempt.js'
import { mysql } from '../../src/services/mysql/index.js'
import { SCHEMES } from '../../src/services/registry.js'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import { type CertificateName, type Certificates, certificates } from '../support/certs.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'
import * as frames from '../support/mysqlframes.js'
import {
  type MysqlMethod,
  type MysqlScript,
  mysqlError,
  mysqlErrors,
  mysqlRefusal,
  mysql as peer,
} from '../support/mysqlpeers.js'
import { buildUrl } from '../support/url.js'

let certs: Certificates
/** By what is special about them. */
const servers = new Map<string, MariadbServer>()
const at = (name: string) => servers.get(name) as MariadbServer

beforeAll(async () => {
  certs = await certificates()
  const names: CertificateName[] = ['server', 'wrongHost', 'expired']
  await Promise.all([
    ...names.map(async tls => servers.set(tls, await startMariadb({ tls }))),
    startMariadb({
      tls: true,
      tlsRequired: true,
      setup: "create user shown@'%' identified by '' require x509; grant all on app.* to shown@'%'",
    }).then(it => servers.set('required', it)),
    startMariadb().then(it => servers.set('plain', it)),
  ])
})
afterAll(async () => {
  await Promise.all([...servers.values()].map(server => server.remove()))
})
leavingNothing()

const address = (name: string, query: Record<string, string> = {}, host = 'localhost') =>
  at(name).url({ host, query })
const trust = (sslmode: string) => ({ sslmode, sslrootcert: certs.ca.certPath })

describe('sslmode', () => {
  test('is prefer: TLS where the server has it, whoever vouches for it, and none where it has none', async () => {
    const layers = async (name: string) => (await readiness(address(name))).steps.map(({ layer }) => layer)
    for (const name of ['server', 'wrongHost', 'expired', 'required'])
      expect(await layers(name)).toEqual(['dns', 'tcp', 'handshake', 'tls', 'auth', 'query'])
    expect(await layers('plain')).toEqual(['dns', 'tcp', 'handshake', 'auth', 'query'])
  })

  test('disable and allow go without TLS', async () => {
    for (const sslmode of ['disable', 'allow']) {
      const { steps } = await readiness(address('server', { sslmode }))
      expect(steps.map(({ layer }) => layer)).not.toContain('tls')
    }
  })

  test.each(['require', 'verify-ca', 'verify-full'])(
    '%s to a server without TLS is a TLS failure',
    async sslmode => {
      const verdict = await refusal(address('plain', { sslmode }))
      expect(verdict).toMatchObject({ layer: 'tls', heard: true, finding: { reason: 'tls-failure' } })
      expect(verdict.finding.advice).toContain('sslmode=prefer')
    },
  )

  test.each(['localhost', '127.0.0.1'])('verify-full takes a certificate for %s', async host => {
    await readiness(address('server', trust('verify-full'), host), { connections: 3, until: 'write' })
  })

  test.each([
    ['server', 'that nobody vouches for', {}, 'SELF_SIGNED_CERT_IN_CHAIN', 'sslrootcert'],
    ['wrongHost', 'for another host', { ca: true }, 'ERR_TLS_CERT_ALTNAME_INVALID', 'other names'],
    ['expired', 'that has expired', { ca: true }, 'CERT_HAS_EXPIRED', 'renew'],
  ])(
    'verify-full: %s, one %s is a TLS failure, with advice',
    async (name, _, it: { ca?: boolean }, code, advice) => {
      const verdict = await refusal(address(name, it.ca ? trust('verify-full') : { sslmode: 'verify-full' }))
      expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'tls-failure', code } })
      expect(verdict.finding.advice).toContain(advice)
    },
  )

  test('verify-ca takes a certificate for another host', async () => {
    await readiness(address('wrongHost', trust('verify-ca')))
  })

  test('disable to a server that requires TLS is refused, and the advice names it', async () => {
    const { finding } = await refusal(address('required', { sslmode: 'disable' }))
    // MariaDB says of it what it says of a wrong password, MySQL has a number for it.
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '1045' })
    expect(finding.advice).toContain('sslmode=require')
  })

  test('allow turns to TLS where the server names it', async () => {
    const message = 'Connections using insecure transport are prohibited while --require_secure_transport=ON.'
    const refuses = peer({
      tls: certs.server,
      afterLogin: (connection, login, sequence) =>
        login.capabilities & frames.CAPABILITY.SSL
          ? connection.send(frames.ok(sequence + 1))
          : connection.send(frames.error(sequence + 1, { errno: 3159, state: 'HY000', message })),
    })
    const { port } = await startedPeer(refuses)
    const { verdict } = await probe(`mysql://app@127.0.0.1:${port}?sslmode=allow`, {
      until: 'auth',
      details: false,
    })
    expect(verdict.ready).toBe(true)
    const { finding } = await refusal(`mysql://app@127.0.0.1:${port}?sslmode=disable`)
    expect(finding).toMatchObject({ reason: 'tls-failure', code: '3159' })
  })

  test('an account that wants to see a certificate lets in who shows one', async () => {
    const shown = { sslcert: certs.client.certPath, sslkey: certs.client.keyPath, ...trust('verify-full') }
    const own = { host: 'localhost', user: 'shown', password: null }
    await readiness(at('required').url({ ...own, query: shown }))
    const { finding } = await refusal(at('required').url({ ...own, query: trust('verify-full') }))
    expect(finding.reason).toBe('authentication-failed')
  })

  test('prefer goes on without TLS where the handshake fails, require does not', async () => {
    let connections = 0
    const broken = peer({
      capabilities: frames.MODERN | frames.CAPABILITY.SSL,
      afterGreeting: async connection => {
        connections++
        const first = await frames.readPacket(connection)
        if (!frames.isSslRequest(first))
          return connection.send(frames.error(first.sequence + 1, mysqlErrors.wrongPassword))
        await connection.send(Buffer.alloc(64, 0xaa))
        await connection.hang()
      },
    })
    const { port } = await startedPeer(broken)
    const url = (sslmode: string) =>
      `mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/?sslmode=${sslmode}`
    expect((await refusal(url('prefer'))).finding).toMatchObject({ code: '1045' })
    expect(connections).toBe(2)
    expect((await refusal(url('require'))).finding.reason).toBe('tls-failure')
    expect(connections).toBe(3)
  })
})

/** An address of this machine that is none of its loopback: for a probe, a network. */
const own = Object.values(networkInterfaces())
  .flatMap(it => it ?? [])
  .find(it => it.family === 'IPv4' && !it.internal)?.address

interface Heard extends NonNullable<MysqlScript['heard']> {}

async function met(script: MysqlScript, host = '127.0.0.1') {
  const heard: Heard = { logins: [], statements: [], farewells: 0, cleartext: [] }
  const { port } = await startedPeer(peer({ ...script, heard }), { host })
  const url = (query: Record<string, string> = {}, password = SECRET) =>
    buildUrl({ scheme: 'mysql', host, port, user: 'app', password, database: 'app', query })
  return { heard, url }
}

const METHODS: MysqlMethod[] = ['mysql_native_password', 'caching_sha2_password', 'sha256_password']

describe.each(METHODS)('%s', method => {
  const scripts: [string, () => MysqlScript][] = [
    ['as the server offers it', () => ({ method })],
    ['where the server offers another', () => ({ method, offers: 'client_ed25519' })],
    ['where the server switches from MySQL’s old one', () => ({ method, offers: 'mysql_native_password' })],
    ['where the server does not have it in its cache', () => ({ method, uncached: true })],
    ['under TLS', () => ({ method, tls: certs.server })],
    [
      'under TLS, where the server does not have it in its cache',
      () => ({ method, uncached: true, tls: certs.server }),
    ],
  ]

  test.each(scripts)('%s lets in who knows the password', async (_, script) => {
    const { heard, url } = await met(script())
    const { session } = await probe(url(), { details: false })
    expect(session).toBeDefined()
    await session?.close()
    await expect.poll(() => heard.farewells).toBe(1)
    expect(heard.statements).toEqual(['SELECT 1'])
  })

  test.each(scripts)('%s refuses who does not, after one try', async (_, script) => {
    const { heard, url } = await met(script())
    const { finding } = await refusal(url({}, 'wrong'))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '1045' })
    expect(heard.logins).toHaveLength(1)
  })
})

describe('a password goes in clear', () => {
  test('only under TLS, and with mysql_clear_password only to a server that is known or where it is wanted', async () => {
    const { heard, url } = await met({ method: 'mysql_clear_password', tls: certs.server })
    await readiness(url(trust('verify-full')), { details: false })
    expect(heard.cleartext).toEqual([SECRET])
    const unverified = await refusal(url({ sslmode: 'require' }))
    expect(unverified.finding.reason).toBe('client-misuse')
    expect(unverified.finding.advice).toContain('verify-full')
    expect(heard.cleartext).toHaveLength(1)
    await readiness(url({ sslmode: 'require', enableCleartextPlugin: 'true' }), { details: false })
    expect(heard.cleartext).toHaveLength(2)
  })

  test('never without TLS, not even to this machine', async () => {
    const { heard, url } = await met({ method: 'mysql_clear_password' })
    const { finding } = await refusal(url({ enableCleartextPlugin: 'true' }))
    expect(finding.reason).toBe('client-misuse')
    expect(heard.cleartext).toEqual([])
  })

  test('not before the server has asked for it', async () => {
    const { heard, url } = await met({
      method: 'mysql_native_password',
      offers: 'mysql_clear_password',
      tls: certs.server,
    })
    await readiness(url(trust('verify-full')), { details: false })
    expect(heard.logins[0]?.plugin).toBe('mysql_native_password')
    expect(heard.logins[0]?.proof.toString()).not.toContain(SECRET)
  })
})

describe.skipIf(!own)('over a network without TLS', () => {
  test.each([
    ['caching_sha2_password', { uncached: true }],
    ['sha256_password', {}],
  ] as const)(
    '%s: the public key that comes is not trusted unless the address says so',
    async (method, more) => {
      const { heard, url } = await met({ method, ...more }, own)
      const { finding } = await refusal(url())
      expect(finding.reason).toBe('client-misuse')
      expect(finding.advice).toContain('allowPublicKeyRetrieval=true')
      expect(heard.logins).toHaveLength(1)
      await readiness(url({ allowPublicKeyRetrieval: 'true' }), { details: false })
    },
  )

  test('caching_sha2_password needs no key where the server has it in its cache', async () => {
    const { url } = await met({ method: 'caching_sha2_password' }, own)
    await readiness(url(), { details: false })
  })
})

describe('a peer that', () => {
  test.each([
    ['sends no key when it is asked for one', 'not a key'],
    ['sends a key that cannot encrypt', ed25519Key()],
  ])('%s is a mismatch', async (_, key) => {
    const { url } = await met({ method: 'sha256_password', key })
    expect((await refusal(url())).finding.reason).toBe('protocol-mismatch')
  })

  test('asks for ever is a mismatch, and is told no more', async () => {
    const asks = peer({
      afterLogin: async (connection, _, sequence) => {
        for (let i = sequence + 1; ; i += 2) {
          await connection.send(frames.authSwitch(i % 256, 'mysql_native_password', Buffer.alloc(21, 'x')))
          await frames.readPacket(connection)
        }
      },
    })
    const { port } = await startedPeer(asks)
    const { finding } = await refusal(`mysql://app@127.0.0.1:${port}`)
    expect(finding.reason).toBe('protocol-mismatch')
  })

  test('asks for the passwords of MySQL 4.0 gets none', async () => {
    const old = peer({
      afterLogin: (connection, _, sequence) => connection.send(frames.packet(sequence + 1, Buffer.of(0xfe))),
    })
    const { port } = await startedPeer(old)
    const { finding } = await refusal(`mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain('MySQL 4.0')
  })

  test('knows neither plugins nor the new end of rows is understood', async () => {
    const { LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SECURE_CONNECTION } = frames.CAPABILITY
    const { url } = await met({
      version: '5.1.73',
      capabilities:
        LONG_PASSWORD | CONNECT_WITH_DB | PROTOCOL_41 | SECURE_CONNECTION | frames.CAPABILITY.PLUGIN_AUTH,
      query: () => frames.result([['1', null]], { deprecateEof: false }),
    })
    const { server } = await readiness(url(), { details: false })
    expect(server).toEqual({ product: 'MySQL', version: '5.1.73' })
  })

  test.each([
    ['8.0.30 (ProxySQL)', 'MySQL', '8.0.30', 'proxysql'],
    ['5.5.5-10.6.12-MariaDB-maxscale', 'MariaDB', '10.6.12', 'maxscale'],
    ['11.4.2-MariaDB-ubu2404', 'MariaDB', '11.4.2', undefined],
    ['8.4.0', 'MySQL', '8.4.0', undefined],
  ])('calls itself %s is %s %s', async (version, product, number, via) => {
    const { url } = await met({ version })
    const { server } = await readiness(url(), { details: false })
    expect(server).toEqual({ product, version: number, ...(via ? { via } : {}) })
  })

  test('is MySQL is asked for its start where MySQL keeps it, and one behind a proxy is seen', async () => {
    const heard: Heard = { logins: [], statements: [], farewells: 0, cleartext: [] }
    const answer = (thread: string) =>
      peer({
        heard,
        thread: 7,
        query: text =>
          frames.result(
            text.includes('UPTIME') ? [[thread, '1700000000', '90', '250000', 'a1b2c3d4e5']] : [['1']],
          ),
      })
    const asked = async (thread: string) => {
      const { port } = await startedPeer(answer(thread))
      return (await readiness(`mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)).server
    }
    const known = {
      product: 'MySQL',
      version: '8.0.36',
      incarnation: '1700000000-a1b2c3d4',
      ageMs: 89_250,
      servingMs: 89_250,
    }
    expect(await asked('7')).toEqual(known)
    // The greeting has the lower half of a number that has grown long.
    expect(await asked(String(2 ** 32 + 7))).toEqual(known)
    expect(await asked('8')).toEqual({ ...known, via: 'proxy' })
    expect(heard.statements.at(-1)).toContain('performance_schema.GLOBAL_STATUS')
  })

  test.each([
    ['0', 0, 0],
    ['60', 59_250, 0],
    ['61', 60_250, 60_250],
    ['86400', 86_399_250, 86_399_250],
    ['soon', undefined, undefined],
  ])('is up for %s s is %s ms old and has served for %s', async (uptime, ageMs, servingMs) => {
    const row = ['7', '1700000000', uptime, '250000', 'a1b2c3d4e5']
    const { url } = await met({ query: text => frames.result([text.includes('UPTIME') ? row : ['1']]) })
    const { server } = await readiness(url())
    expect([server.ageMs, server.servingMs]).toEqual([ageMs, servingMs])
  })

  test('refuses before it greets is heard, with the server’s number and advice', async () => {
    const { port } = await startedPeer(mysqlRefusal(mysqlErrors.blocked))
    const verdict = await refusal(`mysql://app@127.0.0.1:${port}`)
    expect(verdict).toMatchObject({ layer: 'handshake', finding: { reason: 'access-denied', code: '1129' } })
    expect(verdict.finding.advice).toContain('FLUSH HOSTS')
  })

  test('asks for a file of this machine in the middle of a query gets none', async () => {
    const asked = peer({ query: () => frames.packet(1, Buffer.from('\u00fb/etc/hostname', 'latin1')) })
    const seen = await startedPeer(asked)
    const url = `mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${seen.port}`
    const { finding } = await refusal(url)
    expect(finding.reason).toBe('protocol-mismatch')
  })

  test('hangs in a query is asked once to end it, and not for ever', async () => {
    const hangs = peer({
      thread: 7,
      afterAuth: async connection => {
        const { body } = await frames.readPacket(connection)
        if (body.toString().endsWith('SELECT 1')) {
          await connection.send(frames.result([['1']]))
          await frames.readPacket(connection)
        }
        await connection.hang()
      },
    })
    const it = await startedPeer(hangs)
    const url = `mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${it.port}`
    const { finding } = await refusal(url, { queries: ['select slow()'], timeoutMs: 300, details: false })
    expect(finding.reason).toBe('statement-timeout')
    await expect.poll(() => it.open, { timeout: 5_000 }).toBe(0)
    expect(it.connections).toBe(2)
  })

  test('hears the end of its question before the session is closed', async () => {
    const heard: Heard = { logins: [], statements: [], farewells: 0, cleartext: [] }
    let calls = 0
    const slow = await startedPeer(async connection => {
      const first = ++calls === 1
      const afterAuth = async () => {
        await frames.readPacket(connection)
        await connection.hang()
      }
      const query = (text: string) =>
        text.startsWith('KILL') ? frames.ok(1) : frames.result([[text === 'SELECT 1' ? '1' : '7']])
      await peer({ thread: 7, heard, query, ...(first ? { afterAuth } : {}) })(connection)
    })
    const { close } = await asking(slow.port)
    await close()
    expect(heard.statements).toEqual(['SELECT CONNECTION_ID()', 'KILL QUERY 7'])
  })

  test('does not answer that any more holds up the close of a session for a second at most', async () => {
    let calls = 0
    const mute = await startedPeer(async connection => {
      // The second login fails at TLS, which sslmode=prefer then goes on without, and the third hangs.
      if (++calls > 1) await new Promise(resolve => setTimeout(resolve, calls === 2 ? 700 : 0))
      const afterGreeting = async () => {
        await frames.readPacket(connection)
        if (calls === 2) await connection.send(Buffer.alloc(64, 0xaa))
        await connection.hang()
      }
      const afterAuth = (it: typeof connection) => it.hang()
      const tls = certs.server
      await (calls === 1
        ? peer({ tls, afterAuth })(connection)
        : peer({ capabilities: frames.MODERN | frames.CAPABILITY.SSL, afterGreeting })(connection))
    })
    const { close } = await asking(mute.port)
    const begun = performance.now()
    await close()
    const ms = performance.now() - begun
    expect(calls).toBe(3)
    expect(ms).toBeGreaterThan(700)
    expect(ms).toBeLessThan(1600)
  })

  test('refuses the login with an error as long as a packet may be is heard at once', async () => {
    const long = { errno: 1045, state: '28000', message: `${'\0'.repeat(30_000)}${'x'.repeat(16_000_000)}` }
    const { port } = await startedPeer(mysqlError(long))
    const verdict = await refusal(`mysql://app@127.0.0.1:${port}`, { timeoutMs: 3_000 })
    expect(verdict).toMatchObject({
      layer: 'auth',
      finding: { reason: 'authentication-failed', code: '1045' },
    })
    expect(verdict.finding.message).toBe('an error without a message')
  })

  test('is the X Protocol’s port is named so', async () => {
    const notice = Buffer.of(5, 0, 0, 0, 0x0b, 8, 5, 0x1a, 0)
    const { port } = await startedPeer(connection => connection.send(notice))
    const { finding } = await refusal(`mysql://app@127.0.0.1:${port}`)
    expect(finding.reason).toBe('protocol-mismatch')
    expect(finding.message).toContain('X Protocol')
  })

  test('sends a row without a limit is a mismatch with flat memory', async () => {
    const long = peer({
      query: () =>
        Buffer.concat([frames.packet(1, Buffer.of(1)), Buffer.of(0xff, 0xff, 0xff, 2), Buffer.alloc(4096)]),
    })
    const { port } = await startedPeer(long)
    const { finding } = await refusal(`mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(finding).toMatchObject({ reason: 'query-error', message: expect.stringContaining('16 MB') })
  })
})

/** A session whose attempt has ended in the middle of a question, by its port. */
async function asking(port: number): Promise<{ close: () => Promise<void> }> {
  const url = `mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`
  const ending = new AbortController()
  const trace = new Trace(() => performance.now())
  const target = parseTarget(url, { schemes: SCHEMES })
  const attempt = new NetAttempt(target, '127.0.0.1', [{ address: '127.0.0.1', port }], trace, ending.signal)
  const session = await mysql.open(target, attempt)
  const asked = session.query?.('select slow()').catch(error => error)
  ending.abort(new Error('the time is up'))
  expect(await asked).toBeInstanceOf(Error)
  return { close: () => session.close() }
}

function ed25519Key(): string {
  return generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()
}
