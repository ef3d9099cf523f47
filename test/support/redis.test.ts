import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { certificates } from './certs.js'
import { isAlive } from './proc.js'
import { type RedisOptions, type RedisServer, startRedis } from './redis.js'
import { sharedRedis } from './shared.js'

const started: RedisServer[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map(server => server.remove()))
})

async function redis(options?: RedisOptions) {
  const server = await startRedis(options)
  started.push(server)
  return server
}

/** Sends inline commands and resolves with the first line of each answer. */
async function say(
  server: { host: string; port: number },
  commands: string[],
  ca?: string,
): Promise<string[]> {
  const { host, port } = server
  const socket = ca ? connectTls({ host, port, ca }) : connect({ host, port })
  const answers: string[] = []
  try {
    for (const command of commands) {
      socket.write(`${command}\r\n`)
      const chunk = await new Promise<Buffer>((resolve, reject) => {
        socket.once('data', resolve).once('error', reject)
      })
      answers.push(chunk.toString().split('\r\n')[0] ?? '')
    }
    return answers
  } finally {
    socket.destroy()
  }
}

test('a plain server answers, counts its connections and keeps its port through a restart', async () => {
  const server = await redis()
  expect(await say(server, ['PING', 'SET a 1'])).toEqual(['+PONG', '+OK'])
  expect(await server.cli('get', 'a')).toBe('1')
  expect(server.connectionsSeen()).toBe(1)
  const first = server.pid
  await server.restart()
  expect(isAlive(first)).toBe(false)
  expect(await say(server, ['PING'])).toEqual(['+PONG'])
})

test('passwords and users', async () => {
  const server = await redis({ password: 'a b"c', users: { app: 'on >secret ~app:* +@read' } })
  const [ping, wrong, app, set] = await say(server, ['PING', 'AUTH nope', 'AUTH app secret', 'SET app:1 x'])
  expect([ping, wrong]).toEqual([expect.stringMatching(/^-NOAUTH/), expect.stringMatching(/^-WRONGPASS/)])
  expect([app, set]).toEqual(['+OK', expect.stringMatching(/^-NOPERM/)])
  expect(await say(server, ['AUTH "a b\\"c"'])).toEqual(['+OK'])
  expect(server.url()).toBe(`redis://:a%20b%22c@127.0.0.1:${server.port}`)
  expect([await server.errorsSent('WRONGPASS'), await server.errorsSent('OOM')]).toEqual([1, 0])
})

test('tls', async () => {
  const server = await redis({ tls: true })
  const { ca } = await certificates()
  expect(await say(server, ['PING'], ca.cert)).toEqual(['+PONG'])
  expect(await server.cli('ping')).toBe('PONG')
  expect(server.url()).toBe(`rediss://127.0.0.1:${server.port}`)
})

test('loading lasts until it is cut short, or as long as asked', async () => {
  const server = await redis({ loadingMs: 60_000 })
  expect(await say(server, ['PING'])).toEqual([expect.stringMatching(/^-LOADING/)])
  await server.finishLoading()
  expect(await say(server, ['PING', 'DBSIZE'])).toEqual(['+PONG', ':12000'])
  const began = performance.now()
  const brief = await redis({ loadingMs: 200 })
  await brief.waitForLog(/Ready to accept/)
  expect(performance.now() - began).toBeGreaterThan(180)
})

test('maxclients', async () => {
  const server = await redis({ maxclients: 1 })
  const holder = connect(server)
  await new Promise(resolve => holder.once('connect', resolve))
  expect(await say(server, [''])).toEqual([expect.stringMatching(/^-ERR max number of clients/)])
  holder.destroy()
})

test('a replica is read-only with its primary and says MASTERDOWN without', async () => {
  const primary = await redis()
  const replica = await redis({ replicaOf: primary.port })
  await replica.waitForLog(/MASTER <-> REPLICA sync: Finished with success/)
  expect(await say(replica, ['SET a 1'])).toEqual([expect.stringMatching(/^-READONLY/)])
  await primary.kill()
  await replica.waitForLog(/Connection with master lost/)
  expect(await say(replica, ['GET a'])).toEqual([expect.stringMatching(/^-MASTERDOWN/)])
})

test('pause keeps the port open and silent; remove leaves neither process nor file', async () => {
  const server = await redis()
  server.pause()
  const answer = say(server, ['PING'])
  const first = await Promise.race([answer, new Promise(resolve => setTimeout(resolve, 50, 'silent'))])
  expect(first).toBe('silent')
  server.resume()
  expect(await answer).toEqual(['+PONG'])
  server.pause()
  await server.remove()
  expect(isAlive(server.pid)).toBe(false)
  expect(existsSync(server.logFile)).toBe(false)
})

test('the shared server is there for every file', async () => {
  const server = sharedRedis()
  expect(await say(server, ['PING'])).toEqual(['+PONG'])
  expect(await server.cli('ping')).toBe('PONG')
  expect(server.url()).toBe(`redis://127.0.0.1:${server.port}`)
})
