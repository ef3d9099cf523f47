import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { holdfast, spawnHoldfast } from '../support/cli.js'
import { startPeer } from '../support/peer.js'
import { answers, refused, silent } from '../support/peers.js'
import { startPostgres } from '../support/postgres.js'
import { startRedis } from '../support/redis.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { waitJson } from './outcome.js'

const OK = answers('HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 5\r\n\r\nready')

const nobody = async (scheme = 'redis') => {
  const { host, port } = await refused()
  return `${scheme}://${host}:${port}`
}

const limited = ['--timeout', '400ms']

describe('--any', () => {
  test.concurrent('is ready as soon as one target is', async ({ expect }) => {
    const args = ['--any', await nobody(), sharedPostgres().url(), '--timeout', '20s']
    const { status, document } = await waitJson(args)
    expect([status, document.ok]).toEqual([0, true])
    expect(document.targets.map(target => target.state)).toEqual(['waiting', 'ready'])
    expect(document.durationMs).toBeLessThan(5_000)
  })

  test.concurrent('is not ended by a target that will not heal', async ({ expect }) => {
    const running = ['--any', sharedPostgres().url({ password: 'wrong' }), '--grace', '0']
    const { status, document } = await waitJson([...running, await nobody(), ...limited])
    expect(status).toBe(78)
    expect(document.targets.map(target => target.state)).toEqual(['broken', 'waiting'])
    expect(document.durationMs).toBeGreaterThanOrEqual(399)
  })
})

describe('several targets', () => {
  test.concurrent('end with the status of the first that fails', async ({ expect }) => {
    const { document } = await waitJson([
      await nobody(),
      sharedPostgres().url({ password: 'wrong' }),
      '--grace',
      '0',
    ])
    expect(document.exitStatus).toBe(78)
    expect(document.targets.map(target => [target.name, target.state])).toEqual([
      ['redis', 'waiting'],
      ['postgres', 'broken'],
    ])
  })

  test.concurrent('have names, given or made', async ({ expect }) => {
    const url = sharedRedis().url()
    const { document } = await waitJson([url, `cache=${url}`, url])
    expect(document.targets.map(target => target.name)).toEqual(['redis', 'cache', 'redis-2'])
  })
})

describe('--gone', () => {
  test('waits until the server has stopped', async () => {
    const server = await startRedis()
    try {
      const running = spawnHoldfast(['wait', '--gone', '--json', server.url()], { input: '' })
      await server.waitForLog(/Accepted/)
      await server.stop()
      const { status, stdout } = await running.exited
      expect(status).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, targets: [{ state: 'gone' }] })
    } finally {
      await server.remove()
    }
  })

  test.concurrent('is over at once for a port that refuses', async ({ expect }) => {
    expect((await waitJson(['--gone', await nobody()])).target.state).toBe('gone')
  })

  test.concurrent('does not take a rejected password for gone', async ({ expect }) => {
    const url = sharedPostgres().url({ password: 'wrong' })
    const { status, target } = await waitJson(['--gone', url, ...limited])
    expect([status, target.state]).toEqual([69, 'waiting'])
  })

  test.concurrent('does not take silence for gone', async ({ expect }) => {
    const peer = await startPeer(silent)
    const { status, target } = await waitJson(['--gone', peer.url('redis'), ...limited])
    await peer.close()
    expect([status, target.state, target.reason]).toEqual([69, 'waiting', 'connect-timeout'])
  })

  test.concurrent('does not take a server that is starting for gone', async ({ expect }) => {
    const server = await startPostgres({ state: 'starting' })
    const { status, target } = await waitJson(['--gone', server.url(), ...limited]).finally(() =>
      server.remove(),
    )
    expect([status, target.reason]).toEqual([69, 'server-not-ready'])
  })

  test.concurrent('says of a server that is there that it still answers', async ({ expect }) => {
    const { status, target } = await waitJson(['--gone', sharedRedis().url(), ...limited])
    expect([status, target.state, target.message]).toEqual([69, 'waiting', 'it still answers'])
  })
})

describe('--once', () => {
  test.concurrent('is 0 where the target is ready', async ({ expect }) => {
    const { status, target } = await waitJson(['--once', sharedPostgres().url()])
    expect([status, target.attempts]).toEqual([0, 1])
  })

  test.concurrent.each(['refused', 'wrong password', 'missing database'])('is 1 for %s', async kind => {
    const url = {
      refused: await nobody(),
      'wrong password': sharedPostgres().url({ password: 'wrong' }),
      'missing database': sharedPostgres().url({ database: 'missing' }),
    }[kind]
    const { status, target, document } = await waitJson(['--once', url ?? ''])
    expect([status, target.attempts, document.ok]).toEqual([1, 1, false])
    expect(document.durationMs).toBeLessThan(2_000)
  })
})

