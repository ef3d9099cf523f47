/** Health over real servers: a pool, an address, and SIGTERM to a real process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import mysql from 'mysql2'
import mysqlPromise from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type HealthOptions, health } from '../../src/client/http/health.js'
import type { CheckState } from '../../src/client/http/sampler.js'
import { createPool as createMysqlPool } from '../../src/client/mysql.js'
import type { PoolOptions } from '../../src/client/pg/types.js'
import { createPool } from '../../src/client/pg.js'
import { startMariadb } from '../support/mariadb.js'
import { startPostgres } from '../support/postgres.js'
import { sharedPostgres } from '../support/shared.js'

function poolOf(url: string, options: PoolOptions = {}) {
  const pool = createPool(url, options)
  onTestFinished(() => pool.end())
  return pool
}

/** Sampled often, and asked when it says something new. */
function watched(checks: HealthOptions['checks']) {
  const said: string[] = []
  const heard: (() => void)[] = []
  const onChange = ({ name, state, reason }: CheckState) => {
    said.push(`${name} ${state}${reason ? `: ${reason}` : ''}`)
    for (const wake of heard.splice(0)) wake()
  }
  const options = { intervalMillis: 20, timeoutMillis: 2000, drainOnSigterm: false, onChange }
  const status = health({ ...options, ...(checks ? { checks } : {}) }).start()
  onTestFinished(() => status.stop())
  const until = async (text: string) => {
    while (said.at(-1) !== text) await new Promise<void>(resolve => heard.push(resolve))
  }
  return { status, until, said }
}

describe('a check', () => {
  test('of a pool and of an address follows the server: there, away, there again', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.remove())
    const pool = watched({ db: { pool: poolOf(server.url(), { backoffMillis: 10 }), timeoutMillis: 300 } })
    const address = watched({ db: { address: server.url() } })
    await Promise.all([pool.until('db ok'), address.until('db ok')])
    await server.stop()
    await Promise.all([
      pool.until('db failed: connection-refused'),
      address.until('db failed: connection-refused'),
    ])
    expect([pool.status.answer('/readyz')?.status, address.status.answer('/readyz')?.status]).toEqual([
      503, 503,
    ])
    await server.start()
    await Promise.all([pool.until('db ok'), address.until('db ok')])
    expect(pool.status.answer('/readyz')).toMatchObject({ status: 200, body: 'ok' })
  })

  test.each([
    ['holdfast', () => createPool(sharedPostgres().url(), { max: 1 })],
    ['node-postgres', () => new pg.Pool({ connectionString: sharedPostgres().url(), max: 1 })],
  ])('of a pool of %s that is used up is no question more, and heals with it', async (_, make) => {
    const pool = make() as pg.Pool
    onTestFinished(() => pool.end())
    const held = await pool.connect()
    const { until } = watched({ db: { pool, timeoutMillis: 50 } })
    await until('db failed: pool-exhausted')
    expect(pool.waitingCount).toBe(0)
    held.release()
    await until('db ok')
  })

  test('of a pool sees at once that its server has stopped, though the pool goes on to try', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.remove())
    const pool = poolOf(server.url())
    const { until, status } = watched({ db: { pool, timeoutMillis: 60_000 } })
    await until('db ok')
    await server.stop()
    await until('db failed: connection-refused')
    expect(status.answer('/readyz')?.status).toBe(503)
    await server.start()
    await until('db ok')
  })

  test('of a pool of mysql2, promise or callback, or of holdfast/mysql follows the server; a busy one is degraded', async () => {
    const server = await startMariadb()
    onTestFinished(() => server.remove())
    const settings = { uri: server.url(), connectionLimit: 1 }
    const [ours, promised, callback] = [
      await createMysqlPool(server.url(), { max: 1, endTimeoutMillis: 1000 }),
      mysqlPromise.createPool(settings),
      mysql.createPool(settings),
    ]
    onTestFinished(
      async () => void (await Promise.all([ours.end(), promised.end(), callback.promise().end()])),
    )
    const pools = [ours, promised, callback]
    const checks = pools.map(pool => watched({ db: { pool, timeoutMillis: 500 } }))
    const all = (text: string) => Promise.all(checks.map(({ until }) => until(text)))
    await all('db ok')
    const held = [
      await ours.getConnection(),
      await promised.getConnection(),
      await callback.promise().getConnection(),
    ]
    await all('db failed: pool-exhausted')
    for (const connection of held) connection.release()
    await all('db ok')
    await server.stop()
    await all('db failed: connection-refused')
    await server.start()
    await all('db ok')
  })

  test("of mysql2's pool whose every connection is handed on is degraded, and fills no queue", async () => {
    const server = await startMariadb()
    onTestFinished(() => server.remove())
    const pool = mysqlPromise.createPool({ uri: server.url(), connectionLimit: 1 })
    onTestFinished(() => pool.end())
    let busy = true
    const users = Array.from({ length: 3 }, async () => {
      while (busy) await pool.query('SELECT SLEEP(0.01)')
    })
    const { until } = watched({ db: { pool, timeoutMillis: 200 } })
    await until('db degraded: pool-exhausted')
    const { _connectionQueue: queue } = pool.pool as unknown as { _connectionQueue: { length: number } }
    expect(queue.length).toBeLessThanOrEqual(3)
    busy = false
    await Promise.all(users)
    await until('db ok')
  })

  test('with a wrong password is not repeated, so that no account is locked', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.remove())
    const { until } = watched({
      main: { address: server.url({ password: 'wrong' }) },
      beat: { address: server.url() },
    })
    await until('beat ok')
    await expect.poll(() => server.connectionsSeen()).toBeGreaterThan(8)
    expect(server.rejectedLogins()).toBeLessThan(3)
  })
})

