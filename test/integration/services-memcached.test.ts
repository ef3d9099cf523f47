/** A real memcached: text and binary protocol, with and without a login, and TLS. */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  closedAtEnd,
  leavingNothing,
  probe,
  readiness,
  refusal,
  SECRET,
  startedPeer,
} from '../conformance/probing.js'
import { type Certificates, certificates } from '../support/certs.js'
import { type MemcachedOptions, type MemcachedServer, startMemcached } from '../support/memcached.js'
import { memcached as peer } from '../support/memcachedpeers.js'

let certs: Certificates
/** By what is special about them. */
const servers = new Map<string, MemcachedServer>()
const at = (name: string) => servers.get(name) as MemcachedServer

beforeAll(async () => {
  certs = await certificates()
  const start = async (name: string, options: MemcachedOptions) =>
    servers.set(name, await startMemcached(options))
  await Promise.all([
    start('open', {}),
    start('text', { users: { app: SECRET } }),
    start('sasl', { sasl: { app: SECRET } }),
    start('socket', { socket: true }),
    start('tls', { tls: true }),
    start('wrongHost', { tls: 'wrongHost' }),
  ])
})
afterAll(async () => {
  await Promise.all([...servers.values()].map(server => server.remove()))
})
leavingNothing()

async function started(options: MemcachedOptions = {}): Promise<MemcachedServer> {
  const it = await startMemcached(options)
  closedAtEnd(() => it.remove())
  return it
}

const app = { user: 'app', password: SECRET }

describe.each([
  ['without a login', 'open', {}, ['tcp', 'handshake', 'query', 'write']],
  ['without a login, though one is given', 'open', app, ['tcp', 'handshake', 'query', 'write']],
  ['with a login in text', 'text', app, ['tcp', 'handshake', 'auth', 'query', 'write']],
  ['with SASL', 'sasl', app, ['tcp', 'handshake', 'auth', 'query', 'write']],
])('a server %s', (_, name, who, layers) => {
  test('is ready, takes a key and gives it back, and tells its version, age and incarnation', async () => {
    const verdict = await readiness(at(name).url(who), { until: 'write' })
    expect(verdict.steps.map(({ layer }) => layer)).toEqual(layers)
    expect(verdict.server).toEqual({
      product: 'memcached',
      version: expect.stringMatching(/^1\.\d+\.\d+/),
      incarnation: expect.stringMatching(new RegExp(`^${at(name).pid}@\\d+$`)),
      ageMs: expect.any(Number),
    })
  })

  test('answers on several connections at once', async () => {
    await readiness(at(name).url(who), { connections: 4 })
  })
})

test('nothing is left of a probe that wrote', async () => {
  await readiness(at('open').url(), { until: 'write' })
  expect(await statOf(at('open'), 'curr_items')).toBe('0')
})

/** One of the figures of a server without a login. */
function statOf({ host, port }: MemcachedServer, name: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let told = ''
    socket.once('error', reject).write('stats\r\n')
    socket.on('data', chunk => {
      told += chunk
      if (!told.endsWith('END\r\n')) return
      socket.destroy()
      socket.once('close', () => resolve(new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(told)?.[1]))
    })
  })
}

describe.each([
  ['text', 'CLIENT_ERROR'],
  ['sasl', '0x20'],
])('a login by %s fails', (name, code) => {
  test.each([
    ['a wrong password', { user: 'app', password: 'wrong' }],
    ['an unknown user', { user: 'stranger', password: SECRET }],
  ])('for %s', async (_, who) => {
    expect(await refusal(at(name).url(who))).toMatchObject({
      layer: 'auth',
      heard: true,
      finding: { reason: 'authentication-failed', code },
    })
  })

  test.each([
    ['neither user nor password', {}],
    ['a user alone', { user: 'app' }],
  ])('with %s, and the advice says where to put them', async (_, who) => {
    const { finding } = await refusal(at(name).url(who))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code })
    expect(finding.advice).toContain('memcached://USER:PASSWORD@host')
  })
})

