/** What node-postgres does on a bad day, one program each, in the text of its documentation. */
import { createHook } from 'node:async_hooks'
import type { Client, Pool } from '../../src/client/pg/types.js'
import { type Cutter, startCutter } from '../support/cutter.js'
import { Admin, heard, type Make, outcome, type Told } from './world.js'

type Program = (told: Told, make: Make) => Promise<unknown>

const CLAIM = 'UPDATE coupon SET remaining = remaining - 1 WHERE id = 1'
const REMAINING = 'SELECT remaining FROM coupon WHERE id = 1'

/** https://node-postgres.com/features/transactions */
export async function documented<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

/** Timers set since the beginning and not cleared: without one, and without an answer, nothing ever happens. */
const set = new Set<number>()
let everSet = 0
createHook({
  init(id, type) {
    if (type !== 'Timeout') return
    set.add(id)
    everSet++
  },
  destroy: id => void set.delete(id),
}).enable()
const timers = () => set.size

const tick = () => new Promise(resolve => setImmediate(resolve))
const pidOf = (client: Client) => (client as unknown as { processID: number }).processID
const ignore = () => {}

export const surprises: Record<string, Program> = {
  /** A backend ends while its client is checked out, and idle within a transaction. */
  async 'checked-out'({ url }, make) {
    const admin = await Admin.connect(url)
    const pool = make(url, { max: 1 })
    pool.on('error', ignore)
    const fate = await outcome(
      documented(pool, async client => {
        await client.query(CLAIM)
        await admin.kill(client as never)
      }),
    )
    const next = await outcome(pool.query('SELECT 1'))
    return { fate, next, remaining: (await admin.sql(REMAINING))[0]?.remaining }
  },

  /** The connection is lost under a statement; then comes the ROLLBACK of the catch block. */
  async 'hidden-cause'(told, make) {
    const { fate, next } = await loseUnderStatement(told, make)
    return { fate, next }
  },

  /** A statement runs into query_timeout and its client is released, as it should be. */
  async 'busy-client'({ url }, make) {
    const admin = await Admin.connect(url)
    const pool = make(url, { max: 1, query_timeout: 300 })
    const client = await pool.connect()
    const fate = await outcome(client.query('SELECT pg_sleep(3)'))
    client.release()
    const next = await outcome(pool.query('SELECT 1'))
    return {
      fate,
      next,
      running: (await admin.sessions(`query LIKE 'SELECT pg_sleep%' AND state = 'active'`)).length,
    }
  },

  /** The same within a transaction, whose ROLLBACK was forgotten; the next one to borrow writes. */
  async 'stale-transaction'({ url }, make) {
    const admin = await Admin.connect(url)
    const pool = make(url, { max: 1, query_timeout: 300 })
    const client = await pool.connect()
    await client.query('BEGIN')
    const fate = await outcome(client.query('SELECT pg_sleep(0.6)'))
    const pid = pidOf(client)
    const slept = admin.gone(`pid = ${pid} AND state = 'active'`)
    client.release()
    await slept
    const next = await outcome(pool.query(CLAIM))
    await pool.end()
    return { fate, next, remaining: (await admin.sql(REMAINING))[0]?.remaining }
  },

  /** The server says nothing any more, and nobody set a time-out. */
  async 'no-limits'({ url, ...server }, make) {
    const cutter = await startCutter(server)
    const pool = make(behind(url, cutter))
    const client = await pool.connect()
    cutter.cutAll('hang')
    client.query('SELECT 1').catch(ignore)
    await tick()
    const statement = timers()
    const atEnd = everSet
    pool.end().catch(ignore)
    await tick()
    const ending = everSet - atEnd
    const connecting = make(behind(url, cutter))
    cutter.arm(() => 'hang')
    const atConnect = everSet
    connecting.connect().catch(ignore)
    while (cutter.cuts === 0) await tick()
    return { statement, ending, connecting: everSet - atConnect }
  },

  /** The same, with short limits. */
  async limits({ url, ...server }, make) {
    const cutter = await startCutter(server)
    const pool = make(behind(url, cutter), {
      ...{ query_timeout: 300, acquireTimeoutMillis: 300, connectTimeoutMillis: 200, connectAttempts: 1 },
      endTimeoutMillis: 300,
    })
    const client = await pool.connect()
    cutter.arm(() => 'hang')
    cutter.cutAll('hang')
    const statement = await outcome(client.query('SELECT 1'))
    const connecting = await outcome(pool.connect())
    const ending = await outcome(pool.end())
    client.release()
    return { statement, connecting, ending }
  },

  /** The server's process is stopped: the connection lives, and nobody answers. */
  async stopped({ url }, make) {
    const pool = make(url, { max: 1, query_timeout: 300, endTimeoutMillis: 300 })
    const client = await pool.connect()
    const pid = pidOf(client)
    process.kill(pid, 'SIGSTOP')
    try {
      const fate = await outcome(client.query('SELECT 1'))
      client.release()
      const next = await outcome(pool.query('SELECT 1'))
      return { fate, next, ending: await outcome(pool.end()) }
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  },

  /** A client vanishes, and its transaction holds the row that the next one wants. */
  async 'orphaned-lock'({ url, ...server }, make) {
    const admin = await Admin.connect(url)
    const cutter = await startCutter(server)
    const pool = make(behind(url, cutter), { max: 2, idle_in_transaction_session_timeout: 500 })
    const { fate, limits } = await vanish(pool, cutter)
    const next = outcome(pool.query(CLAIM))
    await admin.until(`wait_event_type = 'Lock' AND query = '${CLAIM}'`)
    // Whoever waits does so for ever, if neither the server nor the program counts the time.
    if (limits === '0, 0, 0' && timers() === 0) return { fate, limits, next: 'never' }
    return { fate, limits, next: await next, remaining: (await admin.sql(REMAINING))[0]?.remaining }
  },

  /** The same, and the one who holds the row may do so for long. */
  async 'lock-limit'({ url, ...server }, make) {
    const cutter = await startCutter(server)
    const pool = make(behind(url, cutter), { max: 2, lock_timeout: 300 })
    const { fate } = await vanish(pool, cutter)
    return { fate, next: await outcome(pool.query(CLAIM)) }
  },

  /** A statement, and the wait for a connection, run into their limits. */
  async codes({ url }, make) {
    const pool = make(url, { max: 1, query_timeout: 200, acquireTimeoutMillis: 200 })
    const client = await pool.connect()
    const acquire = await outcome(pool.query('SELECT 1'))
    const statement = await outcome(client.query('SELECT pg_sleep(3)'))
    return { acquire, statement }
  },

  /** An idle connection is cut, and the program has no listener for it. */
  async idle({ url }, make) {
    const admin = await Admin.connect(url)
    const pool = make(url, { max: 1 })
    await pool.query('SELECT 1')
    const removed = new Promise<void>(resolve => pool.once('remove', () => resolve()))
    await admin.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = current_user AND pid <> pg_backend_pid()`)
    await removed
    return { next: await outcome(pool.query('SELECT 1')) }
  },
}

const LIMITS = `SELECT concat_ws(', ', current_setting('idle_in_transaction_session_timeout'),
  current_setting('lock_timeout'), current_setting('statement_timeout')) AS limits`

const behind = (url: string, { host, port }: Cutter) => {
  const address = new URL(url)
  address.host = `${host}:${port}`
  return address.href
}

/** Takes the row, and its connection is lost for the client alone. */
async function vanish(pool: Pool, cutter: Cutter) {
  const client = await pool.connect()
  client.on('error', ignore)
  const { limits } = (await client.query(LIMITS)).rows[0]
  await client.query('BEGIN')
  await client.query(CLAIM)
  const ended = new Promise<void>(resolve => client.once('end', resolve))
  cutter.cutAll('reset-alone')
  await ended
  const fate = await outcome(client.query('COMMIT'))
  client.release()
  return { fate, limits }
}

async function loseUnderStatement({ url, ...server }: Told, make: Make) {
  const cutter = await startCutter(server)
  const admin = await Admin.connect(url)
  const pool = make(behind(url, cutter), { max: 1 })
  const fate = await documented(pool, async client => {
    client.on('error', ignore)
    const sleep = client.query('SELECT pg_sleep(30)')
    await admin.until(`query = 'SELECT pg_sleep(30)' AND state = 'active'`)
    cutter.cutAll('reset')
    await sleep
  }).then(() => 'ok', heard)
  return { fate, next: await outcome(pool.query('SELECT 1')) }
}
