/** Logins of a real PostgreSQL: who is let in, how, and what the others are told. */
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import * as frames from '../support/pgframes.js'
import { postgres as peer } from '../support/pgpeers.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

/** An address of this machine that other machines reach, too. */
const outer = Object.values(networkInterfaces())
  .flat()
  .find(it => it?.family === 'IPv4' && !it.internal)?.address

const HBA = [
  'host nowhere all all reject',
  'host all app all scram-sha-256',
  'host all md5er,postgres all md5',
  'host all cleartext all password',
  'host all trusted,ghost,nologin,full,noconnect all trust',
]

const SETUP = `
  set password_encryption = 'md5'; create role md5er login password '${SECRET}';
  alter role postgres password '${SECRET}';
  set password_encryption = 'scram-sha-256'; create role cleartext login password '${SECRET}';
  create role trusted login; create role nologin; create role noconnect login;
  create role full login connection limit 0;
  create database closed; update pg_database set datallowconn = false where datname = 'closed';
  create database guarded; revoke connect on database guarded from public;
`

let server: PostgresServer
beforeAll(async () => {
  const listen = ['127.0.0.1', ...(outer ? [outer] : [])].join(',')
  server = await startPostgres({ hba: HBA, listen })
  await server.sql(SETUP)
})
afterAll(() => server.remove())
leavingNothing()

/** What the server has counted during the work. */
async function counted<T>(work: () => Promise<T>) {
  const before = { connections: server.connectionsSeen(), rejected: server.rejectedLogins() }
  const result = await work()
  return {
    result,
    connections: server.connectionsSeen() - before.connections,
    rejected: server.rejectedLogins() - before.rejected,
  }
}

describe('a login succeeds', () => {
  test.each([
    ['by SCRAM-SHA-256', 'app'],
    ['by MD5', 'md5er'],
    ['in clear text on this machine', 'cleartext'],
    ['by trust', 'trusted'],
    ['by MD5 as postgres, where no user is named', null],
  ])('%s', async (_, user) => {
    const { result, connections } = await counted(() => readiness(server.url({ user })))
    expect(result.server).toMatchObject({ product: 'PostgreSQL', version: expect.stringMatching(/^15\./) })
    expect(connections).toBe(1)
  })

  test('by trust without a password, where none is asked for', async () => {
    await readiness(server.url({ user: 'trusted', password: null }))
  })

  test('and tells since when the server has been up', async () => {
    const { server: found } = await readiness(server.url())
    const started = await server.sql(
      'select extract(epoch from clock_timestamp() - pg_postmaster_start_time())',
    )
    expect(found.incarnation).toMatch(/^\d+\.\d+$/)
    expect(found.ageMs).toBeGreaterThan(0)
    expect(found.ageMs).toBeLessThan(Number(started) * 1000)
    expect(found.via).toBeUndefined()
  })

  test('and is ended so that the server has nothing to complain of', async () => {
    const from = server.log().length
    const { session } = await probe(server.url({ query: { application_name: 'polite' } }))
    await session?.close()
    await expect.poll(() => server.log().slice(from), { timeout: 5000 }).toMatch(/disconnection: /)
    expect(server.log().slice(from)).not.toMatch(/could not|unexpected|reset|broken/)
  })
})

describe('a login fails', () => {
  test.each(['app', 'md5er', 'cleartext'])(
    'for %s with a wrong password, which the server is shown once',
    async user => {
      const { result, ...seen } = await counted(() => refusal(server.url({ user, password: 'wrong' })))
      expect(result).toMatchObject({
        layer: 'auth',
        heard: true,
        finding: { reason: 'authentication-failed', code: '28P01' },
      })
      expect(result.finding.message).toContain(`"${user}"`)
      expect(seen).toEqual({ connections: 1, rejected: 1 })
    },
  )

  test.each(['app', 'md5er', 'cleartext'])(
    'for %s without a password, before the server could reject one',
    async user => {
      const { result, rejected } = await counted(() => refusal(server.url({ user, password: null })))
      expect(result).toMatchObject({ layer: 'auth', finding: { reason: 'client-misuse' } })
      expect(result.finding.message).toContain(`"${user}"`)
      expect(result.finding.advice).toContain('PGPASSWORD')
      expect(rejected).toBe(0)
    },
  )

  test('for a role that does not exist, by the name of the role', async () => {
    const { finding } = await refusal(server.url({ user: 'ghost' }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '28000' })
    expect(finding.message).toContain('"ghost"')
  })

  test('for a role that may not log in', async () => {
    const { finding } = await refusal(server.url({ user: 'nologin' }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '28000' })
  })

  test.each([
    ['no line of pg_hba.conf admits', { user: 'stranger' }],
    ['a line of pg_hba.conf rejects', { database: 'nowhere' }],
  ])('for whom %s, with advice that names the file', async (_, who) => {
    const verdict = await refusal(server.url(who))
    expect(verdict).toMatchObject({ layer: 'auth', finding: { reason: 'access-denied', code: '28000' } })
    expect(verdict.finding.advice).toContain('pg_hba.conf')
  })

  test.each([
    ['guarded', '42501'],
    ['closed', '55000'],
  ])('into the database %s, which does not let the role in', async (database, code) => {
    const { finding } = await refusal(server.url({ user: 'noconnect', database }))
    expect(finding).toMatchObject({ reason: 'access-denied', code })
  })

  test('for a role whose limit of connections is reached', async () => {
    const { finding } = await refusal(server.url({ user: 'full' }))
    expect(finding).toMatchObject({ reason: 'too-many-connections', code: '53300' })
  })

  test('into a database that does not exist, by its name and with the age of the server', async () => {
    const { result, rejected } = await counted(() => refusal(server.url({ database: 'not there' })))
    expect(result).toMatchObject({
      layer: 'auth',
      finding: { reason: 'database-not-found', code: '3D000' },
      server: { product: 'PostgreSQL', ageMs: expect.any(Number), incarnation: expect.any(String) },
    })
    expect(result.finding.message).toContain('"not there"')
    expect(result.finding.advice).toContain("createdb 'not there'")
    expect(rejected).toBe(0)
  })
})

