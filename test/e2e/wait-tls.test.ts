import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, certificates } from '../support/certs.js'
import { type PostgresServer, type PostgresTls, startPostgres } from '../support/postgres.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { waitJson } from './outcome.js'

let certs: Certificates
let pg: Record<'required' | 'on' | 'wrongHost' | 'expired' | 'client', PostgresServer>
let redis: RedisServer

beforeAll(async () => {
  certs = await certificates()
  const secure = (tls: PostgresTls) => startPostgres({ tls })
  const [required, on, wrongHost, expired, client, tlsRedis] = await Promise.all([
    secure({ mode: 'required' }),
    secure({ mode: 'on' }),
    secure({ certificate: 'wrongHost' }),
    secure({ certificate: 'expired' }),
    secure({ client: 'verify-ca' }),
    startRedis({ tls: true }),
  ])
  pg = { required, on, wrongHost, expired, client }
  redis = tlsRedis
})
afterAll(() => Promise.all([...Object.values(pg), redis].map(server => server.remove())))

const trusting = () => ({ sslmode: 'verify-full', sslrootcert: certs.ca.certPath })

const verdict = async (url: string, env: Record<string, string> = {}) => {
  const { status, target } = await waitJson([url, '--grace', '0', '--timeout', '5s'], { env })
  return { status, ...target }
}

describe('PostgreSQL', () => {
  test.concurrent('that requires TLS says so to a client that has it switched off', async ({ expect }) => {
    const url = pg.required.url({ query: { sslmode: 'disable' } })
    expect(await verdict(url)).toMatchObject({
      status: 78,
      reason: 'access-denied',
      code: '28000',
      advice: expect.stringContaining('try sslmode=require'),
    })
  })

  test.concurrent('that requires TLS is ready for one that prefers it', async ({ expect }) => {
    expect(await verdict(pg.required.url())).toMatchObject({ status: 0, state: 'ready' })
  })

  test.concurrent('without TLS is refused by a client that requires it', async ({ expect }) => {
    const url = sharedPostgres().url({ query: { sslmode: 'require' } })
    expect(await verdict(url)).toMatchObject({
      status: 78,
      reason: 'tls-failure',
      layer: 'tls',
      message: 'sslmode=require wants TLS, and the server offers none',
      advice: expect.stringContaining('ssl=on'),
    })
  })

  test.concurrent('with an authority that nobody here trusts names the option', async ({ expect }) => {
    const url = pg.on.url({ query: { sslmode: 'verify-full' } })
    expect(await verdict(url)).toMatchObject({
      status: 78,
      reason: 'tls-failure',
      layer: 'tls',
      code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/),
      advice: expect.stringContaining('sslrootcert=FILE'),
    })
  })

  test.concurrent('with the wrong authority is not trusted either', async ({ expect }) => {
    const url = pg.on.url({ query: { sslmode: 'verify-ca', sslrootcert: certs.otherCa.certPath } })
    expect(await verdict(url)).toMatchObject({ status: 78, reason: 'tls-failure' })
  })

  test.concurrent('with a certificate for another host says for which', async ({ expect }) => {
    const url = pg.wrongHost.url({ host: 'localhost', query: trusting() })
    expect(await verdict(url)).toMatchObject({
      status: 78,
      reason: 'tls-failure',
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message: expect.stringContaining('other.example'),
      advice: expect.stringContaining('certificate is for other names'),
    })
    expect(await verdict(pg.wrongHost.url({ query: { ...trusting(), sslmode: 'verify-ca' } }))).toMatchObject(
      {
        status: 0,
      },
    )
  })

  test.concurrent('with a certificate that has expired says that', async ({ expect }) => {
    expect(await verdict(pg.expired.url({ query: trusting() }))).toMatchObject({
      status: 78,
      reason: 'tls-failure',
      code: 'CERT_HAS_EXPIRED',
      advice: expect.stringContaining('renew it'),
    })
  })

  test.concurrent('that wants a client certificate says that', async ({ expect }) => {
    expect(await verdict(pg.client.url({ query: { sslmode: 'require' } }))).toMatchObject({
      status: 78,
      reason: expect.stringMatching(/tls-failure|access-denied/),
      advice: expect.stringContaining('sslcert'),
    })
    const { certPath, keyPath } = certs.client
    const shown = { sslmode: 'require', sslcert: certPath, sslkey: keyPath }
    expect(await verdict(pg.client.url({ query: shown }))).toMatchObject({ status: 0 })
  })

  test.concurrent('is ready where all of it fits, by PG* as well', async ({ expect }) => {
    expect(await verdict(pg.on.url({ query: trusting() }))).toMatchObject({ status: 0, state: 'ready' })
    const env = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: certs.ca.certPath }
    expect(await verdict(pg.on.url(), env)).toMatchObject({ status: 0 })
    expect(await verdict(pg.wrongHost.url(), env)).toMatchObject({ status: 78, reason: 'tls-failure' })
  })

  test.concurrent('with a file that is not there is a mistake of ours, with its name', async ({ expect }) => {
    const url = pg.on.url({ query: { sslmode: 'verify-full', sslrootcert: '/no/such.crt' } })
    expect(await verdict(url)).toMatchObject({
      status: 78,
      reason: 'client-misuse',
      message: 'sslrootcert: /no/such.crt cannot be read (ENOENT)',
    })
  })
})

describe('Redis', () => {
  test.concurrent('rediss at a plain server', async ({ expect }) => {
    const url = sharedRedis().url({ scheme: 'rediss' })
    expect(await verdict(url)).toMatchObject({
      status: 78,
      reason: 'tls-failure',
      advice: expect.stringContaining('redis://'),
    })
  })

  test.concurrent('redis at a server with TLS', async ({ expect }) => {
    expect(await verdict(redis.url({ scheme: 'redis' }))).toMatchObject({
      status: 78,
      reason: 'tls-failure',
      advice: expect.stringContaining('rediss://'),
    })
  })

  test.concurrent('rediss with an authority that nobody here trusts, and with the right one', async ({
    expect,
  }) => {
    expect(await verdict(redis.url())).toMatchObject({ status: 78, reason: 'tls-failure' })
    const url = redis.url({ query: { sslrootcert: certs.ca.certPath } })
    expect(await verdict(url)).toMatchObject({ status: 0, state: 'ready' })
  })
})

test('https with an authority that nobody here trusts, and http at https', async () => {
  const { cert, key } = certs.server
  const server = createServer({ cert, key }, (_, response) => response.end('ok'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    expect(await verdict(`https://127.0.0.1:${port}/`)).toMatchObject({ status: 78, reason: 'tls-failure' })
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 78,
      reason: 'tls-failure',
      advice: expect.stringContaining('https://'),
    })
    const env = { NODE_EXTRA_CA_CERTS: certs.ca.certPath }
    expect(await verdict(`https://127.0.0.1:${port}/`, env)).toMatchObject({ status: 0 })
  } finally {
    server.close()
  }
})
