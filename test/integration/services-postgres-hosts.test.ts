/** Several hosts, several addresses of one, standbys, and Unix sockets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Resolve } from '../../src/io/resolve.js'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import * as peers from '../support/peers.js'
import { postgresError, postgresErrors } from '../support/pgpeers.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { sharedPostgres } from '../support/shared.js'

let standby: PostgresServer
/** Listens on its socket only. */
let local: PostgresServer
beforeAll(async () => {
  ;[standby, local] = await Promise.all([
    startPostgres({ state: 'standby' }),
    startPostgres({ socketOnly: true }),
  ])
})
afterAll(async () => {
  await Promise.all([standby.remove(), local.remove()])
})
leavingNothing()

interface Place {
  readonly host: string
  readonly port: number
}

/** An address with several hosts, for role and database `app`. */
function several(hosts: readonly Place[], query: Record<string, string> = {}): string {
  const list = hosts.map(({ host, port }) => `${host}:${port}`).join(',')
  return `postgres://app:${encodeURIComponent(SECRET)}@${list}/app?${new URLSearchParams(query)}`
}

const ON_STANDBY = { queries: ['select pg_is_in_recovery()'] }
const ON_PRIMARY = { queries: ['select not pg_is_in_recovery()'] }

describe('a standby', () => {
  test('is ready for queries', async () => {
    await readiness(standby.url(), ON_STANDBY)
  })

  test('is read-only for writes', async () => {
    const verdict = await refusal(standby.url(), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'read-only', code: '25006' } })
  })

  test.each(['read-write', 'primary'])('is read-only for target_session_attrs=%s', async wanted => {
    const { finding } = await refusal(standby.url({ query: { target_session_attrs: wanted } }))
    expect(finding.reason).toBe('read-only')
    expect(finding.message).toContain(wanted)
    expect(finding.message).toContain('standby')
  })
})

describe('target_session_attrs', () => {
  test.each([
    ['read-write', ON_PRIMARY],
    ['primary', ON_PRIMARY],
    ['read-only', ON_STANDBY],
    ['standby', ON_STANDBY],
  ])('%s picks the host that fits, whichever comes first', async (wanted, where) => {
    const both = [standby, sharedPostgres()]
    for (const hosts of [both, both.toReversed()])
      await readiness(several(hosts, { target_session_attrs: wanted }), where)
  })

  test.each(['any', 'prefer-standby'])('%s is content with a single primary', async wanted => {
    await readiness(sharedPostgres().url({ query: { target_session_attrs: wanted } }))
  })

  test('any takes the first host', async () => {
    await readiness(several([standby, sharedPostgres()], { target_session_attrs: 'any' }), ON_STANDBY)
  })

  test('a value that does not exist is misuse, and the ones that do are listed', async () => {
    const { finding } = await refusal(standby.url({ query: { target_session_attrs: 'master' } }))
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain('prefer-standby')
  })
})

describe('of several hosts', () => {
  test('one that refuses gives way to the next, and its step stays in the verdict', async () => {
    const dead = await peers.refused()
    const { steps } = await readiness(several([dead, sharedPostgres()]))
    expect(steps[0]).toMatchObject({ layer: 'tcp', state: 'failed', code: 'ECONNREFUSED' })
  })

  test.each([
    ['is silent', peers.silent],
    ['closes', peers.eofAfterFirstBytes],
    ['speaks something else', peers.greets(peers.GREETINGS.ssh)],
    ['is starting', postgresError(postgresErrors.startingUp)],
  ])('one that %s gives way to the next', async (_, script) => {
    const peer = await startedPeer(script)
    const { verdict } = await probe(several([peer, sharedPostgres()]), { timeoutMs: 1000 })
    expect(verdict.ready).toBe(true)
  })

  test('one that lets the login in and does not fit is not passed over, since no driver would', async () => {
    const hosts = several([standby, sharedPostgres()])
    expect(await refusal(hosts, { until: 'write' })).toMatchObject({ finding: { reason: 'read-only' } })
    expect(await refusal(hosts, ON_PRIMARY)).toMatchObject({ finding: { reason: 'unmet' } })
  })

  test('one that is full has the last word, as for libpq', async () => {
    const peer = await startedPeer(postgresError(postgresErrors.tooManyConnections))
    const { finding } = await refusal(several([peer, sharedPostgres()]))
    expect(finding.reason).toBe('too-many-connections')
  })

  test('one that rejects the password has the last word', async () => {
    const peer = await startedPeer(postgresError(postgresErrors.wrongPassword))
    const next = await startedPeer(peers.silent)
    const { finding } = await refusal(several([peer, next]))
    expect(finding.reason).toBe('authentication-failed')
    expect(next.connections).toBe(0)
  })

  test('one that answers tells more than one that refuses, whichever comes last', async () => {
    const peer = await startedPeer(postgresError(postgresErrors.startingUp))
    const dead = await peers.refused()
    for (const hosts of [
      [peer, dead],
      [dead, peer],
    ]) {
      const { finding } = await refusal(several(hosts))
      expect(finding).toMatchObject({ reason: 'server-not-ready', code: '57P03' })
    }
  })

  test('all that refuse are in the steps', async () => {
    const dead = [await peers.refused(), await peers.refused()]
    const { steps, finding } = await refusal(several(dead))
    expect(finding.reason).toBe('connection-refused')
    expect(steps.filter(({ code }) => code === 'ECONNREFUSED')).toHaveLength(2)
  })
})

