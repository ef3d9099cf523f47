/** IntegreSQL's API, by its client for Node and by hand. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { IntegreSQLClient } from '@devoxa/integresql-client'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { thisProcess } from '../../src/io/owner.js'
import { Isolation, type IsolationOptions } from '../../src/isolate/isolation.js'
import { listen } from '../../src/isolate/listen.js'
import { refuseReached } from '../../src/isolate/maintenance.js'
import { Manager } from '../../src/isolate/manager.js'
import { aimOf } from '../../src/testing/database.js'
import { belongings, leftSince } from '../support/leaks.js'
import type { PostgresServer } from '../support/postgres.js'
import { databasesOf, startIsolable } from './support.js'

let server: PostgresServer
beforeAll(async () => {
  server = await startIsolable()
})
afterAll(() => server.remove())

async function start(options: Partial<IsolationOptions> = {}) {
  const said: string[] = []
  const main = { aim: await aimOf(server.url()), pool: 2 }
  const say = (text: string) => said.push(text)
  const isolation = new Isolation({ aim: aimOf, main, say, templates: 'drop', ...options })
  const { baseUrl, close } = await listen(isolation)
  const end = async () => {
    close()
    await isolation.close()
  }
  onTestFinished(end)
  const send = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${baseUrl}/api/v1${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } : {}),
    })
    const text = await answer.text()
    return { status: answer.status, body: text ? JSON.parse(text) : undefined }
  }
  return { isolation, baseUrl, send, said, end }
}

const inDatabase = async (database: string, text: string) => {
  const client = new pg.Client({ connectionString: server.url({ database }) })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

test('the client for Node sets a template up once and gets databases with its content', async () => {
  const before = belongings()
  const { baseUrl, end } = await start()
  const client = new IntegreSQLClient({ url: `${baseUrl}/` })
  let filled = 0
  const fill = async ({ database }: { database: string }) => {
    filled++
    await inDatabase(database, 'CREATE TABLE books AS SELECT 3 AS n')
  }
  await Promise.all([client.initializeTemplate('books', fill), client.initializeTemplate('books', fill)])
  const [one, two] = await Promise.all([client.getTestDatabase('books'), client.getTestDatabase('books')])
  expect(filled).toBe(1)
  expect(one.database).not.toBe(two.database)
  expect(one).toMatchObject({
    host: '127.0.0.1',
    port: server.port,
    username: 'app',
    password: server.password,
  })
  expect(await inDatabase(two.database, 'SELECT n FROM books')).toEqual([{ n: 3 }])
  await client.api.discardAllTemplates()
  await expect(client.getTestDatabase('books')).rejects.toThrow(/template not found.*Status 404/)
  await end()
  expect(await databasesOf(server)).toEqual([])
  expect(await leftSince(before)).toEqual([])
})

test('statuses and bodies are those of IntegreSQL', async () => {
  const { send } = await start()
  const made = await send('POST', '/templates', { hash: 'a/b c' })
  expect(made).toMatchObject({
    status: 200,
    body: {
      database: {
        templateHash: 'a/b c',
        config: { port: server.port, database: expect.stringMatching(/^holdfast_t_/) },
      },
    },
  })
  expect(await send('POST', '/templates', { hash: 'a/b c' })).toEqual({
    status: 423,
    body: { message: 'template is already initialized' },
  })
  const at = `/templates/${encodeURIComponent('a/b c')}`
  const waiting = send('GET', `${at}/tests`)
  expect((await send('PUT', at)).status).toBe(204)
  expect((await send('PUT', at)).status).toBe(204)
  const { status, body } = await waiting
  expect(status).toBe(200)
  expect(Object.keys(body).sort()).toEqual(['database', 'id'])
  expect(body.id).toEqual(expect.any(Number))
  expect(body.database.config.database).toMatch(/^holdfast_c_/)
  expect((await send('POST', `${at}/tests/${body.id}/unlock`)).status).toBe(204)
  const answers = [
    [await send('POST', '/templates', {}), 400, 'hash is required'],
    [await send('PUT', '/templates/none'), 404, /template not found/],
    [await send('DELETE', '/templates/none'), 404, 'template not found'],
    [await send('GET', '/templates/none/tests'), 404, 'template not found'],
    [await send('POST', `${at}/tests/999/recreate`), 404, 'test database not found'],
    [await send('POST', `${at}/tests/x/unlock`), 400, 'invalid test database ID'],
    [await send('PATCH', at), 405, /Not Allowed/],
    [await send('GET', '/nowhere'), 404, /Not Found/],
  ] as const
  for (const [answer, expected, message] of answers) {
    expect(answer.status).toBe(expected)
    expect(answer.body.message).toMatch(message)
  }
  expect((await send('DELETE', at)).status).toBe(204)
  expect((await send('DELETE', '/admin/templates')).status).toBe(204)
})

test('a template that is discarded while somebody waits for it is gone, and can be made anew', async () => {
  const { send } = await start()
  await send('POST', '/templates', { hash: 'bad' })
  const waiting = send('GET', '/templates/bad/tests')
  expect((await send('DELETE', '/templates/bad')).status).toBe(204)
  expect(await waiting).toEqual({ status: 410, body: { message: 'template was just discarded' } })
  expect((await send('POST', '/templates', { hash: 'bad' })).status).toBe(200)
})

test('what was unlocked is handed out again, what is recreated is as the template is', async () => {
  const { send } = await start()
  await send('POST', '/templates', { hash: 'two' })
  await send('PUT', '/templates/two')
  const get = async () => {
    const { body } = await send('GET', '/templates/two/tests')
    return { id: body.id as number, name: body.database.config.database as string }
  }
  const one = await get()
  await inDatabase(one.name, 'CREATE TABLE left_behind ()')
  await send('POST', `/templates/two/tests/${one.id}/unlock`)
  const seen = [await get(), await get(), await get()]
  expect(seen.map(({ name }) => name)).toContain(one.name)
  expect((await send('POST', `/templates/two/tests/${one.id}/recreate`)).status).toBe(204)
  await expect.poll(() => databasesOf(server)).not.toContain(one.name)
  const next = await get()
  const tables = `SELECT * FROM pg_tables WHERE schemaname = 'public'`
  expect(await inDatabase(next.name, tables)).toEqual([])
})

test('a client that is still connected to the template holds nothing up (55006)', async () => {
  const { send } = await start()
  const { body } = await send('POST', '/templates', { hash: 'held' })
  const holder = new pg.Client({ connectionString: server.url({ database: body.database.config.database }) })
  holder.on('error', () => {})
  await holder.connect()
  await holder.query('ALTER DATABASE CURRENT_DATABASE SET lock_timeout = 1').catch(() => {})
  await holder.query(`ALTER DATABASE ${body.database.config.database} SET search_path TO own, public`)
  expect((await send('PUT', '/templates/held')).status).toBe(204)
  const got = await send('GET', '/templates/held/tests')
  expect(got.status).toBe(200)
  // What CREATE DATABASE does not copy.
  const [row] = await inDatabase(got.body.database.config.database, 'SHOW search_path')
  expect(row).toEqual({ search_path: 'own, public' })
  await holder.end().catch(() => {})
})

test('at the limit what nobody is connected to any more makes room', async () => {
  const manager = await Manager.open(await aimOf(server.url()), { pool: 1, most: 2, templates: 'drop' })
  await manager.initialize('few')
  await manager.finalize('few')
  const names = new Set<string>()
  for (let i = 0; i < 4; i++) names.add((await manager.claim('few')).name)
  expect(names.size).toBe(4)
  await manager.close()
  expect(await databasesOf(server, 'holdfast\\_c\\_%')).toEqual([])
})

test('a template is waited for as long as whoever fills it lives, and 60 s where nobody is known to', async () => {
  const manager = await Manager.open(await aimOf(server.url()), { pool: 1, claimMs: 20, templates: 'drop' })
  await manager.initialize('unknown')
  await expect(manager.ready('unknown')).rejects.toThrow('is not finished after 0.02 s')
  await manager.initialize('known', thisProcess())
  const waiting = manager.ready('known').then(() => 'ready')
  await expect(manager.ready('unknown')).rejects.toThrow('is not finished')
  await manager.finalize('known')
  expect(await waiting).toBe('ready')
  const child = spawn('true')
  const owner = thisProcess(child.pid)
  await once(child, 'exit')
  await manager.initialize('dead', owner)
  await expect(manager.ready('dead')).rejects.toThrow('discarded')
  await manager.close()
})

test('whoever comes without the token is let go of', async () => {
  const isolation = new Isolation({ aim: aimOf, main: { aim: await aimOf(server.url()) } })
  const { baseUrl, close } = await listen(isolation, { patienceMs: 100 })
  onTestFinished(close)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const get = () =>
    new Promise<boolean>((resolve, reject) => {
      const asking = request(`${baseUrl}/api/v1/templates/none`, { agent }, response => {
        response.resume().once('end', () => resolve(asking.reusedSocket))
      })
      asking.once('error', reject)
      asking.end()
    })
  await get()
  const slow = connect(Number(new URL(baseUrl).port), '127.0.0.1')
  slow.on('error', () => {})
  slow.write('GET / HT')
  await once(slow.resume(), 'close')
  expect(await get()).toBe(true)
  await isolation.close()
})

test('a role that may make no databases is told what to do', async () => {
  await server.sql("CREATE ROLE poor LOGIN PASSWORD 'p'", 'postgres')
  const { send, said } = await start({
    main: { aim: await aimOf(server.url({ user: 'poor', password: 'p' })) },
  })
  const { status, body } = await send('POST', '/templates', { hash: 'x' })
  expect(status).toBe(500)
  expect(body.message).toContain('ALTER ROLE poor CREATEDB')
  expect(said).toEqual([body.message])
})

test('a server beyond this machine is refused unless it is named', async () => {
  const away = await aimOf('postgres://app@db.example.com/app')
  await expect(Manager.open(away)).rejects.toThrow('--allow-remote db.example.com')
})

test.each([
  ['127.0.0.1', true],
  ['203.0.113.5', false],
  [undefined, false],
])('a name without a dot that led to %s may be used: %s', async (address, allowed) => {
  const { target } = await aimOf('postgres://app@proddb/app')
  const steps = address ? [{ layer: 'tcp', state: 'ok', ms: 1, address } as const] : []
  const judged = refuseReached(target, [], { steps })
  if (allowed) await judged
  else await expect(judged).rejects.toThrow('--allow-remote proddb')
  await refuseReached(target, ['proddb'], { steps })
})

test('a server that is gone is 503', async () => {
  const own = await startIsolable()
  onTestFinished(() => own.remove())
  const { send } = await start({ main: { aim: await aimOf(own.url()) } })
  await send('POST', '/templates', { hash: 'x' })
  await own.stop('immediate')
  expect((await send('PUT', '/templates/x')).status).toBeGreaterThanOrEqual(404)
  const again = await send('POST', '/templates', { hash: 'y' })
  expect(again.status).toBe(503)
})

test.each([
  ['another origin', { origin: 'https://evil.example' }],
  ['another name for this machine', { host: 'evil.example' }],
])('a browser that comes from %s is refused', async (_, headers) => {
  const { baseUrl } = await start()
  const status = await new Promise(resolve => {
    const url = new URL(`${baseUrl}/api/v1/admin/templates`)
    const { hostname, port, pathname } = url
    request({ hostname, port, path: pathname, method: 'DELETE', headers }, response => {
      response.resume()
      resolve(response.statusCode)
    }).end()
  })
  expect(status).toBe(403)
})

test('without the path that nobody guesses there is nothing', async () => {
  const { baseUrl } = await start()
  expect((await fetch(`${new URL(baseUrl).origin}/api/v1/templates/x/tests`)).status).toBe(404)
})
