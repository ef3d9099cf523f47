import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startBlackhole } from '../support/blackhole.js'
import { holdfast, holdfastCommand } from '../support/cli.js'
import { NETNS, type NetnsOptions, runInNetns, startInNetns } from '../support/netns.js'
import { startPeer } from '../support/peer.js'
import { refused, silent } from '../support/peers.js'
import { startupThenSilence } from '../support/pgpeers.js'
import { tempFolder } from '../support/root.js'
import { sharedRedis } from '../support/shared.js'
import { type Document, expectDeadline, waitJson } from './outcome.js'

const TIMEOUT_MS = 400
const LIMITED = ['--timeout', `${TIMEOUT_MS}ms`]

/** `holdfast wait --json` in a network of its own. */
async function inNetns(args: readonly string[], options: NetnsOptions = {}) {
  const { command, env, cwd } = holdfastCommand(['wait', '--json', ...args])
  const result = await runInNetns(command, { env, cwd, ...options })
  const document = JSON.parse(result.stdout) as Document
  const [target] = document.targets
  if (!target) throw new Error('the document has no target')
  return { ...result, document, target }
}

test('a port that nobody listens on is not ready because TCP connected it to itself', async () => {
  // Of two local ports the kernel takes the one of the lower parity first, which is the one that is asked for.
  const setup = ['echo "40000 40001" > /proc/sys/net/ipv4/ip_local_port_range']
  const { target } = await inNetns(['tcp://127.0.0.1:40000', ...LIMITED], { setup })
  expect(target).toMatchObject({ state: 'waiting', reason: 'connection-refused', code: 'ECONNREFUSED' })
  expect(target.attempts).toBeGreaterThan(10)
})

describe('a name that does not resolve', () => {
  test('is retried to the deadline, and is no reason to give up earlier', async () => {
    const result = await inNetns(['postgres://app@nowhere/app', ...LIMITED, '--grace', '0'])
    expect(result.status).toBe(69)
    expect(result.target).toMatchObject({ reason: 'dns-failure', layer: 'dns', state: 'waiting' })
    expect(result.target.attempts).toBeGreaterThan(1)
    await expectDeadline(result, TIMEOUT_MS)
  })

  test('and whose resolver drops packets keeps neither the wait nor the process', async () => {
    const result = await inNetns(['postgres://app@nowhere/app', ...LIMITED], { resolver: 'silent' })
    expect(result.status).toBe(69)
    expect(result.target).toMatchObject({ reason: 'dns-failure', layer: 'dns', message: expect.any(String) })
    expect(result.target.message).toContain('the resolver did not answer')
    expect(result.target.layers.at(-1)).toMatchObject({ layer: 'dns', hung: true })
    await expectDeadline(result, TIMEOUT_MS)
  })

  test('because the resolver fails is not gone', async () => {
    const { status, target } = await inNetns(['--gone', 'redis://nowhere:6379', ...LIMITED])
    expect([status, target.state, target.reason, target.code]).toEqual([
      69,
      'waiting',
      'dns-failure',
      'EAI_AGAIN',
    ])
  })

  test('is found as soon as it appears', async () => {
    // The first target is ready at once: from then on the other one is being waited for.
    const folder = tempFolder('late')
    const begun = new Promise<void>(resolve => {
      const watcher = watch(folder, () => {
        watcher.close()
        resolve()
      })
    })
    const url = sharedRedis().url({ host: 'late.holdfast.test' })
    const { command, env, cwd } = holdfastCommand(['wait', '--json', url, `exec:touch ${folder}/begun`])
    const running = startInNetns(command, { env, cwd, network: 'host', hosts: '127.0.0.1 localhost\n' })
    await begun
    running.addHost('127.0.0.1 late.holdfast.test')
    const { status, stdout } = await running.result
    expect(status, stdout).toBe(0)
    expect(existsSync(join(folder, 'begun'))).toBe(true)
    const [redis] = (JSON.parse(stdout) as Document).targets
    expect(redis).toMatchObject({ state: 'ready', name: 'redis' })
  })
})

