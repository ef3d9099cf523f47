import { Client } from 'pg'
import { afterEach, expect, test } from 'vitest'
import { certificates } from './certs.js'
import { type PgBouncerOptions, type PgBouncerServer, startPgBouncer } from './pgbouncer.js'
import { isAlive } from './proc.js'
import { freePort } from './root.js'
import { sharedPostgres } from './shared.js'

const started: PgBouncerServer[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map(server => server.remove()))
})

async function pgbouncer(options: Partial<PgBouncerOptions> = {}) {
  const server = await startPgBouncer({ backend: sharedPostgres(), ...options })
  started.push(server)
  return server
}

async function session(connectionString: string, ssl?: object) {
  const client = new Client({ connectionString, ...(ssl ? { ssl } : {}) })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function ask(connectionString: string, ssl?: object): Promise<unknown> {
  const client = await session(connectionString, ssl)
  try {
    return (await client.query<{ one: number }>('select 1 as one')).rows[0]?.one
  } finally {
    await client.end()
  }
}

test.each(['scram-sha-256', 'md5', 'plain', 'trust', 'any'] as const)('auth %s', async auth => {
  const server = await pgbouncer({ auth })
  expect(await ask(server.url())).toBe(1)
  const wrong = ask(server.url({ password: 'wrong' }))
  if (auth === 'trust' || auth === 'any') return expect(await wrong).toBe(1)
  await expect(wrong).rejects.toMatchObject({ code: '08P01' })
  await server.waitForLog(/pooler error/)
  expect(server.rejectedLogins()).toBe(1)
})

test('an unknown database, and the limit of clients', async () => {
  const server = await pgbouncer({ maxClientConn: 1 })
  await expect(ask(server.url({ database: 'none' }))).rejects.toThrow(/no such database/)
  const holder = await session(server.url())
  await expect(ask(server.url())).rejects.toThrow(/no more connections allowed/)
  await holder.end()
})

test('in transaction mode two clients share one session of the server', async () => {
  const server = await pgbouncer({ mode: 'transaction', poolSize: 1 })
  const clients = await Promise.all([session(server.url()), session(server.url())])
  const pids = await Promise.all(
    clients.map(it => it.query<{ pid: number }>('select pg_backend_pid() as pid')),
  )
  expect(new Set(pids.map(it => it.rows[0]?.pid)).size).toBe(1)
  await Promise.all(clients.map(it => it.end()))
})

test('tls', async () => {
  const server = await pgbouncer({ tls: 'require' })
  const { ca } = await certificates()
  expect(await ask(server.url(), { ca: ca.cert, servername: 'localhost' })).toBe(1)
  await expect(ask(server.url())).rejects.toThrow(/SSL required/)
})

test('a dead backend surfaces after the login time-out, and the port stays through stop and start', async () => {
  const backend = { host: '127.0.0.1', port: await freePort() }
  const server = await pgbouncer({ backend, settings: { query_wait_timeout: '1' } })
  await expect(ask(server.url())).rejects.toThrow(/query_wait_timeout|connect failed|server login/)
  const first = server.pid
  await server.stop()
  expect(isAlive(first)).toBe(false)
  await server.start()
  server.pause()
  server.resume()
  await server.kill()
  expect(isAlive(server.pid)).toBe(false)
})
