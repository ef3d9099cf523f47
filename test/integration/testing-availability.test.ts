import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startBlackhole } from '../support/blackhole.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { freePort, tempFolder } from '../support/root.js'
import { type Running, script, start } from './standin-scripts.js'

/** A worker of a test runner: asks for DATABASE_URL, at START where that is to come, and prints what it was told. */
const WORKER = `
  import { parseTarget } from './src/core/target.ts'
  import { loadService, SCHEMES } from './src/services/registry.ts'
  import { available } from './src/testing/availability.ts'
  const { env } = process
  const target = parseTarget(env.DATABASE_URL, { schemes: SCHEMES })
  const aim = { target, service: await loadService(target.service) }
  const plan = { timeoutMs: 10000, attemptTimeoutMs: 4000, availabilityMs: Number(env.AVAILABILITY_MS ?? 30000) }
  await new Promise(go => setTimeout(go, Number(env.START ?? 0) - Date.now()))
  const begun = Date.now()
  const { signal } = new AbortController()
  const { outcome, at } = await available(aim, plan, { logins: new Map(), signal })
  const { ready, finding } = outcome.verdict
  console.log(JSON.stringify({ ready, reason: finding?.reason, message: finding?.message, at, ms: Date.now() - begun }))
`

interface Told {
  readonly ready: boolean
  readonly reason?: string
  readonly message?: string
  readonly at: number
  readonly ms: number
}

let worker: string
let server: PostgresServer
beforeAll(async () => {
  worker = await script(WORKER)
  server = await startPostgres()
  return () => server.remove()
})

/** A machine of its own: its temporary folder. */
function machine() {
  const TMPDIR = tempFolder('machine')
  const kept = () =>
    readdirSync(TMPDIR).flatMap(name => readdirSync(join(TMPDIR, name)).map(file => join(TMPDIR, name, file)))
  const begin = (url: string, env: Record<string, string> = {}): Running =>
    start(worker, { env: { TMPDIR, DATABASE_URL: url, ...env } })
  const ask = (url: string, env?: Record<string, string>) => begin(url, env).said as Promise<Told>
  const together = (n: number, url: string) => {
    const START = String(Date.now() + 1500)
    return Promise.all(Array.from({ length: n }, () => ask(url, { START })))
  }
  return { kept, begin, ask, together }
}

const one = (values: readonly unknown[]) => expect(new Set(values).size).toBe(1)

test('sixteen processes at once make one connection, and all have its answer', async () => {
  const { together, kept } = machine()
  const before = server.connectionsSeen()
  const told = await together(16, server.url())
  expect(told.every(({ ready }) => ready)).toBe(true)
  one(told.map(({ at }) => at))
  await expect.poll(() => server.connectionsSeen()).toBe(before + 1)
  expect(kept().filter(file => !/\/(salt|[0-9a-f]{40}\.json)$/.test(file))).toEqual([])
})

test('sixteen processes with a wrong password make one login', async () => {
  const { together } = machine()
  const before = server.rejectedLogins()
  const told = await together(16, server.url({ password: 'not-the-password' }))
  one(told.map(({ reason }) => reason))
  expect(told[0]?.reason).toBe('authentication-failed')
  await expect.poll(() => server.rejectedLogins()).toBe(before + 1)
})

test('where the process that looks is killed, one of those that wait takes its place', async () => {
  const { begin, together, kept } = machine()
  const before = server.connectionsSeen()
  server.pause()
  const first = begin(server.url())
  await expect.poll(() => kept().filter(file => file.endsWith('.lock')), { timeout: 10_000 }).toHaveLength(1)
  await first.kill()
  const waiting = together(8, server.url())
  server.resume()
  const told = await waiting
  expect(told.every(({ ready }) => ready)).toBe(true)
  one(told.map(({ at }) => at))
  // Its own may be known to the server, or not yet.
  await expect.poll(() => server.connectionsSeen() - before).toBeGreaterThanOrEqual(1)
  expect(server.connectionsSeen() - before).toBeLessThanOrEqual(2)
})

test('a server that is gone and comes back is used again once the answer is old', async () => {
  const { ask } = machine()
  await server.stop()
  expect(await ask(server.url())).toMatchObject({ ready: false, reason: 'connection-refused' })
  await server.start()
  expect(await ask(server.url())).toMatchObject({ ready: false })
  expect(await ask(server.url(), { AVAILABILITY_MS: '1' })).toMatchObject({ ready: true })
  expect(await ask(server.url())).toMatchObject({ ready: true })
})

test('a host that swallows packets is told after one second, not after the time for an attempt', async () => {
  const { ask } = machine()
  const hole = await startBlackhole()
  onTestFinished(() => hole.close())
  const told = await ask(`postgres://app:longpassword@${hole.host}:${hole.port}/app`)
  expect(told).toMatchObject({ ready: false, reason: 'connect-timeout' })
  expect(told.message).toMatch(/TCP connection request within (9\d\d|1\d\d\d) ms/)
  expect(told.ms).toBeLessThan(3000)
})

test('of two hosts the one that works is found behind the one that swallows packets', async () => {
  const { ask } = machine()
  const hole = await startBlackhole()
  onTestFinished(() => hole.close())
  const hosts = `${hole.host}:${hole.port},${server.host}:${server.port}`
  const url = server.url().replace(/@[^/]*/, `@${hosts}`)
  expect(await ask(url)).toMatchObject({ ready: true })
})

test('in a temporary folder that cannot be used every process asks for itself', async () => {
  const port = await freePort()
  const env = { TMPDIR: '/proc/no/such' }
  const { ask } = machine()
  const told = await ask(`postgres://app@127.0.0.1:${port}/app`, env)
  expect(told).toMatchObject({ ready: false, reason: 'connection-refused' })
})