describe('the deadline holds', () => {
  test.each([
    ['a network that drops packets', NETNS.blackhole, 'connect-timeout', 'ETIMEDOUT'],
    ['a host that no route leads to', NETNS.unreachable, 'host-unreachable', 'EHOSTUNREACH'],
    ['a network that is prohibited', NETNS.prohibited, 'host-unreachable', 'EACCES'],
  ])('with %s', async (_, host, reason, code) => {
    const result = await inNetns([`postgres://app@${host}/app`, ...LIMITED])
    expect(result.status).toBe(69)
    expect(result.target).toMatchObject({ reason, layer: 'tcp', code })
    await expectDeadline(result, TIMEOUT_MS)
  })

  test('with a black hole on this machine, however long an attempt may take', async () => {
    const hole = await startBlackhole()
    try {
      const url = `redis://127.0.0.1:${hole.port}`
      const result = await waitJson([url, ...LIMITED, '--attempt-timeout', '1m'])
      expect([result.status, result.target.reason, result.target.layer]).toEqual([
        69,
        'connect-timeout',
        'tcp',
      ])
      await expectDeadline(result, TIMEOUT_MS)
    } finally {
      await hole.close()
    }
  })

  test('with a listener that accepts and says nothing, for every service', async () => {
    const peer = await startPeer(silent)
    try {
      for (const scheme of ['postgres', 'redis', 'http', 'rediss', 'https']) {
        const result = await waitJson([peer.url(scheme), ...LIMITED])
        expect([scheme, result.status, result.target.reason]).toEqual([scheme, 69, 'connect-timeout'])
        await expectDeadline(result, TIMEOUT_MS)
      }
    } finally {
      await peer.close()
    }
  })

  test('with a server that falls silent half-way, and the layer that hangs is named', async () => {
    const peer = await startPeer(startupThenSilence)
    try {
      const result = await waitJson([peer.url('postgres'), ...LIMITED])
      expect(result.status).toBe(69)
      expect(result.target).toMatchObject({ reason: 'connect-timeout', layer: 'handshake' })
      expect(result.target.layers.at(-1)).toMatchObject({ layer: 'handshake', hung: true })
      await expectDeadline(result, TIMEOUT_MS)
    } finally {
      await peer.close()
    }
  })

  test('with a port that refuses; the last cause is kept, not the time-out', async () => {
    const { host, port } = await refused()
    const result = await waitJson([`postgres://app@${host}:${port}/app`, ...LIMITED])
    expect(result.status).toBe(69)
    expect(result.target).toMatchObject({ reason: 'connection-refused', layer: 'tcp', code: 'ECONNREFUSED' })
    expect(result.target.attempts).toBeGreaterThan(3)
    await expectDeadline(result, TIMEOUT_MS)
  })
})

describe('a name with two addresses', () => {
  const two = async (dead: string, args: readonly string[]) => {
    const [alive, port] = [dead === '::1' ? '127.0.0.1' : '::1', '6399']
    const folder = tempFolder('two')
    const log = join(folder, 'log')
    const setup = [
      `redis-server --bind ${alive} --port ${port} --save '' --dir ${folder} --logfile ${log} & server=$!`,
      "trap 'kill $server' EXIT",
    ]
    const { command, env, cwd } = holdfastCommand(['wait', `redis://localhost:${port}`, ...args])
    return runInNetns(command, { setup, env, cwd })
  }

  test.each(['::1', '127.0.0.1'])('is ready while %s is dead, which is said', async dead => {
    const { status, stderr } = await two(dead, [])
    expect(status, stderr).toBe(0)
    expect(stderr).toContain(`! redis: ready, but ${dead} (ECONNREFUSED) of the same name did not answer`)
  })

  test('has the dead one in the document, too', async () => {
    const { stdout } = await two('::1', ['--json'])
    const { targets } = JSON.parse(stdout) as Document
    expect(targets[0]?.layers).toContainEqual(
      expect.objectContaining({ layer: 'tcp', ok: false, address: '::1', code: 'ECONNREFUSED' }),
    )
  })
})

test('a Unix socket that is not there yet is waited for', async () => {
  const { status, stderr } = await holdfast(['wait', 'redis+unix:///nowhere/at.sock', '--timeout', '200ms'])
  expect(status).toBe(69)
  expect(stderr).toMatch(/connection-refused at tcp \(ENOENT\)/)
})