/** A process that has `listeners`, says what `/readyz` is at SIGTERM, and would run for ever. */
async function process_(listeners: string) {
  const source = `
    const { health } = await import(${JSON.stringify(fileURLToPath(new URL('../../dist/express.js', import.meta.url)))})
    const status = health({})
    const said = () => console.log(status.answer('/readyz').status)
    ${listeners}
    status.start()
    setInterval(() => {}, 1000)
    setImmediate(said)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('200')
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  return { lines, ended }
}

describe('SIGTERM', () => {
  test('drains, and is left to the program that listens to it', async () => {
    const { lines, ended } = await process_(
      "process.on('SIGTERM', () => { said(); setImmediate(() => process.exit(7)) })",
    )
    expect((await lines.next()).value).toBe('503')
    expect(await ended).toEqual([7, null])
  })

  test('is left also to a listener that was put before ours and hears it once', async () => {
    const { lines, ended } = await process_(`setImmediate(() =>
      process.prependOnceListener('SIGTERM', () => setTimeout(() => { said(); process.exit(7) }, 20)))`)
    expect((await lines.next()).value).toBe('503')
    expect(await ended).toEqual([7, null])
  })

  test('ends a program that does not listen, as it does without health', async () => {
    expect(await (await process_('')).ended).toEqual([null, 'SIGTERM'])
  })

  test('ends a program whose other listener counts on being the only one', async () => {
    const { ended } = await process_(`
      process.on('SIGTERM', function last() {
        if (process.listenerCount('SIGTERM') !== 1) return
        process.off('SIGTERM', last)
        process.kill(process.pid, 'SIGTERM')
      })`)
    expect(await ended).toEqual([null, 'SIGTERM'])
  })

  test('is nothing to health that was told not to listen, or was stopped', async () => {
    const before = process.listenerCount('SIGTERM')
    const off = health({ drainOnSigterm: false }).start()
    expect(process.listenerCount('SIGTERM')).toBe(before)
    const two = [health().start(), health().start()]
    expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    await Promise.all([off, ...two].map(status => status.stop()))
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})
