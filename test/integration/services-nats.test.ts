/** A real NATS server: who is let in, and what it refuses. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
import { type NatsOptions, type NatsServer, startNats } from '../support/nats.js'
import { natsInfo, natsLines, nats as peer } from '../support/natspeers.js'
import { type Nkey, natsCreds, nkey } from '../support/nkeys.js'
import { tempFolder } from '../support/root.js'

/** Knows a few users, one of them by a key. */
let server: NatsServer
let key: Nkey
beforeAll(async () => {
  key = nkey('user')
  const users = [
    { user: 'app', password: SECRET },
    { user: 'mute', password: SECRET, permissions: { publish: ['nothing'], subscribe: ['nothing'] } },
    { user: 'shy', password: SECRET, permissions: { publish: ['shy.>'], subscribe: ['shy.>'] } },
    { nkey: key.public },
  ]
  server = await startNats({ settings: { authorization: { users } } })
})
afterAll(() => server.remove())
leavingNothing()

async function started(options: NatsOptions = {}): Promise<NatsServer> {
  const it = await startNats(options)
  closedAtEnd(() => it.remove())
  return it
}

describe('a login succeeds', () => {
  test('by user and password, and the server says who it is', async () => {
    const verdict = await readiness(server.url({ user: 'app', password: SECRET }))
    expect(verdict.server).toMatchObject({
      product: 'NATS',
      version: expect.stringMatching(/^2\./),
      incarnation: expect.stringMatching(/^N[A-Z2-7]{55}$/),
    })
    expect(verdict.steps.map(({ layer }) => layer)).toEqual(['tcp', 'handshake', 'auth', 'query'])
  })

  test('by a token, which is a user alone or a password alone', async () => {
    const it = await started({ settings: { authorization: { token: SECRET } } })
    await readiness(it.url({ user: SECRET }))
    await readiness(it.url({ password: SECRET }))
  })

  test('by an nkey, whose seed signs what the server asks', async () => {
    await readiness(server.url({ query: { nkey: key.seed } }))
  })

  test('by a file of credentials with a JWT', async () => {
    const made = natsCreds()
    const it = await started({ settings: made.settings })
    const path = join(tempFolder('creds'), 'app.creds')
    writeFileSync(path, made.creds)
    await readiness(it.url({ query: { creds: path } }), { until: 'write' })
    const { finding } = await refusal(it.url({ user: 'app', password: SECRET }))
    expect(finding.reason).toBe('authentication-failed')
  })

  test('where nobody is asked who he is, with a password or without', async () => {
    const it = await started()
    await readiness(it.url())
    await readiness(it.url({ user: 'app', password: SECRET }))
  })
})

describe('a login fails', () => {
  test.each([
    ['a wrong password', { user: 'app', password: 'wrong' }],
    ['an unknown user', { user: 'stranger', password: SECRET }],
    ['a wrong token', { user: 'wrong-token' }],
    ['nobody', {}],
    ['another nkey', { query: { nkey: nkey('user').seed } }],
  ])('for %s, which the server says once', async (_, who) => {
    const before = server.log().match(/authentication error/g)?.length ?? 0
    const verdict = await refusal(server.url(who))
    expect(verdict).toMatchObject({
      layer: 'auth',
      heard: true,
      finding: { reason: 'authentication-failed', code: 'AUTHORIZATION_VIOLATION' },
    })
    expect(server.log().match(/authentication error/g)?.length).toBe(before + 1)
  })

  test.each([
    ['a seed that was cut short', { nkey: nkey('user').seed.slice(1) }, 'nkey'],
    ['a seed of an account', { nkey: nkey('account').seed }, 'seed of a user'],
    ['a file that is not there', { creds: '/no/such.creds' }, '/no/such.creds'],
  ])('for %s, before the server is asked', async (_, query, told) => {
    const { finding } = await refusal(server.url({ query }))
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain(told)
  })

  test('for an nkey where the server takes none', async () => {
    const it = await started()
    const { finding } = await refusal(it.url({ query: { nkey: key.seed } }))
    expect(finding).toMatchObject({ reason: 'client-misuse', message: expect.stringContaining('no nonce') })
  })

  test('and neither token nor seed is in what is said, even where the server repeats it', async () => {
    const script = peer((operation, rest) => (operation === 'CONNECT' ? `-ERR 'no ${rest}'\r\n` : undefined))
    const { port } = await startedPeer(script)
    const token = 'a-token-of-some-length'
    const verdict = await refusal(`nats://${token}@127.0.0.1:${port}`)
    expect(JSON.stringify(verdict)).not.toContain(token)
    expect(verdict.finding.message).toContain('***')
  })

  test('and no JWT is in what is said, though the address does not hold it', async () => {
    const made = natsCreds()
    const path = join(tempFolder('creds'), 'app.creds')
    writeFileSync(path, made.creds)
    const script = peer(
      (operation, rest) => (operation === 'CONNECT' ? `-ERR 'no ${rest}'\r\n` : undefined),
      { nonce: 'x' },
    )
    const { port } = await startedPeer(script)
    const verdict = await refusal(`nats://127.0.0.1:${port}?creds=${path}`)
    expect(JSON.stringify(verdict)).not.toContain(made.jwt)
    expect(verdict.finding.message).toContain('***')
  })
})

