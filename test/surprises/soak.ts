/** Many queries and transactions while connections are killed and cut: what was told is so, and nothing grows. */
import { getEventListeners, setMaxListeners } from 'node:events'
import type { Pool } from '../../src/client/pg/types.js'
import { Random } from '../races/random.js'
import { type Cut, type Cutter, startCutter } from '../support/cutter.js'
import { documented } from './surprises.js'
import { Admin, heard, type Make, type Told } from './world.js'

export interface Soak extends Told {
  /** Queries and transactions. */
  readonly count: number
  readonly seed: number
  /** Memory and handles are looked at so often. */
  readonly rounds: number
}

/** At rest, after a garbage collection. */
export interface Sample {
  readonly operations: number
  readonly heapBytes: number
  /** Sockets, pipes and timers that keep the process alive. */
  readonly handles: number
  /** On the pool, its clients, their sockets and the signal that all queries share, at most per object. */
  readonly listeners: number
}

export interface Soaked {
  readonly told: Record<string, number>
  readonly kills: number
  readonly cuts: number
  readonly samples: readonly Sample[]
  /** Bytes of heap that an operation leaves, by least squares over the later half of the samples. */
  readonly slope: number
  /** What is left when all is closed, and was not there before. */
  readonly left: readonly string[]
  /** What was told and is not so; the first few. */
  readonly wrong: readonly string[]
  readonly ms: number
}

const WORKERS = 16
/** One cut in so many messages, one killed session in so many operations. */
const [CUT_EVERY, KILL_EVERY] = [600, 60]
const CUTS: [Cut, ...Cut[]] = ['reset', 'end', 'terminated', 'truncate', 'reset-alone', 'end-alone']

const [DONE, NOT_DONE] = [1, 2]

export async function soak({ count, seed, rounds, url, ...server }: Soak, make: Make): Promise<Soaked> {
  const before = process.getActiveResourcesInfo()
  const [admin, cutter] = await Promise.all([Admin.connect(url), startCutter(server)])
  await admin.sql('CREATE TABLE IF NOT EXISTS soaked (id int)')
  await admin.sql('TRUNCATE soaked')
  const address = new URL(url)
  address.host = `${cutter.host}:${cutter.port}`
  const pool = make(address.href, {
    ...{ max: 8, backoffMillis: 1, query_timeout: 1_000, connectTimeoutMillis: 500, maxUses: 500 },
    application_name: 'soaked',
  })
  const work = new Work(pool, admin, cutter, new Random(seed), count)
  const begun = performance.now()
  const samples: Sample[] = []
  for (let round = 1; round <= rounds; round++) {
    await work.until(Math.floor((count * round) / rounds))
    samples.push(work.sample())
  }
  await work.check()
  const ms = performance.now() - begun
  await pool.end()
  await cutter.close()
  await admin.client.end()
  // Handles that were closed are gone with the next turn.
  await new Promise(resolve => setImmediate(resolve))
  const left = process.getActiveResourcesInfo()
  for (const kind of before) left.splice(left.indexOf(kind) >>> 0, 1)
  const { told, kills, cuts, wrong } = work
  return { told, kills, cuts, samples, slope: slopeOf(samples), left, wrong: wrong.slice(0, 20), ms }
}

class Work {
  readonly told: Record<string, number> = {}
  readonly wrong: string[] = []
  kills = 0
  cuts = 0
  #next = 0
  readonly #fates: Uint8Array
  readonly #signal = new AbortController().signal

