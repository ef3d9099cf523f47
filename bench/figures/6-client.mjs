/**
 * The pool of holdfast/pg against bare pg (its own pool), and postgres.js, on one PostgreSQL over TCP.
 *
 * Overhead: both in one process, each with one warm client. A round runs a block of `BLOCK` operations on bare pg (A) and on
 * ours (B) in the order ABBA, or BAAB in every other round, so that what drifts, the machine's load above all, meets both alike; its
 * ratio is (B + B) / (A + A). The figure is the median of the rounds' ratios. The bare side has no time-outs, as pg has none by
 * default; ours has its defaults. pg against itself shows what the method cannot see. Operations are run one after another, so that a microsecond in the process is seen.
 *
 * Waiting: `WAITERS` at once ask a pool of `MAX` for a client, hold it for one query, and give it back; rounds in turn.
 *
 * Recovery: a query every 10 ms to each pool at the same time, through a restart of the server; the first that was sent after
 * the server's end and succeeded, against "ready to accept connections" in the server's log.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import postgres from 'postgres'
import { median, quantile } from '../programs.mjs'
import { postgresReadyAt, startPostgres } from '../support.mjs'

const ROUNDS = 600
const BLOCK = 25
const [MAX, WAITERS, WAITS] = [5, 50, 30]
const RESTARTS = 10

const NAMES = ['pg-pool', 'holdfast', 'postgres.js']

const QUERY = ['SELECT $1::int AS n', [7]]

async function timed(work) {
  const begun = performance.now()
  for (let i = 0; i < BLOCK; i++) await work()
  return performance.now() - begun
}

/** Microseconds of one operation on each side, and the median of the paired ratios. */
async function paired(bare, ours) {
  for (let i = 0; i < 5; i++) for (const work of [bare, ours]) await timed(work)
  const [a, b, ratios] = [[], [], []]
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? [bare, ours, ours, bare] : [ours, bare, bare, ours]
    let [first, second] = [0, 0]
    for (const work of order) {
      const ms = await timed(work)
      if (work === bare) first += ms
      else second += ms
    }
    a.push((first / BLOCK / 2) * 1000)
    b.push((second / BLOCK / 2) * 1000)
    ratios.push(second / first)
  }
  return { bare: median(a), ours: median(b), ratio: median(ratios), ratios }
}