describe('of several addresses of one host', () => {
  const resolve: Resolve = async () => [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]

  test('one that refuses gives way to the next', async () => {
    const { steps } = await readiness(sharedPostgres().url({ host: 'db.test' }), { resolve })
    expect(steps.map(({ layer, address, state }) => [layer, address, state]).slice(0, 3)).toEqual([
      ['dns', undefined, 'ok'],
      ['tcp', '::1', 'failed'],
      ['tcp', '127.0.0.1', 'ok'],
    ])
  })

  test.each([
    ['is silent', peers.silent],
    ['closes', peers.eofOnAccept],
  ])('one that accepts and %s gives way to the next', async (_, script) => {
    const { port } = sharedPostgres()
    const peer = await startedPeer(script, { host: '::1', port })
    await readiness(sharedPostgres().url({ host: 'db.test' }), { resolve, timeoutMs: 1000 })
    expect(peer.connections).toBeGreaterThan(0)
  })

  test('one that answers has the last word, since a driver would stay with it', async () => {
    const { port } = sharedPostgres()
    await startedPeer(postgresError(postgresErrors.startingUp), { host: '::1', port })
    const { finding, steps } = await refusal(sharedPostgres().url({ host: 'db.test' }), { resolve })
    expect(finding.reason).toBe('server-not-ready')
    expect(steps.map(({ address }) => address)).not.toContain('127.0.0.1')
  })

  test('one that is silent gives way also after another host has answered', async () => {
    const { port } = sharedPostgres()
    const first = await startedPeer(postgresError(postgresErrors.startingUp))
    await startedPeer(peers.silent, { host: '::1', port })
    await readiness(several([first, { host: 'db.test', port }]), { resolve, timeoutMs: 1000 })
  })
})

describe('a Unix socket', () => {
  const dsn = (password: string) =>
    `host=${local.socketDir} port=${local.port} user=app dbname=app password='${password}'`

  test('is found by its directory in the address, in its query, or in a connection string', async () => {
    const { socketDir, port } = local
    const directory = encodeURIComponent(socketDir)
    for (const address of [
      local.url(),
      `postgres://app:${encodeURIComponent(SECRET)}@${directory}:${port}/app`,
      dsn(SECRET),
    ]) {
      const { steps } = await readiness(address)
      expect(steps[0]).toMatchObject({ layer: 'tcp', address: `${socketDir}/.s.PGSQL.${port}`, state: 'ok' })
    }
  })

  test.each(['prefer', 'require', 'verify-full'])(
    'is used without TLS by sslmode=%s, as by libpq',
    async sslmode => {
      await readiness(local.url({ query: { sslmode } }))
    },
  )

  test('rejects a wrong password like any other connection', async () => {
    const { finding } = await refusal(dsn('wrong'))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '28P01' })
  })

  test('that is not there refuses, with its path', async () => {
    const { finding, layer } = await refusal(local.url({ port: 1 }))
    expect({ layer, ...finding }).toMatchObject({
      layer: 'tcp',
      reason: 'connection-refused',
      code: 'ENOENT',
    })
    expect(finding.message).toContain(`${local.socketDir}/.s.PGSQL.1`)
  })

  test('of a server that listens nowhere else does not make its port ready', async () => {
    const { finding } = await refusal(local.url({ host: '127.0.0.1' }))
    expect(finding.reason).toBe('connection-refused')
  })
})