describe('--until', () => {
  test.concurrent.each([
    ['tcp', ['tcp']],
    ['auth', ['tcp', 'handshake', 'auth']],
    ['query', ['tcp', 'handshake', 'auth', 'query']],
    ['write', ['tcp', 'handshake', 'auth', 'query', 'write']],
  ] as const)('%s goes so far and no further', async (depth, layers) => {
    const { status, target } = await waitJson([sharedPostgres().url(), '--until', depth])
    expect(status).toBe(0)
    expect([...new Set(target.layers.map(({ layer }) => layer))]).toEqual(layers)
  })

  test.concurrent('tcp is content with whatever accepts', async ({ expect }) => {
    const wrong = sharedPostgres().url({ password: 'wrong' })
    expect((await waitJson([wrong, '--until', 'tcp'])).status).toBe(0)
  })

  test.concurrent('write leaves nothing behind', async ({ expect }) => {
    const before = await sharedRedis().cli('keys', 'holdfast:*')
    const { status } = await waitJson([sharedRedis().url(), '--until', 'write'])
    expect([status, await sharedRedis().cli('keys', 'holdfast:*')]).toEqual([0, before])
  })
})

test('--any says of a target that it was not waited for, and invents no fault', async () => {
  const peer = await startPeer(silent)
  onTestFinished(() => peer.close())
  const { status, document } = await waitJson([
    '--any',
    `redis://127.0.0.1:${peer.port}`,
    sharedRedis().url(),
  ])
  expect(status).toBe(0)
  expect(document.targets[0]).toMatchObject({ state: 'waiting', reason: 'unknown' })
  expect(document.targets[0]?.message).toContain('another target decided')
})

test('a query that outlives the run is ended at the server', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  const { status } = await waitJson([
    server.url(),
    '--once',
    '--attempt-timeout',
    '300ms',
    '--query',
    'select pg_sleep(600)',
  ])
  expect(status).toBe(1)
  const running = "select count(*) from pg_stat_activity where query like '%600%' and usename = 'app'"
  await expect.poll(() => server.sql(running), { timeout: 5000 }).toBe('0')
})

describe('--connections', () => {
  test.concurrent('must all answer at the same time', async ({ expect }) => {
    const server = await startPostgres({ maxConnections: 4 })
    const enough = await waitJson([server.url(), '--connections', '4'])
    const more = await waitJson([server.url(), '--once', '--connections', '5'])
    await server.remove()
    expect([enough.status, more.status]).toEqual([0, 1])
    expect(more.target).toMatchObject({ reason: 'too-many-connections', code: '53300' })
    expect(more.target.message).toMatch(/^\d of 5 connections answered: /)
  })

  test.concurrent('are as many as asked for', async ({ expect }) => {
    const server = await startPostgres({ maxConnections: 20 })
    const { status, stderr } = await waitJson([server.url(), '--connections', '20'])
    const seen = server.connectionsSeen()
    await server.remove()
    expect([status, seen]).toEqual([0, 20])
    expect(stderr).not.toContain('Warning')
  })
})

describe('http', () => {
  test.concurrent('takes an expected status and body', async ({ expect }) => {
    const peer = await startPeer(OK)
    const at = (fragment: string) => `http://127.0.0.1:${peer.port}/health#${fragment}`
    const run = async (fragment: string) => (await waitJson([at(fragment), ...limited])).target
    const [ok, status, body] = [
      await run('status=200&body=ready'),
      await run('status=204'),
      await run('body=sleepy'),
    ]
    await peer.close()
    expect(ok.state).toBe('ready')
    expect([status.reason, status.message]).toEqual(['unmet', 'status 200 OK, expected 204'])
    expect([body.reason, body.message]).toEqual(['unmet', 'the body lacks the expected text'])
  })
})

describe('exec', () => {
  test.concurrent('is ready when its command exits with 0', async ({ expect }) => {
    const folder = tempFolder('exec')
    const running = spawnHoldfast(['wait', `exec:test -f ${folder}/go`], { input: '' })
    await running.waitForStderr(/exec {2}unmet at query: the command exited with 1/)
    writeFileSync(join(folder, 'go'), '')
    expect((await running.exited).status).toBe(0)
  })
})

test('a wait that is done leaves the help to those who ask for it', async () => {
  const { status, stdout, stderr } = await holdfast(['wait', '--help'])
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^Usage: holdfast wait /m)
  expect(stdout).toMatch(/^Examples:$/m)
})
