/** TLS to a real PostgreSQL: every sslmode, every certificate that is wrong, and what a client has to show. */
import { createPrivateKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import { type CertificateName, type Certificates, certificates } from '../support/certs.js'
import type { Script } from '../support/peer.js'
import { postgres as peer, sslThenGarbage } from '../support/pgpeers.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'

const HBA = [
  'hostnossl all app 127.0.0.1/32 scram-sha-256',
  'hostssl all bound all scram-sha-256',
  'hostssl all md5er all md5',
  'hostssl all trusted all trust',
]
const SETUP = `
  create role bound login password '${SECRET}'; create role trusted login;
  set password_encryption = 'md5'; create role md5er login password '${SECRET}';
`

let certs: Certificates
/** By what is special about them: the certificate, or what pg_hba.conf wants. */
const servers = new Map<string, PostgresServer>()
const at = (name: string) => servers.get(name) as PostgresServer

beforeAll(async () => {
  certs = await certificates()
  const start = async (name: string, options: Parameters<typeof startPostgres>[0]) =>
    servers.set(name, await startPostgres(options))
  const wrong: CertificateName[] = ['wrongHost', 'expired', 'selfSigned']
  await Promise.all([
    start('server', { tls: 'required' }),
    start('mixed', { tls: 'on', hba: HBA }).then(() => at('mixed').sql(SETUP)),
    start('client', { tls: { client: 'verify-full' } }),
    start('client only', { tls: { client: 'only' } }),
    ...wrong.map(certificate => start(certificate, { tls: { certificate } })),
  ])
})
afterAll(async () => {
  await Promise.all([...servers.values()].map(server => server.remove()))
})
leavingNothing()

const tls = (server: { url: PostgresServer['url'] }, query: Record<string, string>, host = 'localhost') =>
  server.url({ host, query })

const ENCRYPTED = { queries: ['select ssl from pg_stat_ssl where pid = pg_backend_pid()'] }
const PLAIN = { queries: ['select not ssl from pg_stat_ssl where pid = pg_backend_pid()'] }

describe('sslmode', () => {
  test.each(['allow', 'prefer', 'require'])('%s: a server that requires TLS gets it', async sslmode => {
    await readiness(tls(at('server'), { sslmode }), ENCRYPTED)
  })

  test.each(['disable', 'allow', 'prefer'])('%s: a server without TLS is used without it', async sslmode => {
    await readiness(tls(sharedPostgres(), { sslmode }, '127.0.0.1'), PLAIN)
  })

  test('prefer: a rejection by pg_hba.conf of the encrypted session leads to a plain one', async () => {
    const before = at('mixed').connectionsSeen()
    await readiness(tls(at('mixed'), { sslmode: 'prefer' }, '127.0.0.1'), PLAIN)
    expect(at('mixed').connectionsSeen() - before).toBe(2)
  })

  test('disable: a server that requires TLS denies access, and the advice says what to try', async () => {
    const { finding } = await refusal(tls(at('server'), { sslmode: 'disable' }))
    expect(finding).toMatchObject({ reason: 'access-denied', code: '28000' })
    expect(finding.advice).toContain('sslmode=require')
  })

  test.each(['require', 'verify-ca', 'verify-full'])(
    '%s: a server without TLS is a TLS failure',
    async sslmode => {
      const verdict = await refusal(tls(sharedPostgres(), { sslmode }, '127.0.0.1'))
      expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'tls-failure' } })
      expect(verdict.finding.message).toContain(`sslmode=${sslmode}`)
      expect(verdict.finding.advice).toContain('ssl=on')
    },
  )

  test.each(['allow', 'prefer', 'require'])('%s: a wrong password is shown once', async sslmode => {
    const shown = () =>
      at('server')
        .log()
        .match(/ 28P01 FATAL/g)?.length ?? 0
    const before = shown()
    const { finding } = await refusal(at('server').url({ password: 'wrong', query: { sslmode } }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '28P01' })
    expect(shown() - before).toBe(1)
  })

  test('prefer: a TLS handshake that fails leads to a plain session, require to a TLS failure', async () => {
    const script: Script = connection => (watched.connections === 1 ? sslThenGarbage : peer())(connection)
    const watched = await startedPeer(script)
    await readiness(watched.url('postgres', { query: { sslmode: 'prefer' } }))
    expect(watched.connections).toBe(2)
    const { url } = await startedPeer(sslThenGarbage)
    const verdict = await refusal(url('postgres', { query: { sslmode: 'require' } }))
    expect(verdict).toMatchObject({ layer: 'tls', heard: true, finding: { reason: 'tls-failure' } })
  })

  test('bytes that came before the handshake are not taken for protected ones', async () => {
    const stuffed: Script = async connection => {
      await connection.readSome()
      await connection.send('SR')
      await connection.hang()
    }
    const { url } = await startedPeer(stuffed)
    const { finding } = await refusal(url('postgres', { query: { sslmode: 'require' } }))
    expect(finding.reason).toBe('protocol-mismatch')
  })
})

