/** What a real PostgreSQL tells of its health: to whom it tells what, and what is wrong with it. */
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { leavingNothing, probe } from '../conformance/probing.js'
import { healthAt, idsOf } from '../support/healthy.js'
import { type PostgresOptions, type PostgresServer, startPostgres } from '../support/postgres.js'

const outer = Object.values(networkInterfaces())
  .flat()
  .find(it => it?.family === 'IPv4' && !it.internal)?.address

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ hba: ['host all all 127.0.0.0/8 trust'], tls: 'on' })
  await server.sql(`create role poor login; create role limited login connection limit 2;
    create role calm login;
    alter role calm set statement_timeout = '5s'; alter role calm set idle_in_transaction_session_timeout = '7s';
    alter role calm set lock_timeout = '3s'; create role reading login;
    alter role reading set default_transaction_read_only = on`)
})
afterAll(() => server.remove())
leavingNothing()

async function withPostgres(options: PostgresOptions, work: (it: PostgresServer) => Promise<void>) {
  const it = await startPostgres(options)
  await work(it).finally(() => it.remove())
}

describe('the facts', () => {
  test('of a role without rights are what everybody may see', async () => {
    const { facts } = await healthAt(server.url({ user: 'poor', query: { sslmode: 'disable' } }))
    expect(facts).toMatchObject({
      version: expect.stringMatching(/^15\./),
      uptimeMs: expect.any(Number),
      inRecovery: false,
      readOnly: false,
      user: 'poor',
      superuser: false,
      connectionsUsed: 1,
      connectionsMax: 100,
      connectionsReserved: 3,
      listenAddresses: '127.0.0.1',
      port: server.port,
      peerAddress: '127.0.0.1',
      passwordEncryption: 'scram-sha-256',
      authMethod: 'none',
      tls: false,
      clockSkewMs: expect.any(Number),
      statementTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0,
      lockTimeoutMs: 0,
    })
    expect(Math.abs(Number(facts.clockSkewMs))).toBeLessThan(1000)
    for (const name of ['hbaLine', 'via', 'roleConnectionsMax', 'databaseConnectionsMax', 'replicationLagMs'])
      expect(facts).not.toHaveProperty(name)
  })

  test('of a superuser have the line of pg_hba.conf that let it in, and the TLS session', async () => {
    const { facts } = await healthAt(server.url({ user: 'postgres' }))
    expect(facts).toMatchObject({
      superuser: true,
      connectionsReserved: 0,
      hbaLine: '2: host all all 127.0.0.0/8 trust',
      tls: true,
      tlsVersion: expect.stringMatching(/^TLSv1/),
      tlsCipher: expect.any(String),
    })
  })

  test('have the limits of the role and the database', async () => {
    await server.sql('alter database app connection limit 50')
    onTestFinished(async () => void (await server.sql('alter database app connection limit -1')))
    const { facts } = await healthAt(server.url({ user: 'limited' }))
    expect(facts).toMatchObject({ roleConnectionsMax: 2, roleConnectionsUsed: 1, databaseConnectionsMax: 50 })
  })

  test('have the time limits as they hold for the role', async () => {
    const health = await healthAt(server.url({ user: 'calm' }))
    expect(health.facts).toMatchObject({
      statementTimeoutMs: 5000,
      idleInTransactionTimeoutMs: 7000,
      lockTimeoutMs: 3000,
    })
    expect(idsOf(health)).toEqual([])
  })

  test('over the Unix socket name no address', async () => {
    const { facts } = await healthAt(
      server.url({ user: 'postgres', query: { host: server.socketDir, port: String(server.port) } }),
    )
    expect(facts).toMatchObject({ hbaLine: '1: local all postgres trust' })
    expect(facts).not.toHaveProperty('peerAddress')
  })
})

