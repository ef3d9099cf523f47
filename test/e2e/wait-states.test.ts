import { connect } from 'node:net'
import pg from 'pg'
import { afterAll, describe, test } from 'vitest'
import { spawnHoldfast } from '../support/cli.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { startRedis } from '../support/redis.js'
import { waitJson } from './outcome.js'

const LIMITED = ['--timeout', '400ms']

const ours: { remove(): Promise<void> }[] = []
afterAll(() => Promise.all(ours.map(server => server.remove())))

const started = async <T extends { remove(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
  const server = await starting
  ours.push(server)
  return server
}

/** Takes so many of the server's connections; they end with the server. */
async function occupy(server: PostgresServer, count: number): Promise<pg.Client[]> {
  const clients = Array.from({ length: count }, () => new pg.Client({ connectionString: server.url() }))
  for (const client of clients) client.on('error', () => {})
  await Promise.all(clients.map(client => client.connect()))
  return clients
}

describe('a server that is full', () => {
  test.concurrent('is waited for at a slow pace, with a reason and advice of its own', async ({ expect }) => {
    const server = await started(startPostgres({ maxConnections: 2 }))
    const clients = await occupy(server, 2)
    const seen = server.connectionsSeen()
    const { status, target } = await waitJson([server.url(), '--timeout', '1200ms'])
    expect(status).toBe(69)
    expect(target).toMatchObject({ reason: 'too-many-connections', code: '53300', state: 'waiting' })
    expect(target.advice).toContain("Compare pool size times processes with the server's limit.")
    expect(server.connectionsSeen() - seen).toBeLessThanOrEqual(3)

    const running = spawnHoldfast(['wait', server.url()], { input: '' })
    await running.waitForStderr(/too-many-connections/)
    await clients[0]?.end()
    expect((await running.exited).status).toBe(0)
  })

  test.concurrent('for this role alone is told from one that is full for everybody', async ({ expect }) => {
    const server = await started(startPostgres())
    await server.sql('alter role app connection limit 1')
    await occupy(server, 1)
    const { target } = await waitJson([server.url(), ...LIMITED])
    expect(target).toMatchObject({ reason: 'too-many-connections', code: '53300' })
    expect(target.message).toContain('too many connections for role "app"')
  })

  test.concurrent('of Redis is named', async ({ expect, onTestFinished }) => {
    const server = await started(startRedis({ maxclients: 1 }))
    const socket = connect(server.port)
    onTestFinished(() => void socket.destroy())
    await new Promise(resolve => socket.once('connect', resolve))
    const { status, target } = await waitJson([server.url(), ...LIMITED])
    expect(status).toBe(69)
    expect(target).toMatchObject({ reason: 'too-many-connections' })
  })
})

describe('a server that does not serve yet', () => {
  test.concurrent('answers 57P03, is waited for, and is ready in the end', async ({ expect }) => {
    const server = await started(startPostgres({ state: 'starting' }))
    const { status, target } = await waitJson([server.url(), ...LIMITED])
    expect(status).toBe(69)
    expect(target).toMatchObject({ reason: 'server-not-ready', code: '57P03', state: 'waiting' })
    expect(target.advice).toBe("Wait; if it lasts, read the server's log.")

    const running = spawnHoldfast(['wait', server.url()], { input: '' })
    await running.waitForStderr(/server-not-ready at handshake: the database system is starting up/)
    await server.release()
    expect((await running.exited).status).toBe(0)
  })

  test.concurrent('has to answer at most 30 times in the first second', async ({ expect }) => {
    const server = await started(startPostgres({ state: 'closed-standby' }))
    const seen = server.connectionsSeen()
    const { target } = await waitJson([server.url(), '--timeout', '1s'])
    expect(target.reason).toBe('server-not-ready')
    expect(server.connectionsSeen() - seen).toBeLessThanOrEqual(30)
  })

  test.concurrent('is LOADING, or a replica without its primary', async ({ expect }) => {
    const loading = await started(startRedis({ loadingMs: 20_000 }))
    const replica = await started(startRedis({ replicaOf: 1 }))
    const [first, second] = await Promise.all([
      waitJson([loading.url(), ...LIMITED]),
      waitJson([replica.url(), ...LIMITED]),
    ])
    expect([first.status, first.target.reason, first.target.code]).toEqual([
      69,
      'server-not-ready',
      'LOADING',
    ])
    expect([second.status, second.target.reason, second.target.code]).toEqual([
      69,
      'server-not-ready',
      'MASTERDOWN',
    ])
    expect(second.target.advice).toContain('primary')
    await loading.finishLoading()
    expect((await waitJson([loading.url()])).status).toBe(0)
  })
})

describe('a standby', () => {
  test.concurrent('is ready for reading, and read-only for --until write', async ({ expect }) => {
    const server = await started(startPostgres({ state: 'standby' }))
    expect((await waitJson([server.url()])).target.state).toBe('ready')
    const { status, target } = await waitJson([server.url(), '--until', 'write', ...LIMITED])
    expect(status).toBe(69)
    expect(target).toMatchObject({ reason: 'read-only', layer: 'write', code: '25006' })
    expect(target.advice).toContain('primary')
  })

  test.concurrent('is not the primary that target_session_attrs asks for', async ({ expect }) => {
    const server = await started(startPostgres({ state: 'standby' }))
    const url = server.url({ query: { target_session_attrs: 'primary' } })
    const { status, target } = await waitJson([url, ...LIMITED])
    expect([status, target.reason]).toEqual([69, 'read-only'])
  })
})

test.concurrent('a server that goes away in the middle of a wait with --stable is waited for again', async ({
  expect,
}) => {
  const server = await started(startPostgres())
  const args = ['wait', '-v', server.url(), '--stable', '1s']
  const running = spawnHoldfast(args, { input: '' })
  await running.waitForStderr(/#1 {2}postgres {2}ready/)
  await server.restart()
  await running.waitForStderr(/UNSTABLE|--stable 1 s: the session that was held closed/)
  const { status, stderr } = await running.exited
  expect(status).toBe(0)
  expect(stderr).toMatch(/1 of 1 ready after/)
})
