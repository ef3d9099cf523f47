/** What the drivers of Redis do, and what they do not through `holdfast/redis`. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/client/redis.js'
import { startRedis } from '../support/redis.js'

const once = { connectAttempts: 1 }

test('ioredis writes to database 0 where the other one does not exist; ours does not connect', async () => {
  const server = await startRedis()
  onTestFinished(() => server.remove())
  const bare = new Redis(server.url({ database: '99' }))
  bare.on('error', () => {})
  await bare.set('bare', '1')
  bare.disconnect()
  expect(await server.cli('get', 'bare')).toBe('1')
  for (const driver of ['ioredis', 'redis'] as const)
    await expect(connect(server.url({ database: '99' }), { driver, ...once })).rejects.toMatchObject({
      holdfast: { reason: 'database-not-found', outcome: 'not-sent' },
    })
})

test.each(['ioredis', 'redis'] as const)(
  '%s stays in its database after the connection was lost',
  async driver => {
    const server = await startRedis()
    onTestFinished(() => server.remove())
    const client = await connect(server.url({ database: '3' }), { driver, backoffMillis: 10 })
    await server.restart()
    await client.set('k', 'v').catch(() => client.set('k', 'v'))
    expect(await server.cli('-n', '3', 'get', 'k')).toBe('v')
    expect(await server.cli('get', 'k')).toBe('')
    await client.quit()
  },
)

test.each(['ioredis', 'redis'] as const)(
  '%s gives up when its login was rejected twice, and says why',
  async driver => {
    const server = await startRedis({ password: 'first' })
    onTestFinished(() => server.remove())
    const client = await connect(server.url(), { driver, backoffMillis: 5 })
    const ended = new Promise(resolve => client.once(driver === 'redis' ? 'terminated' : 'end', resolve))
    await server.cli('config', 'set', 'requirepass', 'second')
    await server.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    await ended
    const error = await client.get('k').then(String, it => it)
    expect(error.holdfast).toMatchObject({
      reason: 'authentication-failed',
      outcome: 'not-sent',
      httpStatus: 500,
    })
    expect(await server.errorsSent('WRONGPASS')).toBe(2)
  },
)