describe('a server', () => {
  test('at max_connections says so, and is ready again once a client has left', async () => {
    const it = await started({ settings: { max_connections: 1 } })
    const { session } = await probe(it.url())
    for (let i = 0; i < 5; i++) {
      expect(await refusal(it.url())).toMatchObject({
        layer: 'auth',
        heard: true,
        finding: { reason: 'too-many-connections', code: 'MAXIMUM_CONNECTIONS_EXCEEDED' },
      })
    }
    await session?.close()
    await expect.poll(async () => (await probe(it.url())).verdict.ready, { timeout: 5000 }).toBe(true)
  })

  test('with fewer places than connections asked for says how many there were', async () => {
    const it = await started({ settings: { max_connections: 3 } })
    const { finding } = await refusal(it.url(), { connections: 5 })
    expect(finding.reason).toBe('too-many-connections')
    expect(finding.message).toMatch(/^3 of 5 connections answered/)
  })

  test('whose control line is shorter than the login says so', async () => {
    const it = await started({ settings: { max_control_line: 64 } })
    const { finding } = await refusal(it.url())
    expect(finding).toMatchObject({ reason: 'client-misuse', code: 'MAXIMUM_CONTROL_LINE_EXCEEDED' })
  })

  test('that was started anew is another incarnation', async () => {
    const it = await started()
    const before = (await readiness(it.url())).server.incarnation
    expect((await readiness(it.url())).server.incarnation).toBe(before)
    await it.restart()
    expect((await readiness(it.url())).server.incarnation).not.toBe(before)
  })

  test('in lame duck mode refuses whoever comes, and tells a session that it has', async () => {
    const it = await started({ settings: { lame_duck_duration: '30s', lame_duck_grace_period: '20s' } })
    const { session } = await probe(it.url())
    it.lameDuck()
    await it.waitForLog(/Entering lame duck mode/)
    // The server tells its sessions some time after its log.
    const told = () => session?.ping?.().then(() => 'nothing', String)
    await expect.poll(told, { timeout: 10_000 }).toMatch(/lame duck/)
    expect(await refusal(it.url())).toMatchObject({ finding: { reason: 'connection-refused' } })
  })

  test('on the port for other servers says so', async () => {
    const script = peer(operation =>
      operation === 'CONNECT' ? "-ERR 'attempted to connect to route port'\r\n" : undefined,
    )
    const { port } = await startedPeer(script)
    const { finding } = await refusal(`nats://127.0.0.1:${port}`)
    expect(finding).toMatchObject({ reason: 'protocol-mismatch' })
    expect(finding.advice).toContain('4222')
  })

  test.each(['Failed Account Registration', 'Internal Server Error'])(
    'that refuses a login with "%s", which no rule knows, may yet take it',
    async text => {
      const script = peer(operation => (operation === 'CONNECT' ? `-ERR '${text}'\r\n` : undefined))
      const { port } = await startedPeer(script)
      expect(await refusal(`nats://127.0.0.1:${port}`)).toMatchObject({
        layer: 'auth',
        finding: { reason: 'unknown', message: text },
      })
    },
  )

  test('that repeats the end of a login has its bytes counted, and not shown', async () => {
    const script = peer(operation =>
      operation === 'CONNECT' ? `what is ${SECRET.slice(3)}?\r\n` : undefined,
    )
    const { port } = await startedPeer(script)
    const { finding } = await refusal(`nats://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}`)
    expect(finding.message).toMatch(/: the first of \d+ bytes was 0x77$/)
  })

  test('that pings more often than a login lasts is answered a few times, and given up', async () => {
    let pongs = 0
    const { port } = await startedPeer(async connection => {
      await connection.send(natsInfo())
      for (;;) {
        const line = (await connection.readUntil('\r\n')).toString()
        if (line.startsWith('PONG')) pongs++
        await connection.send('PING\r\n')
      }
    })
    const { finding } = await refusal(`nats://127.0.0.1:${port}`)
    expect(finding).toMatchObject({
      reason: 'protocol-mismatch',
      message: expect.stringContaining('9 pings'),
    })
    expect(pongs).toBeLessThanOrEqual(8)
  })

  test('that only pings, and never answers, is given up', async () => {
    const { port } = await startedPeer(async connection => {
      await connection.send(natsInfo())
      await connection.readUntil('PING\r\n')
      await connection.send('PING\r\n'.repeat(2000))
      await connection.hang()
    })
    const { finding } = await refusal(`nats://127.0.0.1:${port}`)
    expect(finding.reason).toBe('protocol-mismatch')
  })
})