describe('the certificate of the server', () => {
  const trust = (sslmode: string) => ({ sslmode, sslrootcert: certs.ca.certPath })

  test.each(['localhost', '127.0.0.1'])('is good for verify-full by the name %s', async host => {
    await readiness(tls(at('server'), trust('verify-full'), host), ENCRYPTED)
  })

  test.each<CertificateName>(['wrongHost', 'expired', 'selfSigned'])('%s is good for require', async name => {
    await readiness(tls(at(name), { sslmode: 'require' }), ENCRYPTED)
  })

  test('for another host is good for verify-ca, and named by verify-full', async () => {
    await readiness(tls(at('wrongHost'), trust('verify-ca')))
    const verdict = await refusal(tls(at('wrongHost'), trust('verify-full')))
    expect(verdict).toMatchObject({
      layer: 'tls',
      finding: { reason: 'tls-failure', code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
    expect(verdict.finding.message).toContain('other.example')
    expect(verdict.finding.advice).toContain('verify-ca')
  })

  test.each([
    ['expired', 'CERT_HAS_EXPIRED', /renew/],
    ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT', /sslrootcert/],
  ])('%s fails verify-ca and verify-full, with advice', async (name, code, advice) => {
    for (const sslmode of ['verify-ca', 'verify-full']) {
      const { finding } = await refusal(tls(at(name), trust(sslmode)))
      expect(finding).toMatchObject({ reason: 'tls-failure', code })
      expect(finding.advice).toMatch(advice)
    }
  })

  test.each(['require', 'verify-ca', 'verify-full'])(
    'of an authority that is not the given one fails %s',
    async sslmode => {
      const { finding } = await refusal(tls(at('server'), { sslmode, sslrootcert: certs.otherCa.certPath }))
      expect(finding).toMatchObject({ reason: 'tls-failure', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
      expect(finding.advice).toContain('sslrootcert')
    },
  )

  test('of an authority that nobody gave fails verify-full', async () => {
    const { finding } = await refusal(tls(at('server'), { sslmode: 'verify-full' }))
    expect(finding).toMatchObject({ reason: 'tls-failure', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  })

  test('cannot be checked by a file that is not there, which is named', async () => {
    const { finding } = await refusal(
      tls(at('server'), { sslmode: 'verify-ca', sslrootcert: '/no/such.crt' }),
    )
    expect(finding).toMatchObject({ reason: 'client-misuse', code: 'ENOENT' })
    expect(finding.message).toContain('/no/such.crt')
    expect(finding.advice).toContain('sslrootcert')
  })
})

describe('the certificate of the client', () => {
  const shown = (name: CertificateName, more: Record<string, string> = {}) => ({
    sslmode: 'require',
    sslcert: certs[name].certPath,
    sslkey: certs[name].keyPath,
    ...more,
  })

  test.each(['client', 'client only'])('lets it in where pg_hba.conf wants it: %s', async name => {
    await readiness(tls(at(name), shown('client')), ENCRYPTED)
  })

  test.each(['client', 'client only'])('is missed, and the advice says how to give it: %s', async name => {
    const { finding } = await refusal(tls(at(name), { sslmode: 'require' }))
    expect(finding).toMatchObject({ reason: 'access-denied', code: '28000' })
    expect(finding.advice).toContain('sslcert')
  })

  test('for another role is rejected', async () => {
    const { finding } = await refusal(tls(at('client only'), shown('otherClient')))
    expect(finding).toMatchObject({ reason: 'access-denied', code: '28000' })
  })

  test('of an authority that the server does not know is a TLS failure, with advice', async () => {
    const { finding } = await refusal(tls(at('client'), shown('selfSigned')))
    expect(finding.reason).toBe('tls-failure')
    expect(finding.advice).toContain('sslcert')
  })

  test('cannot be shown with a key that is none, or with that of another', async () => {
    const garbage = join(tempFolder('key'), 'garbage.key')
    writeFileSync(garbage, 'garbage')
    for (const sslkey of [garbage, certs.otherClient.keyPath]) {
      const verdict = await refusal(tls(at('client'), shown('client', { sslkey })))
      expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'tls-failure' } })
      expect(verdict.finding.advice).toContain('sslkey')
    }
  })

  test('may have an encrypted key, whose password stays secret when it is wrong', async () => {
    const sslkey = join(tempFolder('key'), 'client.key')
    const format = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'key secret' } as const
    writeFileSync(sslkey, createPrivateKey(certs.client.key).export(format), { mode: 0o600 })
    await readiness(tls(at('client'), shown('client', { sslkey, sslpassword: 'key secret' })))
    const verdict = await refusal(tls(at('client'), shown('client', { sslkey, sslpassword: SECRET })))
    expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'tls-failure' } })
    expect(verdict.finding.advice).toContain('sslpassword')
  })
})

describe('channel_binding=require', () => {
  const bound = (user: string, sslmode: string) =>
    at('mixed').url({ user, database: 'app', query: { channel_binding: 'require', sslmode } })

  test('binds the login to the TLS session by SCRAM-SHA-256-PLUS', async () => {
    await readiness(bound('bound', 'require'), ENCRYPTED)
  })

  test.each([
    ['without TLS', 'app', 'disable', 'offers none'],
    ['where the password is asked for as MD5', 'md5er', 'require', 'as MD5'],
    ['where no password is asked for', 'trusted', 'require', 'no password'],
  ])('refuses a login %s', async (_, user, sslmode, why) => {
    const { finding } = await refusal(bound(user, sslmode))
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toMatch(new RegExp(`channel_binding=require.*${why}`))
  })
})

test('direct negotiation is refused by a server before 17, and the advice says so', async () => {
  const verdict = await refusal(tls(at('server'), { sslmode: 'require', sslnegotiation: 'direct' }))
  expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'tls-failure' } })
  expect(verdict.finding.advice).toContain('17')
})
