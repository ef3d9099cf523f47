import { existsSync } from 'node:fs'
import { Client } from 'pg'
import { afterEach, expect, test } from 'vitest'
import { certificates } from './certs.js'
import { type PostgresOptions, type PostgresServer, startPostgres } from './postgres.js'
import { descendants, isAlive, listeningPorts } from './proc.js'
import { sharedPostgres } from './shared.js'

const started: PostgresServer[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map(server => server.remove()))
})

async function postgres(options?: PostgresOptions) {
  const server = await startPostgres(options)
  started.push(server)
  return server
}

async function ask(connectionString: string, text: string, ssl?: object): Promise<unknown> {
  const client = new Client({ connectionString, ...(ssl ? { ssl } : {}) })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<Record<string, unknown>>({ text, rowMode: 'array' } as never)
    return (rows[0] as unknown as unknown[])[0]
  } finally {
    await client.end()
  }
}

test('app logs in with its odd password, and logins are counted without the superuser’s', async () => {
  const server = await postgres()
  expect(await ask(server.url(), 'select current_user')).toBe('app')
  expect(await server.sql('select 1; select 2')).toBe('1\n2')
  expect(server.connectionsSeen()).toBe(1)
  await expect(ask(server.url({ password: 'wrong' }), 'select 1')).rejects.toMatchObject({ code: '28P01' })
  await expect(ask(server.url({ database: 'none' }), 'select 1')).rejects.toMatchObject({ code: '3D000' })
  expect([server.connectionsSeen(), server.rejectedLogins()]).toEqual([3, 1])
})

test.each(['md5', 'password', 'trust'] as const)('auth %s', async auth => {
  const server = await postgres({ auth })
  expect(await ask(server.url(), 'select 1')).toBe(1)
  const stored = await server.sql("select left(rolpassword, 3) from pg_authid where rolname = 'app'")
  expect(stored).toBe(auth === 'md5' ? 'md5' : 'SCR')
  const wrong = ask(server.url({ password: 'wrong' }), 'select 1')
  if (auth === 'trust') expect(await wrong).toBe(1)
  else await expect(wrong).rejects.toMatchObject({ code: '28P01' })
})

test('tls with certificates of the server and of the client', async () => {
  const { ca, client } = await certificates()
  const [required, mutual] = await Promise.all([
    postgres({ tls: 'required' }),
    postgres({ tls: { client: 'only' } }),
  ])
  const over = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
  expect(await ask(required.url({ host: 'localhost' }), over, { ca: ca.cert })).toBe(true)
  await expect(ask(required.url(), 'select 1')).rejects.toMatchObject({ code: '28000' })
  const us = { ca: ca.cert, cert: client.cert, key: client.key }
  expect(await ask(mutual.url({ password: null }), 'select current_user', us)).toBe('app')
  await expect(ask(mutual.url(), 'select 1', { ca: ca.cert })).rejects.toMatchObject({ code: '28000' })
})

test('pg_hba.conf can be replaced, and the superuser stays', async () => {
  const server = await postgres({ hba: ['host all all 127.0.0.1/32 reject'] })
  await expect(ask(server.url(), 'select 1')).rejects.toMatchObject({ code: '28000' })
  expect(await server.sql('select 1')).toBe('1')
})

test('socketOnly opens no port', async () => {
  const server = await postgres({ socketOnly: true })
  expect(listeningPorts([server.pid])).toEqual([])
  expect(await ask(server.url(), 'select 1')).toBe(1)
})

test('settings and the limit of sessions', async () => {
  const server = await postgres({ maxConnections: 1, settings: { statement_timeout: '123ms' } })
  expect(await ask(server.url(), 'show statement_timeout')).toBe('123ms')
  const holder = new Client({ connectionString: server.url() })
  await holder.connect()
  await expect(ask(server.url(), 'select 1')).rejects.toMatchObject({ code: '53300' })
  expect(await server.sql('select 1')).toBe('1')
  await holder.end()
})

test('starting answers 57P03 until it is released, and stays a primary after a restart', async () => {
  const server = await postgres({ state: 'starting' })
  await expect(ask(server.url(), 'select 1')).rejects.toMatchObject({ code: '57P03' })
  await server.release()
  expect(await ask(server.url(), 'select pg_is_in_recovery()')).toBe(false)
  await server.restart()
  expect(await ask(server.url(), 'select pg_is_in_recovery()')).toBe(false)
})

test('a standby is read-only, a closed one answers 57P03', async () => {
  const [open, closed] = await Promise.all([
    postgres({ state: 'standby' }),
    postgres({ state: 'closed-standby' }),
  ])
  await expect(ask(open.url(), 'create table t ()')).rejects.toMatchObject({ code: '25006' })
  await expect(ask(closed.url(), 'select 1')).rejects.toMatchObject({ code: '57P03' })
})

test('stop and start keep data, port and log; every process of the stopped server is dead', async () => {
  const server = await postgres()
  const before = [server.pid, ...descendants(server.pid)]
  await server.sql('create table kept as select 1 as one')
  await server.stop('immediate')
  expect(before.filter(pid => isAlive(pid))).toEqual([])
  await expect(ask(server.url(), 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await server.start()
  expect(await server.sql('select one from kept')).toBe('1')
  await server.waitForLog(/automatic recovery in progress/)
  expect(server.log().match(/ready to accept connections/g)).toHaveLength(2)
})

test('kill leaves no process and no shared memory, and remove no file', async () => {
  const server = await postgres()
  const client = new Client({ connectionString: server.url() })
  const failed = new Promise(resolve => client.on('error', resolve))
  await client.connect()
  const family = [server.pid, ...descendants(server.pid)]
  expect(family.length).toBeGreaterThan(4)
  await server.kill()
  await failed
  expect(family.filter(pid => isAlive(pid))).toEqual([])
  expect(existsSync(`${server.dataDir}/postmaster.pid`)).toBe(false)
  await server.remove()
  expect(existsSync(server.dataDir)).toBe(false)
})

test('a paused server accepts and is silent; it can be resumed, stopped and killed', async () => {
  const server = await postgres()
  const client = new Client({ connectionString: server.url() })
  client.on('error', () => {})
  await client.connect()
  server.pause()
  const answer = client.query('select 1')
  const first = await Promise.race([answer, new Promise(resolve => setTimeout(resolve, 50, 'silent'))])
  expect(first).toBe('silent')
  server.resume()
  await answer
  server.pause()
  await server.stop()
})

test('the shared server is there for every file', async () => {
  const server = sharedPostgres()
  expect(await ask(server.url(), 'select 1')).toBe(1)
  expect(await server.sql('select 2')).toBe('2')
  expect(isAlive(server.pid)).toBe(true)
})