describe('until write', () => {
  test('a message comes back on a subject of its own', async () => {
    const { steps } = await readiness(server.url({ user: 'app', password: SECRET }), { until: 'write' })
    expect(steps.at(-1)).toMatchObject({ layer: 'write', state: 'ok' })
  })

  test('a user without the right to the subject is denied access', async () => {
    const verdict = await refusal(server.url({ user: 'mute', password: SECRET }), { until: 'write' })
    expect(verdict).toMatchObject({
      layer: 'write',
      finding: { reason: 'access-denied', code: 'PERMISSIONS_VIOLATION' },
    })
  })

  test('inboxPrefix names a subject to which a user has the right', async () => {
    const who = { user: 'shy', password: SECRET }
    await readiness(server.url({ ...who, query: { inboxPrefix: 'shy.in' } }), { until: 'write' })
    const { finding } = await refusal(server.url({ ...who, query: { inboxPrefix: 'a b' } }), {
      until: 'write',
    })
    expect(finding).toMatchObject({
      reason: 'client-misuse',
      message: expect.stringContaining('inboxPrefix'),
    })
  })

  test('a message that is taken and lost is unmet', async () => {
    const { port } = await startedPeer(peer(() => undefined))
    const verdict = await refusal(`nats://127.0.0.1:${port}`, { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'unmet' } })
  })
})

describe('jetstream=true', () => {
  const query = { jetstream: 'true' }

  test('asks for JetStream, which answers', async () => {
    const it = await started({
      settings: { jetstream: { store_dir: tempFolder('js', { forServer: true }) } },
    })
    await readiness(it.url({ query }))
  })

  test('is not ready where nobody answers for it', async () => {
    const verdict = await refusal(server.url({ user: 'app', password: SECRET, query }))
    expect(verdict).toMatchObject({ layer: 'query', finding: { reason: 'server-not-ready', code: '503' } })
  })

  test('tells in the words of JetStream what it lacks', async () => {
    let inbox = ''
    const body = JSON.stringify({
      error: { code: 503, err_code: 10039, description: 'not for this account' },
    })
    const { port } = await startedPeer(async connection => {
      await connection.send(natsInfo())
      await natsLines(connection, (operation, rest) => {
        if (operation === 'SUB') inbox = rest.split(' ')[0] ?? ''
        return operation === 'PUB' ? `MSG ${inbox} 1 ${body.length}\r\n${body}\r\n` : undefined
      })
    })
    const { finding } = await refusal(`nats://127.0.0.1:${port}?jetstream=true`)
    expect(finding).toMatchObject({ reason: 'access-denied', code: '10039', message: 'not for this account' })
  })
})
