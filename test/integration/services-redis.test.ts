/** A real Redis: who is let in, what it refuses, and what older ones say. */
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import { redis as peer } from '../support/peers.js'
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis.js'
import { sharedRedis } from '../support/shared.js'

/** Wants a password of everybody, and knows a few users by name. */
let server: RedisServer
beforeAll(async () => {
  server = await startRedis({
    password: SECRET,
    users: {
      app: `on >${SECRET} ~* +@all`,
      off: `off >${SECRET} ~* +@all`,
      reader: `on >${SECRET} ~* +@read +@connection`,
      shy: `on >${SECRET} ~* +@all -info`,
      mute: `on >${SECRET} ~* -@all +auth +hello`,
    },
  })
})
afterAll(() => server.remove())
leavingNothing()

async function withRedis(options: RedisOptions, work: (it: RedisServer) => Promise<void>): Promise<void> {
  const it = await startRedis(options)
  await work(it).finally(() => it.remove())
}

describe('a login succeeds', () => {
  test.each([
    ['by requirepass', null],
    ['by requirepass, with the user named', 'default'],
    ['by an ACL user', 'app'],
  ])('%s', async (_, user) => {
    const verdict = await readiness(server.url({ user, password: SECRET }))
    expect(verdict.server).toMatchObject({
      product: 'Redis',
      version: expect.stringMatching(/^7\./),
      incarnation: expect.stringMatching(/^[0-9a-f]{40}$/),
      ageMs: expect.any(Number),
    })
    expect(verdict.steps.map(({ layer }) => layer)).toEqual(['tcp', 'auth', 'query'])
  })

  test('where no password is asked for', () => readiness(sharedRedis().url()))

  test('for a user that may not ask for INFO, only without the age', async () => {
    const { server: found } = await readiness(server.url({ user: 'shy', password: SECRET }))
    expect(found.version).toMatch(/^7\./)
    expect(found.incarnation).toBeUndefined()
  })

  test('for a user that may log in and nothing else: to refuse it, a server must serve', async () => {
    await readiness(server.url({ user: 'mute', password: SECRET }))
  })

  test('into a database by its number', async () => {
    const { session } = await probe(server.url({ database: '3' }))
    await session?.write?.()
    expect(await server.cli('client', 'list', 'type', 'normal')).toMatch(/ db=3 /)
  })
})

describe('a login fails', () => {
  test.each([
    ['a wrong password', null, 'wrong'],
    ['a wrong password of an ACL user', 'app', 'wrong'],
    ['a user that does not exist', 'stranger', SECRET],
    ['a user that is switched off', 'off', SECRET],
  ])('for %s, shown once', async (_, user, password) => {
    const before = await server.errorsSent('WRONGPASS')
    const verdict = await refusal(server.url({ user, password }))
    expect(verdict).toMatchObject({
      layer: 'auth',
      heard: true,
      finding: { reason: 'authentication-failed', code: 'WRONGPASS' },
    })
    expect((await server.errorsSent('WRONGPASS')) - before).toBe(1)
  })

  test('without a password where one is asked for, and the advice says where to put it', async () => {
    const verdict = await refusal(server.url({ password: null }))
    expect(verdict).toMatchObject({ finding: { reason: 'authentication-failed', code: 'NOAUTH' } })
    expect(verdict.finding.advice).toContain('redis://:PASSWORD@host')
  })

  test('with a password alone where none is asked for, as it does for most clients', async () => {
    const { finding } = await refusal(sharedRedis().url({ password: SECRET }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: 'ERR' })
    expect(finding.advice).toContain('leave it out of the address')
  })

  test('into a database beyond the last one', async () => {
    const verdict = await refusal(server.url({ database: '99' }))
    expect(verdict).toMatchObject({ layer: 'auth', finding: { reason: 'database-not-found' } })
    expect(verdict.finding.message).toContain('out of range')
  })

  test('into a database that is no number, before the server is asked for it', async () => {
    const { finding } = await refusal(server.url({ database: 'cache' }))
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain('"cache"')
  })
})

