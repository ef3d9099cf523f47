/** The migration lock, on the real servers that have one. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseTarget } from '../../src/core/target.js'
import type { Aim } from '../../src/gate/outcome.js'
import { loadService, SCHEMES } from '../../src/services/registry.js'
import { type Lock, LockError, type LockOptions, takeLock } from '../../src/start/lock.js'
import { leavingNothing } from '../conformance/probing.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'
import { sharedPostgres } from '../support/shared.js'

interface Server {
  url(database: string): string
  /** Databases that can be used, one of them `first`. */
  readonly first: string
  readonly second: string
  /** Has sessions that are idle for longer ended soon; undone by the result. */
  endIdle(): Promise<() => Promise<unknown>>
  /** Resolves after a time within which those are ended. */
  longer(): Promise<unknown>
  /** Ends the session that holds the lock. */
  endHolder(): Promise<unknown>
}

let maria: MariadbServer
const FIRST = `lock_${process.pid}_a`
const SECOND = `lock_${process.pid}_b`

beforeAll(async () => {
  maria = await startMariadb({ setup: "create database other; grant all on other.* to app@'%'" })
  for (const name of [FIRST, SECOND]) await sharedPostgres().sql(`CREATE DATABASE ${name} OWNER app`)
})
afterAll(async () => {
  await maria.remove()
  for (const name of [FIRST, SECOND]) await sharedPostgres().sql(`DROP DATABASE ${name} WITH (FORCE)`)
})
leavingNothing([])

const taken: Lock[] = []
afterEach(async () => {
  await Promise.all(taken.splice(0).map(lock => lock.release()))
})

const SERVERS: readonly (readonly [string, () => Server])[] = [
  [
    'PostgreSQL',
    () => ({
      url: database => sharedPostgres().url({ database }),
      first: FIRST,
      second: SECOND,
      endIdle: async () => {
        const { sql } = sharedPostgres()
        await sql(`ALTER DATABASE ${FIRST} SET idle_session_timeout = '200ms'`)
        return () => sql(`ALTER DATABASE ${FIRST} RESET idle_session_timeout`)
      },
      longer: () => sharedPostgres().sql('SELECT pg_sleep(0.6)'),
      endHolder: () =>
        sharedPostgres().sql(
          `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = '${FIRST}')`,
        ),
    }),
  ],
  [
    'MariaDB',
    () => ({
      url: database => maria.url({ database }),
      first: 'app',
      second: 'other',
      endIdle: async () => {
        await maria.sql('SET GLOBAL wait_timeout = 1')
        return () => maria.sql('SET GLOBAL wait_timeout = 28800')
      },
      longer: () => maria.sql('SELECT sleep(2.5)'),
      endHolder: async () => {
        const id = await maria.sql("SELECT is_used_lock(concat('holdfast.', md5('app')))")
        await maria.sql(`KILL ${id.trim()}`)
      },
    }),
  ],
]

async function aimAt(url: string): Promise<Aim> {
  const target = parseTarget(url, { schemes: SCHEMES, name: 'db' })
  return { target, service: await loadService(target.service) }
}

async function take(url: string, more: Partial<LockOptions> = {}): Promise<Lock> {
  const { signal } = new AbortController()
  const options = { wait: { timeoutMs: 10_000 }, timeoutMs: 10_000, signal, say: () => {}, ...more }
  const lock = await takeLock(await aimAt(url), options)
  taken.push(lock)
  return lock
}

describe.each(SERVERS)('%s', (_, of) => {
  test('a second taker is told who holds it, and gets it once it is given back', async () => {
    const { url, first } = of()
    const held = await take(url(first))
    const said: string[] = []
    let heard = () => {}
    const waiting = new Promise<void>(resolve => {
      heard = resolve
    })
    const say = (text: string) => {
      said.push(text)
      heard()
    }
    const second = take(url(first), { say })
    await waiting
    expect(said[0]).toMatch(
      /^waiting for the lock that is held by pid \d+ \(.*app from .+, connected since \d{4}-/,
    )
    await held.release()
    await (await second).release()
  })

  test('another database has a lock of its own', async () => {
    const { url, first, second } = of()
    await take(url(first))
    await (await take(url(second), { timeoutMs: 0 })).release()
  })

  test('it is lost when its session is ended', async () => {
    const { url, first, endHolder } = of()
    const lock = await take(url(first))
    await endHolder()
    expect(await lock.lost).toBe('the session that holds the lock was closed')
    await (await take(url(first), { timeoutMs: 0 })).release()
  })

  test('it stays while its session is asked after it, and is not lost by being given back', async () => {
    const { url, first } = of()
    const lock = await take(url(first), { beatMs: 1 })
    await expect(take(url(first), { timeoutMs: 300 })).rejects.toThrow(LockError)
    await lock.release()
    const lost = await Promise.race([lock.lost, Promise.resolve('not lost')])
    expect(lost).toBe('not lost')
  })

  test('a server that ends idle sessions does not end the one that holds it', async () => {
    const { url, first, endIdle, longer } = of()
    const undo = await endIdle()
    try {
      const lock = await take(url(first))
      expect(await Promise.race([lock.lost, longer().then(() => 'held')])).toBe('held')
    } finally {
      await undo()
    }
  })

  test('a signal ends the wait for it', async () => {
    const { url, first } = of()
    await take(url(first))
    const controller = new AbortController()
    const reason = new Error('enough')
    const say = () => controller.abort(reason)
    await expect(take(url(first), { signal: controller.signal, say })).rejects.toBe(reason)
  })
})

test('nobody who waits for it holds up CREATE INDEX CONCURRENTLY', async () => {
  const { sql, url } = sharedPostgres()
  const lock = await take(url({ database: FIRST }))
  let heard = () => {}
  const waiting = new Promise<void>(resolve => {
    heard = resolve
  })
  const second = take(url({ database: FIRST }), { say: heard, timeoutMs: 30_000 })
  await waiting
  await sql('CREATE TABLE big (n int)', FIRST)
  // In a transaction that the wait kept open, it would never end.
  await sql("SET statement_timeout = '10s'; CREATE INDEX CONCURRENTLY ON big (n)", FIRST)
  await lock.release()
  await (await second).release()
})