describe('a concern is', () => {
  test('a superuser as the program’s role', async () => {
    expect(idsOf(await healthAt(server.url({ user: 'postgres' })))).toContain('superuser-role')
    expect(idsOf(await healthAt(server.url({ user: 'poor' })))).not.toContain('superuser-role')
  })

  test('a missing time limit, with the statement that sets it', async () => {
    const { concerns } = await healthAt(server.url({ user: 'poor' }))
    expect(concerns.map(({ id, level, fix }) => [id, level, fix])).toEqual([
      ['no-statement-timeout', 'info', "ALTER ROLE poor SET statement_timeout = '30s';"],
      [
        'no-idle-in-transaction-timeout',
        'info',
        "ALTER ROLE poor SET idle_in_transaction_session_timeout = '60s';",
      ],
    ])
    for (const { fix } of concerns) await server.sql(`begin; ${fix} rollback`)
  })

  test('a role that is nearly at its limit', async () => {
    const held = await probe(server.url({ user: 'limited' }))
    const { concerns } = await healthAt(server.url({ user: 'limited' }))
    expect(concerns).toContainEqual(
      expect.objectContaining({
        id: 'connections-nearly-full',
        level: 'error',
        message: '2 of the 2 connections that the role allows are taken',
      }),
    )
    expect(held.verdict.ready).toBe(true)
  })

  test('a server that is full but for the superuser', () =>
    withPostgres({ auth: 'trust', maxConnections: 3 }, async it => {
      const held = await Promise.all([1, 2].map(() => probe(it.url())))
      const health = await healthAt(it.url())
      expect(health.facts).toMatchObject({ connectionsUsed: 3 })
      expect(health.concerns).toContainEqual(
        expect.objectContaining({ id: 'connections-nearly-full', level: 'error' }),
      )
      expect(held.map(({ verdict }) => verdict.ready)).toEqual([true, true])
    }))

  test('a line of pg_hba.conf that trusts a network, and one that is wrong', () =>
    withPostgres({ hba: ['host all all 0.0.0.0/0 trust'] }, async it => {
      const { writeFileSync } = await import('node:fs')
      const { concerns, facts } = await healthAt(it.url({ user: 'postgres' }))
      expect(facts.hbaLine).toBe('2: host all all 0.0.0.0/0 trust')
      expect(concerns).toContainEqual(
        expect.objectContaining({ id: 'hba-trust', fix: 'host all all 0.0.0.0/0 scram-sha-256' }),
      )
      writeFileSync(`${it.dataDir}/pg_hba.conf`, 'local all postgres trust\nhots all all all md5\n')
      const after = await healthAt(it.url({ user: 'postgres' }))
      expect(after.concerns).toContainEqual(
        expect.objectContaining({
          id: 'hba-error',
          level: 'error',
          message: expect.stringContaining('line 2 of pg_hba.conf is wrong: invalid connection type "hots"'),
        }),
      )
    }))

  test('a password that is kept as MD5', () =>
    withPostgres({ auth: 'md5', settings: { password_encryption: 'md5' } }, async it => {
      const health = await healthAt(it.url())
      expect(health.facts).toMatchObject({ authMethod: 'md5', passwordEncryption: 'md5' })
      expect(idsOf(health)).toEqual(expect.arrayContaining(['md5-password', 'password-encryption-md5']))
    }))

  test('a standby, unless one is asked for; how far it is behind is a fact', () =>
    withPostgres({ state: 'standby', auth: 'trust' }, async it => {
      const health = await healthAt(it.url())
      expect(health.facts).toMatchObject({ inRecovery: true, readOnly: true })
      expect(idsOf(health)).toContain('standby')
      const wanted = await healthAt(it.url({ query: { target_session_attrs: 'standby' } }))
      expect(idsOf(wanted)).not.toContain('standby')
    }))

  test('a role whose transactions are read-only', async () => {
    const health = await healthAt(server.url({ user: 'reading' }))
    expect(health.facts).toMatchObject({ inRecovery: false, readOnly: true })
    expect(idsOf(health)).toContain('read-only')
  })

  test.runIf(outer)('a network without TLS, in a private one as an information', () =>
    withPostgres({ listen: `${outer}`, auth: 'scram-sha-256' }, async it => {
      const { concerns } = await healthAt(it.url({ query: { sslmode: 'disable' } }))
      expect(concerns).toContainEqual(
        expect.objectContaining({ id: 'no-tls', message: expect.stringContaining(`${outer}`) }),
      )
    }),
  )
})