describe('a server', () => {
  test('that is loading is not ready, whoever asks, and ready once it has loaded', () =>
    withRedis({ loadingMs: 60_000, password: SECRET }, async it => {
      const loading = { heard: true, finding: { reason: 'server-not-ready', code: 'LOADING' } }
      expect(await refusal(it.url())).toMatchObject(loading)
      await it.finishLoading()
      await readiness(it.url())
    }))

  test('that is loading, without a password, is not ready', () =>
    withRedis({ loadingMs: 60_000 }, async it => {
      expect(await refusal(it.url())).toMatchObject({ finding: { reason: 'server-not-ready' } })
    }))

  test('at maxclients says so, and is ready again once a client has left', () =>
    withRedis({ maxclients: 2, password: SECRET }, async it => {
      const held = [await probe(it.url()), await probe(it.url())]
      for (let i = 0; i < 10; i++) {
        const verdict = await refusal(it.url())
        expect(verdict).toMatchObject({ heard: true, finding: { reason: 'too-many-connections' } })
      }
      await held[0]?.session?.close()
      await expect.poll(async () => (await probe(it.url())).verdict.ready, { timeout: 5000 }).toBe(true)
    }))

  test('with fewer places than connections asked for says how many there were', () =>
    withRedis({ maxclients: 3 }, async it => {
      const { finding } = await refusal(it.url(), { connections: 5 })
      expect(finding.reason).toBe('too-many-connections')
      expect(finding.message).toMatch(/^3 of 5 connections answered/)
    }))

  test('that was started anew is another incarnation', () =>
    withRedis({}, async it => {
      const before = (await readiness(it.url())).server.incarnation
      await it.restart()
      expect((await readiness(it.url())).server.incarnation).not.toBe(before)
    }))

  test('that protects itself from other machines says how to open it', async () => {
    const denied = await startedPeer(peer(() => '-DENIED Redis is running in protected mode.\r\n'))
    const { finding } = await refusal(`redis://127.0.0.1:${denied.port}`)
    expect(finding).toMatchObject({ reason: 'access-denied', code: 'DENIED' })
    expect(finding.advice).toContain('set a password')
  })
})

describe('a replica', () => {
  test('of a primary that it has is ready, and read-only for writes', () =>
    withRedis({ replicaOf: sharedRedis().port }, async it => {
      await it.waitForLog(/MASTER <-> REPLICA sync: Finished with success/)
      await readiness(it.url())
      const verdict = await refusal(it.url(), { until: 'write' })
      expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'read-only', code: 'READONLY' } })
    }))

  test('that has lost its primary is not ready, and the advice says what to wait for', async () => {
    const primary = await startRedis()
    await withRedis({ replicaOf: primary.port }, async it => {
      await it.waitForLog(/MASTER <-> REPLICA sync: Finished with success/)
      await primary.remove()
      await it.waitForLog(/Connection with master lost/)
      const { finding } = await refusal(it.url())
      expect(finding).toMatchObject({ reason: 'server-not-ready', code: 'MASTERDOWN' })
      expect(finding.advice).toContain('primary')
    })
  })
})

describe('until write', () => {
  test('a server that takes writes is ready, and nothing is left there', async () => {
    const own = `${server.url({ database: '7' })}`
    await readiness(own, { until: 'write' })
    expect(await server.cli('-n', '7', 'dbsize')).toBe('0')
  })

  test('a user that may only read is denied access', async () => {
    const verdict = await refusal(server.url({ user: 'reader', password: SECRET }), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'access-denied', code: 'NOPERM' } })
  })

  test('a server without memory says so', () =>
    withRedis({ settings: { maxmemory: '1' } }, async it => {
      const verdict = await refusal(it.url(), { until: 'write' })
      expect(verdict).toMatchObject({
        layer: 'write',
        finding: { reason: 'resource-exhausted', code: 'OOM' },
      })
    }))
})

describe('a Unix socket', () => {
  test('is reached by its path, with a password and a database', async () => {
    const path = join(dirname(server.logFile), 'socket')
    const { steps } = await readiness(`redis+unix://:${encodeURIComponent(SECRET)}@${path}?db=2`)
    expect(steps[0]).toMatchObject({ layer: 'tcp', address: path, state: 'ok' })
    const { finding } = await refusal(`redis+unix://${path}`)
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: 'NOAUTH' })
  })

  test('that is not there refuses, with its path', async () => {
    const { finding } = await refusal('redis+unix:///no/such/socket')
    expect(finding).toMatchObject({ reason: 'connection-refused', code: 'ENOENT' })
    expect(finding.message).toContain('/no/such/socket')
  })
})
