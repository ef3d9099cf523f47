import { afterAll, describe, test } from 'vitest'
import { startMariadb } from '../support/mariadb.js'
import { startRedis } from '../support/redis.js'
import { doctor, doctorJson } from './doctor-scene.js'

const ours: { remove(): Promise<void> }[] = []
afterAll(() => Promise.all(ours.map(server => server.remove())))

const started = async <T extends { remove(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
  const server = await starting
  ours.push(server)
  return server
}

describe('MariaDB', () => {
  test.concurrent('is examined, and its faults have fixes of its own', async ({ expect }) => {
    const server = await started(startMariadb())
    const sound = await doctorJson([server.url()])
    expect([sound.status, sound.target.examinations.map(({ state }) => state)]).toEqual([
      0,
      ['passed', 'passed', 'passed', 'passed', 'skipped'],
    ])
    const missing = await doctor([server.url({ database: 'shop' })])
    expect(missing.status).toBe(78)
    expect(missing.stderr).toMatch(
      /^ +(mysqladmin -h 127\.0\.0\.1 -P \d+ -u root -p create shop|mysql .* -e 'GRANT ALL ON `shop`\.\*.*)$/m,
    )
    const wrong = await doctorJson([
      `a=${server.url({ password: 'wrong-one' })}`,
      `b=${server.url({ password: 'wrong-two' })}`,
    ])
    expect(wrong.status).toBe(78)
    const attempts = wrong.document.targets.map(one => one.attempts)
    expect(attempts[0]).toBe(1)
    expect(attempts.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(2)
    expect(wrong.target.fix).toMatch(/^mysql -h 127\.0\.0\.1 -P \d+ -u root -p -e /)
  })

  test.concurrent('that takes TLS only rejects the login, and the advice knows it', async ({ expect }) => {
    const server = await started(startMariadb({ tls: true, tlsRequired: true }))
    const { status, stderr } = await doctor([server.url({ query: { sslmode: 'disable' } })])
    expect(status).toBe(78)
    expect(stderr).toMatch(
      /authentication-failed: .* → .*MariaDB says the same where it wants TLS, which sslmode=require/,
    )
    expect((await doctor([server.url({ query: { sslmode: 'require' } })])).status).toBe(0)
  })
})

describe('Redis', () => {
  test.concurrent('with another password says where ours came from', async ({ expect }) => {
    const server = await started(startRedis({ password: 'right-one' }))
    const env = { REDIS_URL: server.url({ password: 'wrong-one' }) }
    const { status, last, stderr } = await doctor([], { env })
    expect(status).toBe(78)
    expect(stderr).toMatch(/password came from REDIS_URL → .*requirepass in redis\.conf/)
    expect(last).toMatch(/→ export REDIS_URL=redis:\/\/:PASSWORD@127\.0\.0\.1:\d+/)
    expect(stderr).not.toMatch(/wrong-one|right-one/)
  })

  test.concurrent('whose clients are too many fails the concurrent examination', async ({ expect }) => {
    const server = await started(startRedis({ maxclients: 10 }))
    const { status, target } = await doctorJson([server.url()])
    expect([status, target.reason]).toEqual([69, 'too-many-connections'])
    expect(target.fix).toMatch(/INFO clients$/)
  })
})