/** BEGIN, one statement, COMMIT: as the manual of pg writes it. */
async function byHand(pool) {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query(...QUERY)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

async function overhead(createPool, url) {
  const [bare, ours] = [new pg.Pool({ connectionString: url, max: 1 }), createPool(url, { max: 1 })]
  try {
    const [one, other] = [await bare.connect(), await ours.connect()]
    const query = await paired(
      () => one.query(...QUERY),
      () => other.query(...QUERY),
    )
    const itself = await paired(
      () => one.query(...QUERY),
      () => one.query(...QUERY, undefined),
    )
    one.release()
    other.release()
    return {
      'client.query, pg against itself': itself,
      'client.query': query,
      'pool.query': await paired(
        () => bare.query(...QUERY),
        () => ours.query(...QUERY),
      ),
      'BEGIN, a statement, COMMIT by hand': await paired(
        () => byHand(bare),
        () => byHand(ours),
      ),
      'transaction() against by hand': await paired(
        () => byHand(bare),
        () => ours.transaction(client => client.query(...QUERY)),
      ),
    }
  } finally {
    await Promise.all([bare.end(), ours.end()])
  }
}

/** Each with a way to hold a client for one query, and one to run a query. */
const pools = (createPool, url) => {
  const over = pool => ({
    query: () => pool.query('SELECT 1'),
    end: () => pool.end(),
    async hold() {
      const client = await pool.connect()
      return () => client.query('SELECT pg_sleep(0.001)').finally(() => client.release())
    },
  })
  const sql = postgres(url, { max: MAX, onnotice: () => {} })
  const bare = new pg.Pool({ connectionString: url, max: MAX })
  bare.on('error', () => {}).on('connect', client => client.on('error', () => {}))
  const ours = createPool(url, { max: MAX })
  ours.on('error', () => {})
  return {
    'pg-pool': over(bare),
    holdfast: over(ours),
    'postgres.js': {
      query: () => sql`SELECT 1`,
      end: () => sql.end({ timeout: 1 }),
      async hold() {
        const client = await sql.reserve()
        return () => client`SELECT pg_sleep(0.001)`.finally(() => client.release())
      },
    },
  }
}

async function waiting(createPool, url) {
  const all = pools(createPool, url)
  const times = Object.fromEntries(Object.keys(all).map(name => [name, []]))
  try {
    for (let round = -2; round < WAITS; round++)
      for (const [name, pool] of Object.entries(all))
        await Promise.all(
          Array.from({ length: WAITERS }, async () => {
            const begun = performance.now()
            const done = await pool.hold()
            if (round >= 0) times[name].push(performance.now() - begun)
            await done()
          }),
        )
    return times
  } finally {
    await Promise.all(Object.values(all).map(pool => pool.end()))
  }
}

const now = () => performance.timeOrigin + performance.now()

/** Sends a query every 10 ms until one that was sent after `down` has succeeded. */
async function untilAnswered(pool, down, signal) {
  let failed = 0
  return new Promise(resolve => {
    const send = async () => {
      const sent = now()
      try {
        await pool.query()
        if (sent > down()) end()
      } catch {
        failed++
      }
    }
    const timer = setInterval(send, 10)
    const end = () => {
      clearInterval(timer)
      resolve({ at: now(), failed })
    }
    signal.addEventListener('abort', end)
  })
}

async function recovery(createPool) {
  const server = await startPostgres()
  const [late, failed] = [0, 1].map(() => Object.fromEntries(NAMES.map(name => [name, []])))
  try {
    for (let round = 0; round < RESTARTS; round++) {
      const all = pools(createPool, server.url())
      const warm = Object.values(all).flatMap(pool => Array.from({ length: MAX }, () => pool.query()))
      await Promise.all(warm)
      let down = Number.POSITIVE_INFINITY
      const giveUp = AbortSignal.timeout(60_000)
      const answers = Object.entries(all).map(async ([name, pool]) => [
        name,
        await untilAnswered(pool, () => down, giveUp),
      ])
      await delay(100)
      await server.stop('immediate')
      down = now()
      await delay(1000 + Math.random() * 1000)
      await server.start()
      const ready = postgresReadyAt(server.log())
      for (const [name, answer] of await Promise.all(answers)) {
        late[name].push(answer.at - ready)
        failed[name].push(answer.failed)
      }
      await Promise.all(Object.values(all).map(pool => pool.end()))
    }
    return { late, failed }
  } finally {
    await server.remove()
  }
}

const percent = ratio => (ratio - 1) * 100

export async function measure({ root }) {
  const { createPool } = await import(`${root}dist/pg.js`)
  const server = await startPostgres()
  let [costs, times] = []
  try {
    costs = await overhead(createPool, server.url())
    times = await waiting(createPool, server.url())
  } finally {
    await server.remove()
  }
  const { late, failed } = await recovery(createPool)
  const perQuery = percent(costs['client.query'].ratio)
  const p99 = name => quantile(times[name], 0.99)
  return {
    title: 'The pool: what it costs, and how soon it is back',
    conditions: `Overhead: microseconds an operation, medians, and the median of ${ROUNDS} paired ratios with its quartiles, in percent. Waiting: milliseconds until ${WAITERS} at once have one of ${MAX} clients, ${WAITS} rounds. Recovery: milliseconds from "ready to accept connections" to the first answer, and how many requests failed (one every 10 ms, down for 1 to 2 s), ${RESTARTS} restarts.`,
    columns: ['pg', 'holdfast', 'postgres.js', 'over pg, %', 'quartiles, %'],
    rows: [
      ...Object.entries(costs).map(([name, { bare, ours, ratio, ratios }]) => [
        `µs, ${name}`,
        bare,
        ours,
        undefined,
        percent(ratio),
        [0.25, 0.75].map(q => percent(quantile(ratios, q)).toFixed(1)).join(' to '),
      ]),
      ...[0.5, 0.99].map(q => [
        `waiting, p${q * 100}`,
        ...NAMES.map(name => quantile(times[name], q)),
        percent(quantile(times.holdfast, q) / quantile(times['pg-pool'], q)),
      ]),
      ...[0.5, 1].map(q => [
        `recovery, ${q === 1 ? 'most' : 'median'}`,
        ...NAMES.map(name => quantile(late[name], q)),
      ]),
      ['failed requests, median', ...NAMES.map(name => median(failed[name]))],
    ],
    goals: [
      { text: `at most 3 % over bare pg a query (${perQuery.toFixed(1)})`, met: perQuery <= 3 },
      {
        text: `p99 of waiting at most 10 % over pg-pool (${p99('holdfast').toFixed(1)} against ${p99('pg-pool').toFixed(1)} ms)`,
        met: p99('holdfast') <= p99('pg-pool') * 1.1,
      },
    ],
  }
}