describe('a server', () => {
  test('at its limit of connections says so, and is ready again once a client has left', async () => {
    // It takes the limit for its file descriptors, too, and needs some of them itself.
    const it = await started({ args: ['-c', '30'] })
    const held: Socket[] = []
    const letGo = () => {
      for (const socket of held.splice(0)) socket.destroy()
    }
    try {
      for (let n = 0; n < 40; n++) held.push(await answeredOnce(it))
      for (let n = 0; n < 5; n++) {
        const verdict = await refusal(it.url(), { timeoutMs: 3000 })
        expect(verdict).toMatchObject({
          layer: 'handshake',
          heard: true,
          finding: { reason: 'too-many-connections', code: 'ERROR' },
        })
      }
    } finally {
      letGo()
    }
    await expect.poll(async () => (await probe(it.url())).verdict.ready, { timeout: 5000 }).toBe(true)
  })

  test('that was started anew is another incarnation, and the same one until then', async () => {
    const it = await started()
    const before = (await readiness(it.url())).server.incarnation
    expect((await readiness(it.url())).server.incarnation).toBe(before)
    await it.restart()
    expect((await readiness(it.url())).server.incarnation).not.toBe(before)
  })

  test('without memory says so when it is written to', async () => {
    const it = await started({ args: ['-m', '1', '-M', '-I', '512k'] })
    await fill(it)
    const verdict = await refusal(it.url(), { until: 'write' })
    expect(verdict).toMatchObject({
      layer: 'write',
      finding: { reason: 'resource-exhausted', code: 'SERVER_ERROR' },
    })
    expect((await readiness(it.url())).ready).toBe(true)
  })

  test('that a proxy stands for, and that is gone, is not ready when it is written to', async () => {
    const script = peer(command =>
      command === 'version' ? 'VERSION 1.6 proxy' : command === 'add' ? 'SERVER_ERROR backend failure' : '',
    )
    const { port } = await startedPeer(script)
    const { finding } = await refusal(`memcached://127.0.0.1:${port}`, { until: 'write' })
    expect(finding).toMatchObject({ reason: 'server-not-ready', advice: expect.stringContaining('proxy') })
  })

  test.each([
    ['SERVER_ERROR Connection reset by peer', 'server-not-ready'],
    ['SERVER_ERROR', 'server-not-ready'],
    ['ERROR', 'unknown'],
  ])('that says "%s" to the first question may be ready later', async (line, reason) => {
    const { port } = await startedPeer(peer(() => line))
    expect(await refusal(`memcached://127.0.0.1:${port}`)).toMatchObject({
      layer: 'handshake',
      finding: { reason, message: line },
    })
  })

  test('that repeats the end of a login has its bytes counted, and not shown', async () => {
    const { port } = await startedPeer(async connection => {
      await connection.readUntil('\r\n')
      await connection.send('CLIENT_ERROR unauthenticated\r\n')
      await connection.readUntil(`${SECRET}\r\n`)
      await connection.send(`550 ${SECRET.slice(3)}\r\n`)
      await connection.hang()
    })
    const { finding } = await refusal(`memcached://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(finding.message).toMatch(/: the first of \d+ bytes was 0x35$/)
  })

  test('that does not tell its figures is ready without an incarnation', async () => {
    const script = peer(command => (command === 'version' ? 'VERSION 1.6 proxy' : 'ERROR'))
    const { port } = await startedPeer(script)
    const { server } = await readiness(`memcached://127.0.0.1:${port}`)
    expect(server).toEqual({ product: 'memcached', version: '1.6 proxy' })
  })

  test('that loses what it took is unmet', async () => {
    const script = peer(command => {
      const answers: Record<string, string> = { version: 'VERSION 1', add: 'STORED', get: 'END' }
      return answers[command] ?? (command === 'delete' ? 'NOT_FOUND' : '')
    })
    const { port } = await startedPeer(script)
    const { finding } = await refusal(`memcached://127.0.0.1:${port}`, { until: 'write' })
    expect(finding.reason).toBe('unmet')
  })
})

/** A connection that has been answered, with whatever. */
function answeredOnce({ host, port }: MemcachedServer): Promise<Socket> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    socket.on('error', () => {})
    socket.once('data', () => resolve(socket))
    socket.once('close', () => resolve(socket))
    socket.write('version\r\n')
  })
}

/** Stores small and large values until every size is refused. */
function fill({ host, port }: MemcachedServer): Promise<void> {
  const sizes = [20, 60, 100, 1000]
  const data = sizes.map(size =>
    Array.from(
      { length: 12_000 },
      (_, i) => `set ${size}-${i} 0 0 ${size} noreply\r\n${'x'.repeat(size)}\r\n`,
    ),
  )
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    socket.once('error', reject)
    socket.on('data', chunk => {
      if (String(chunk).includes('VERSION')) socket.destroy()
    })
    socket.once('close', () => resolve())
    socket.write(`${data.flat().join('')}version\r\n`)
  })
}

describe('a Unix socket', () => {
  test('is reached by its path', async () => {
    const path = at('socket').socketPath
    const { steps } = await readiness(`memcached+unix://${path}`, { until: 'write' })
    expect(steps[0]).toMatchObject({ layer: 'tcp', address: path, state: 'ok' })
  })

  test('that is not there refuses, with its path', async () => {
    const { finding } = await refusal('memcached+unix:///no/such/socket')
    expect(finding).toMatchObject({ reason: 'connection-refused', code: 'ENOENT' })
  })
})

describe('TLS', () => {
  const secure = (name: string, query: Record<string, string>) => at(name).url({ host: 'localhost', query })
  const trust = () => ({ sslmode: 'verify-full', sslrootcert: certs.ca.certPath })

  test('is what sslmode asks for, and the certificate is verified', async () => {
    const { steps } = await readiness(secure('tls', trust()), { until: 'write' })
    expect(steps.map(({ layer }) => layer)).toEqual(['dns', 'tcp', 'tls', 'handshake', 'query', 'write'])
    await readiness(secure('tls', { sslmode: 'require' }))
    const { finding } = await refusal(secure('tls', { sslmode: 'verify-full' }))
    expect(finding.reason).toBe('tls-failure')
  })

  test('for another host is a TLS failure', async () => {
    expect(await refusal(secure('wrongHost', trust()))).toMatchObject({
      layer: 'tls',
      finding: { reason: 'tls-failure', code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })

  test('that is not asked for is named', async () => {
    const { finding } = await refusal(at('tls').url())
    expect(finding.reason).toBe('tls-failure')
  })

  test('that the server does not speak is named', async () => {
    const { finding } = await refusal(secure('open', trust()))
    expect(finding.reason).toBe('tls-failure')
  })
})
