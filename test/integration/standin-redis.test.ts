import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { type Reaper, startReaper } from '../../src/io/reaper.js'
import { requirePackages } from '../../src/standin/owned/packages.js'
import { sweepLeftovers } from '../../src/standin/owned/sweep.js'
import { serverUser as standInUser } from '../../src/standin/owned/user.js'
import { startRedisMock } from '../../src/standin/redis/mock.js'
import { startOwnedRedis } from '../../src/standin/redis/owned.js'
import type { StandIn, StandInOptions } from '../../src/standin/stand-in.js'
import { spawnHoldfast } from '../support/cli.js'
import { commandLine, descendants, isAlive, processesIn, untilDead } from '../support/proc.js'
import { request, respClient } from '../support/resp.js'
import { tempFolder } from '../support/root.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))

async function started(
  start: (options: StandInOptions) => Promise<StandIn>,
  options: Partial<StandInOptions> = {},
): Promise<StandIn> {
  const reaper: Reaper = startReaper()
  onTestFinished(() => reaper.close())
  const signal = new AbortController().signal
  const standIn = await start({ signal, reaper, cwd: repository, ...options })
  onTestFinished(() => standIn.close())
  return standIn
}

/** Sends bytes, and resolves with all that comes back until the other side hangs up. */
function untilHungUp(url: string, bytes: Buffer): Promise<string> {
  const { port } = new URL(url)
  return new Promise(resolve => {
    let text = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('error', () => {}).on('close', () => resolve(text))
  })
}

test('the password of the system’s server is on no command line, and its file is for the server alone', async () => {
  const tmp = tempFolder('standins', { forServer: true })
  const { url } = await started(startOwnedRedis, { tmp })
  const [pid = 0] = processesIn(tmp)
  expect(commandLine(pid)).toContain('redis-server')
  expect(commandLine(pid)).not.toContain(new URL(url).password)
  expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(new URL(url).password)
})

test('a server whose holdfast and watchdog were killed is ended by the next sweep', async () => {
  const env = { HOLDFAST_STANDIN: 'system' }
  const command = ['sh', '-c', 'echo up; exec sleep 60']
  const run = spawnHoldfast(['test', '--service', 'redis', '--', ...command], { env, cwd: repository })
  await run.waitForStdout(/up/)
  const all = descendants(run.pid)
  const [server = 0] = all.filter(pid => commandLine(pid).includes('redis-server'))
  const [watchdog = Number.NaN] = all.filter(pid => commandLine(pid).includes('holdfast-reaper'))
  const dir = readlinkSync(`/proc/${server}/cwd`)
  process.kill(watchdog, 'SIGKILL')
  run.kill('SIGKILL')
  await untilDead([run.pid, watchdog])
  expect(isAlive(server)).toBe(true)
  await sweepLeftovers([dirname(dir)], standInUser())
  expect([isAlive(server), existsSync(dir)]).toEqual([false, false])
})

test('HOLDFAST_REDIS_BIN is the only program that is tried', async () => {
  const env = { ...process.env, HOLDFAST_REDIS_BIN: '/nowhere/redis-server' }
  await expect(started(startOwnedRedis, { env })).rejects.toThrow(
    'HOLDFAST_REDIS_BIN=/nowhere/redis-server: there is no program',
  )
})

test('a package that is not installed is named, with where it was looked for', () => {
  expect(() => requirePackages('/', 'ioredis-mock', 'holdfast-has-no-such-package')).toThrow(
    'not installed in /: holdfast-has-no-such-package',
  )
})

test('the front hangs up on what is not Redis’ protocol, and serves on', async () => {
  const { url } = await started(startRedisMock)
  expect(await untilHungUp(url, Buffer.from('*1\r\n!x\r\n'))).toMatch(/^-ERR Protocol error/)
  expect(await untilHungUp(url, Buffer.alloc(100_000, 'x'))).toMatch(/too big inline request/)
  expect(await untilHungUp(url, Buffer.from('*99999999\r\n'))).toMatch(/multibulk/)
  const client = await respClient(url)
  expect(await client.ask('PING')).toBe('PONG')
  client.close()
})

test('a script that never ends does not keep the front from being closed', async () => {
  const standIn = await started(startRedisMock)
  const client = await respClient(standIn.url)
  void client.ask('EVAL', 'while true do end', '0').catch(() => {})
  const began = performance.now()
  await standIn.close()
  expect(performance.now() - began).toBeLessThan(3_000)
  client.close()
})

test('requests of one connection that hangs up half-way leave the others alone', async () => {
  const { url } = await started(startRedisMock)
  const { port, password } = new URL(url)
  await new Promise<void>(resolve => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(request(['AUTH', password]))
      for (let i = 0; i < 100; i++) socket.write(request(['SET', `k${i}`, '1']))
      socket.write('*3\r\n$3\r\nSET', () => resolve(void socket.destroy()))
    })
    socket.on('error', () => {})
  })
  const client = await respClient(url)
  expect(await client.ask('SET', 'own', '1')).toBe('OK')
  client.close()
})
