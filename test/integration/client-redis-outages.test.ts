/** What a client does while Redis is away or says nothing. */
import { Redis as Redis6 } from 'ioredis6'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/client/redis.js'
import { startRedis } from '../support/redis.js'

const DRIVERS = {
  ioredis: { driver: 'ioredis' },
  'ioredis 6': { Redis: Redis6 },
  redis: { driver: 'redis' },
} as const
type Name = keyof typeof DRIVERS

// biome-ignore lint/suspicious/noExplicitAny: two drivers
type Client = any

async function connected(name: Name, more: object = {}) {
  const server = await startRedis()
  onTestFinished(() => server.remove())
  const client: Client = await connect(server.url(), { ...DRIVERS[name], backoffMillis: 5000, ...more })
  onTestFinished(() => {
    server.resume()
    if (name === 'redis') client.destroy()
    else client.disconnect()
  })
  /** Resolves when the client knows that it has no connection. */
  const away = async () => {
    const lost = new Promise(resolve => client.once(name === 'redis' ? 'error' : 'reconnecting', resolve))
    await server.stop()
    await lost
  }
  return { server, client, away }
}

const told = (call: Promise<unknown>): Promise<Client> => call.then(String, error => error)
const each = test.each(Object.keys(DRIVERS) as Name[])
const ioredis = test.each(['ioredis', 'ioredis 6'] as const)

ioredis('%s keeps nothing of commands that gave up waiting for a connection', async name => {
  const { client, away } = await connected(name, { acquireTimeoutMillis: 20 })
  await away()
  const calls = Array.from({ length: 50 }, () => told(client.set('k', 'x')))
  const pipeline = client.pipeline().set('a', '1').set('b', '1').exec()
  expect(client.offlineQueue.length).toBe(52)
  for (const { holdfast } of await Promise.all(calls)) expect(holdfast.outcome).toBe('not-sent')
  for (const [{ holdfast }] of await pipeline) expect(holdfast.outcome).toBe('not-sent')
  expect(client.offlineQueue.length).toBe(0)
})

ioredis('%s ends what waits for a connection when it is disconnected between two attempts', async name => {
  const { client, away } = await connected(name)
  await away()
  const waiting = told(client.get('k'))
  client.disconnect()
  expect((await waiting).holdfast).toMatchObject({ phase: 'statement', outcome: 'not-sent' })
  expect(client.status).toBe('end')
  expect((await told(client.get('k'))).holdfast.outcome).toBe('not-sent')
})

test('ioredis can be connected again after it was disconnected between two attempts', async () => {
  const { server, client, away } = await connected('ioredis')
  await away()
  client.disconnect()
  await server.start()
  await client.connect()
  expect(await client.ping()).toBe('PONG')
})

test('node-redis waits for a connection no longer than the caller, and does not send what was given up', async () => {
  const { server, client, away } = await connected('redis', { backoffMillis: 50 })
  await away()
  const error = await told(client.withAbortSignal(AbortSignal.timeout(10)).set('k', 'x'))
  expect(error.constructor.name).toBe('AbortError')
  expect(error.holdfast.outcome).toBe('not-sent')
  await server.start()
  expect(await client.get('k')).toBe(null)
})

test('quit ends a node-redis that has no connection, and what waits for one', async () => {
  const { client, away } = await connected('redis')
  await away()
  const waiting = told(client.get('k'))
  expect(await client.quit()).toBe('OK')
  expect((await waiting).holdfast.outcome).toBe('not-sent')
  expect(client.isOpen).toBe(false)
})

test('quit ends a node-redis whose server says nothing', async () => {
  const { server, client } = await connected('redis', { commandTimeoutMillis: 100 })
  server.pause()
  expect((await told(client.quit())).holdfast.phase).toBe('statement')
  expect(client.isOpen).toBe(false)
})

each('%s ends a command that blocks when it had no answer long after its own time', async name => {
  const { server, client } = await connected(name, { commandTimeoutMillis: 150, backoffMillis: 10 })
  const lists = name === 'redis' ? 'blPop' : 'blpop'
  const read = name === 'redis' ? { key: 's', id: '$' } : undefined
  // Its own time is longer than any other command may take.
  expect(await client[lists]('none', 0.3)).toBe(null)
  const streams = read ? client.xRead(read, { BLOCK: 300 }) : client.xread('BLOCK', 300, 'STREAMS', 's', '$')
  expect(await streams).toBe(null)
  server.pause()
  const error = await told(client[lists]('none', 0.1))
  expect(error.message).toMatch(/^BLPOP had no answer within 250 ms$/i)
  expect(error.holdfast).toMatchObject({ reason: 'statement-timeout', outcome: 'unknown' })
  server.resume()
  expect(await client.ping()).toBe('PONG')
})

ioredis('%s tells the error of a command that was called while it was connecting', async name => {
  const { server, client } = await connected(name, { backoffMillis: 10 })
  await client.set('text', 'x')
  await server.cli('config', 'set', 'save', '')
  const calls: Promise<Client>[] = []
  client.on('connect', () => calls.push(told(client.lpush('text', 'x')), told(client.call('nonsense'))))
  await server.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes')
  await expect.poll(() => calls.length).toBeGreaterThan(0)
  for (const { holdfast } of await Promise.all(calls))
    expect(holdfast).toMatchObject({ phase: 'statement', outcome: 'rejected' })
})

each('%s tells the errors within the answer of a transaction', async name => {
  const { client } = await connected(name)
  await client.set('text', 'x')
  const multi = client.multi().incr('n')
  const answer = await (name === 'redis' ? multi.lPush('text', 'y') : multi.lpush('text', 'y'))
    .exec()
    .catch((error: Client) => error.replies.map((reply: unknown) => [reply]))
  expect(answer[1][0].holdfast).toMatchObject({ phase: 'statement', outcome: 'rejected' })
})