describe('a password in clear text over a network', () => {
  test('is not sent', async context => {
    if (!outer) return context.skip('platform: has no address but loopback')
    const address = server.url({ host: outer, user: 'cleartext', password: 'wrong' })
    const { result, rejected } = await counted(() => refusal(address))
    expect(result).toMatchObject({ layer: 'auth', finding: { reason: 'client-misuse' } })
    expect(result.finding.advice).toContain('sslmode=require')
    expect(rejected).toBe(0)
  })

  test('is sent where require_auth=password asks for it', async context => {
    if (!outer) return context.skip('platform: has no address but loopback')
    await readiness(server.url({ host: outer, user: 'cleartext', query: { require_auth: 'password' } }))
  })
})

describe('require_auth', () => {
  test.each([
    ['scram-sha-256', 'app'],
    ['md5', 'md5er'],
    ['password', 'cleartext'],
    ['none', 'trusted'],
    ['md5,scram-sha-256', 'app'],
    ['!password', 'app'],
  ])('%s admits what it names', async (method, user) => {
    await readiness(server.url({ user, query: { require_auth: method } }))
  })

  test.each([
    ['scram-sha-256', 'md5er', 'md5'],
    ['scram-sha-256', 'cleartext', 'password'],
    ['scram-sha-256', 'trusted', 'none'],
    ['!password', 'cleartext', 'password'],
    ['!none', 'trusted', 'none'],
  ])('%s excludes %s, and the server sees no password', async (method, user, asked) => {
    const address = server.url({ user, password: 'wrong', query: { require_auth: method } })
    const { result, rejected } = await counted(() => refusal(address))
    expect(result).toMatchObject({ layer: 'auth', finding: { reason: 'client-misuse' } })
    expect(result.finding.message).toContain(`"${asked}"`)
    expect(rejected).toBe(0)
  })
})

describe('a server that cannot prove that it knows the password is not trusted', () => {
  test.each([
    ['because its proof is wrong', peer({ auth: 'scram', wrongSignature: true })],
    [
      'because it skips the proof',
      peer({
        afterStartup: async connection => {
          await connection.send(frames.sasl('SCRAM-SHA-256'))
          await frames.readMessage(connection)
          await connection.send(Buffer.concat([frames.authenticationOk(), frames.readyForQuery()]))
          await connection.hang()
        },
      }),
    ],
  ])('%s', async (_, script) => {
    const { finding } = await refusal((await startedPeer(script)).url('postgres'))
    expect(finding.reason).toBe('authentication-failed')
    expect(finding.advice).toContain('prove')
  })
})

describe('start-up parameters', () => {
  test('options and application_name reach the server', async () => {
    const query = { options: '-c search_path=elsewhere -c work_mem=123kB', application_name: 'a probe' }
    const asks = ['search_path', 'work_mem', 'application_name'].map(it => `current_setting('${it}')`)
    await readiness(server.url({ query }), {
      queries: [`select (${asks.join(', ')}) = ('elsewhere', '123kB', 'a probe')`],
    })
  })

  test('an option that the server does not know is misuse', async () => {
    const { finding } = await refusal(server.url({ query: { options: '-c no_such_setting=1' } }))
    expect(finding).toMatchObject({ reason: 'client-misuse', code: '42704' })
  })
})