  constructor(
    readonly pool: Pool,
    readonly admin: Admin,
    readonly cutter: Cutter,
    readonly random: Random,
    count: number,
  ) {
    this.#fates = new Uint8Array(count)
    setMaxListeners(0, this.#signal)
  }

  async until(end: number): Promise<void> {
    const { cutter, random } = this
    cutter.arm(() => (random.next() < 1 / CUT_EVERY ? this.#cut() : undefined))
    const worker = async () => {
      while (this.#next < end) await this.#one(this.#next++)
    }
    await Promise.all(Array.from({ length: WORKERS }, worker))
    cutter.arm()
    await cutter.settle()
    // Made for somebody who was aborted: it has its own limit.
    while (this.pool.state().connecting > 0) await new Promise(resolve => setTimeout(resolve, 1))
    const { used, waiting } = this.pool.state()
    if (used + waiting > 0) this.wrong.push(`at rest ${used} used, ${waiting} waiting`)
  }

  #cut(): Cut {
    this.cuts++
    return this.random.next() < 0.05 ? 'hang' : this.random.pick(CUTS)
  }

  async #one(id: number): Promise<void> {
    if (id % KILL_EVERY === 0) await this.#kill()
    if (id % 500 === 0) await this.cutter.settle()
    const kind = this.random.next() * 10
    if (kind < 6) return this.#note(id, this.#echo(id))
    const { pool } = this
    const insert = 'INSERT INTO soaked VALUES ($1)'
    const writing =
      kind < 7
        ? pool.query(insert, [id])
        : kind < 8.5
          ? documented(pool, client => client.query(insert, [id]))
          : kind < 9.8
            ? pool.transaction(client => client.query({ name: 'insert', text: insert, values: [id] }))
            : this.#abandoned(id)
    return this.#note(id, writing, true)
  }

  /** Its answer is nobody else's. */
  async #echo(id: number): Promise<void> {
    const { rows } = await this.pool.query({
      text: 'SELECT $1::int AS id',
      values: [id],
      signal: this.#signal,
    })
    if (rows[0]?.id !== id) this.wrong.push(`query ${id} was answered ${rows[0]?.id}`)
  }

  /** Written, and given up by a signal at about the time of its answer. */
  async #abandoned(id: number): Promise<void> {
    const controller = new AbortController()
    const { signal } = controller
    const query = this.pool.query({ text: 'INSERT INTO soaked VALUES ($1)', values: [id], signal })
    query.catch(() => {})
    for (let turns = this.random.between(0, 30); turns > 0; turns--)
      await new Promise(resolve => setImmediate(resolve))
    controller.abort()
    await query
  }

  async #note(id: number, promise: Promise<unknown>, writes = false): Promise<void> {
    let said = 'ok'
    try {
      await promise
      if (writes) this.#fates[id] = DONE
    } catch (error) {
      const { told, message } = heard(error)
      said = `${told.reason} (${told.phase}, ${told.outcome})`
      if (writes && told.outcome !== 'unknown') this.#fates[id] = NOT_DONE
      if (told.phase === undefined || told.reason === 'unknown') this.wrong.push(`${said}: ${message}`)
    }
    this.told[said] = (this.told[said] ?? 0) + 1
  }

  async #kill(): Promise<void> {
    const killed = await this.admin.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'soaked' ORDER BY random() LIMIT 1`,
    )
    this.kills += killed.length
  }

  /** What was told to be written is there once, and what was told not to be is not. */
  async check(): Promise<void> {
    const rows = await this.admin.sql('SELECT id, count(*)::int AS times FROM soaked GROUP BY id')
    const times = new Map(rows.map(({ id, times }) => [id, Number(times)]))
    this.#fates.forEach((fate, id) => {
      const there = times.get(id) ?? 0
      if (there > 1) this.wrong.push(`${id} is there ${there} times`)
      if (fate === DONE && there === 0) this.wrong.push(`${id} was told to be written, and is not there`)
      if (fate === NOT_DONE && there !== 0) this.wrong.push(`${id} was told not to be written, and is there`)
    })
  }

  sample(): Sample {
    global.gc?.()
    const { _clients } = this.pool as unknown as {
      _clients: (NodeJS.EventEmitter & { connection: Emitters })[]
    }
    const emitters = [
      this.pool,
      ..._clients,
      ..._clients.flatMap(it => [it.connection, it.connection.stream]),
    ]
    const counts = emitters.map(it => it.eventNames().reduce((sum, name) => sum + it.listenerCount(name), 0))
    return {
      operations: this.#next,
      heapBytes: process.memoryUsage().heapUsed,
      handles: process.getActiveResourcesInfo().length,
      listeners: Math.max(...counts, getEventListeners(this.#signal, 'abort').length),
    }
  }
}

type Emitters = NodeJS.EventEmitter & { readonly stream: NodeJS.EventEmitter }

function slopeOf(samples: readonly Sample[]): number {
  const late = samples.slice(Math.floor(samples.length / 2))
  const mean = (of: (sample: Sample) => number) => late.reduce((sum, it) => sum + of(it), 0) / late.length
  const [x, y] = [mean(it => it.operations), mean(it => it.heapBytes)]
  const over = mean(it => (it.operations - x) ** 2)
  return over === 0 ? 0 : mean(it => (it.operations - x) * (it.heapBytes - y)) / over
}
