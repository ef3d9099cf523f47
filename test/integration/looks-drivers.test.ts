import { once } from 'node:events'
import { connect } from 'node:net'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTarget } from '../../src/core/target.js'
import { drivers } from '../../src/gate/doctor/looks/drivers.js'
import { probeOnce } from '../../src/gate/probe.js'
import { loadService, SCHEMES } from '../../src/services/registry.js'
import { startup } from '../../src/wire/postgres.js'
import { certificates } from '../support/certs.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

let selfSigned: PostgresServer
let tlsOnly: PostgresServer
let plain: PostgresServer
let ca: string
beforeAll(async () => {
  ca = (await certificates()).ca.certPath
  ;[selfSigned, tlsOnly, plain] = await Promise.all([
    startPostgres({ tls: { certificate: 'selfSigned' } }),
    startPostgres({ tls: 'required' }),
    startPostgres({ auth: 'trust' }),
  ])
})
afterAll(() => Promise.all([selfSigned, tlsOnly, plain].map(server => server.remove())))

/** What the look concludes of a target that is ready. */
async function look(address: string) {
  const target = parseTarget(address, { schemes: SCHEMES })
  const service = await loadService(target.service)
  const signal = AbortSignal.timeout(20_000)
  const { verdict, session } = await probeOnce(target, service, { signal })
  await session?.close()
  expect(verdict).toMatchObject({ ready: true })
  const { concerns } = await drivers({ target, service, verdict, sources: [], env: {}, signal })
  return concerns
}

const ofNodePostgres = (concerns: readonly { id: string }[]) =>
  concerns.filter(({ id }) => id.startsWith('node-postgres'))

/** Does node-postgres connect? */
async function connects(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

const localhost = (server: PostgresServer, query: Record<string, string> = {}) =>
  server.url({ host: 'localhost', query })

describe('what node-postgres sees otherwise is what the look says', () => {
  test.each(['prefer', 'require', 'verify-ca'])(
    'of a certificate that nobody signed, by sslmode=%s',
    async sslmode => {
      const trusted =
        sslmode === 'verify-ca' ? { sslrootcert: (await certificates()).selfSigned.certPath } : {}
      // Signed by itself it is its own authority, and lacks nothing but the name.
      const address = selfSigned.url({ query: { sslmode, ...trusted } })
      const concerns = ofNodePostgres(await look(address))
      expect(concerns.length > 0).toBe(!(await connects(address)))
      if (sslmode === 'verify-ca') return
      expect(concerns).toMatchObject([
        { id: 'node-postgres-verifies', fix: `sslmode=${sslmode}&uselibpqcompat=true` },
      ])
      expect(await connects(`${address}&uselibpqcompat=true`)).toBe(true)
    },
  )

  test('of sslmode=prefer and a server without TLS', async () => {
    const address = localhost(plain, { sslmode: 'prefer' })
    expect(await connects(address)).toBe(false)
    expect(await look(address)).toMatchObject([{ id: 'node-postgres-verifies', fix: 'sslmode=disable' }])
    expect(await connects(localhost(plain, { sslmode: 'disable' }))).toBe(true)
  })

  test('of a server that wants TLS, and an address that does not ask for it', async () => {
    const address = localhost(tlsOnly)
    expect(await connects(address)).toBe(false)
    expect(await look(address)).toMatchObject([{ id: 'tls-only-server', fix: 'sslmode=require' }])
  })

  test('of what it takes for a file, or for a path', async () => {
    const system = localhost(selfSigned, { sslrootcert: 'system', sslmode: 'require' })
    expect(() => new Client({ connectionString: system })).toThrow(/ENOENT.*system/)
    expect(new Client({ connectionString: 'host=db dbname=app' }).host).toBe('base')
  })

  test('of what postgres.js sends to the server as a setting', async () => {
    const socket = connect(plain.port, plain.host)
    socket.write(startup({ user: 'app', database: 'app', channel_binding: 'require' }))
    let answer = ''
    socket.setEncoding('latin1').on('data', text => {
      answer += text
    })
    await once(socket, 'end')
    socket.destroy()
    expect(answer).toMatch(/C42704.*unrecognized configuration parameter "channel_binding"/s)
    expect(await look(localhost(plain, { sslmode: 'disable', channel_binding: 'prefer' }))).toMatchObject([
      {
        id: 'postgres-js-parameters',
        message: expect.stringContaining('sends channel_binding to the server'),
      },
    ])
  })

  test('and nothing where it sees the same', async () => {
    const verified = localhost(tlsOnly, { sslmode: 'require', sslrootcert: ca })
    expect(await connects(verified)).toBe(true)
    expect(ofNodePostgres(await look(verified))).toEqual([])
    expect(await connects(localhost(plain))).toBe(true)
    expect(await look(localhost(plain))).toEqual([])
    expect(await look(localhost(selfSigned))).toEqual([])
  })

  test('and no login is spent on it', async () => {
    await look(localhost(tlsOnly))
    await look(selfSigned.url({ query: { sslmode: 'require' } }))
    expect(tlsOnly.rejectedLogins() + selfSigned.rejectedLogins()).toBeLessThanOrEqual(
      (tlsOnly.log() + selfSigned.log()).match(/no pg_hba.conf entry/g)?.length ?? 0,
    )
    expect(tlsOnly.log() + selfSigned.log()).not.toContain('password authentication failed')
  })
})
