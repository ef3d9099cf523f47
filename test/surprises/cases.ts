/** A claim, cut at each message: what the program was told, and what the database says. */
import type { Client, Pool, PoolOptions } from '../../src/client/pg/types.js'
import { type Cut, type Cutter, type Direction, startCutter } from '../support/cutter.js'
import { documented } from './surprises.js'
import { Admin, type Heard, heard, type Make, type Told } from './world.js'

export interface Point {
  readonly direction: Direction
  /** On the first connection, from 1. */
  readonly n: number
  readonly type: string
}

export interface Case extends Point {
  readonly claim: keyof typeof CLAIMS
  readonly cut: Cut
  /** How many connections are cut there, one after the other. Default 1. */
  readonly times?: number
}

export interface Result {
  readonly fired: boolean
  readonly answer: 'ok' | 'hang' | Heard
  readonly committed: boolean
  /** The claim was told to be made, and is not; or told not to be, and is. */
  readonly violations: readonly string[]
}

export interface Batch extends Told {
  /** None: the messages of a claim of each kind are told. */
  readonly cases?: readonly Case[]
  readonly options?: PoolOptions
  /** Cases at the same time. Default 1. */
  readonly jobs?: number
}

const take = async (client: Client, id: number) => {
  const { rowCount } = await client.query(
    'UPDATE coupon SET remaining = remaining - 1 WHERE id = $1 AND remaining > 0',
    [id],
  )
  if (rowCount !== 1) throw new Error('sold out')
  await client.query('INSERT INTO claim (coupon) VALUES ($1)', [id])
}

const CLAIMS = {
  /** The text of node-postgres' documentation. */
  documented: (pool: Pool, id: number): Promise<unknown> => documented(pool, client => take(client, id)),
  helper: (pool: Pool, id: number): Promise<unknown> => pool.transaction(client => take(client, id)),
  /** Statements sent at once, one of them prepared; others wait for the only connection. */
  crowded: async (pool: Pool, id: number): Promise<unknown> => {
    const claim = documented(pool, client =>
      Promise.all([
        client.query({
          name: 'take',
          text: 'UPDATE coupon SET remaining = remaining - 1 WHERE id = $1',
          values: [id],
        }),
        client.query('INSERT INTO claim (coupon) VALUES ($1)', [id]),
      ]),
    )
    const others = [1, 2, 3].map(n =>
      pool.query('SELECT $1::int AS n', [n]).then(({ rows }) => rows[0].n === n),
    )
    const [made, ...answers] = await Promise.allSettled([claim, ...others])
    if (answers.some(it => it.status === 'fulfilled' && !it.value)) throw new Error('a wrong answer')
    if (made.status === 'rejected') throw made.reason
    return made.value
  },
  /** One statement, which commits by itself. */
  statement: (pool: Pool, id: number): Promise<unknown> =>
    pool.query(
      `WITH taken AS (UPDATE coupon SET remaining = remaining - 1 WHERE id = $1 RETURNING id)
       INSERT INTO claim (coupon) SELECT id FROM taken`,
      [id],
    ),
}

export const KINDS = Object.keys(CLAIMS) as (keyof typeof CLAIMS)[]

/** Whatever is not there by then never comes: every limit of the pool under test is shorter. */
const PATIENCE_MS = 6_000

const OPTIONS: PoolOptions = {
  ...{ max: 2, backoffMillis: 1, connectAttempts: 3, healthCheckMillis: 0, endTimeoutMillis: 500 },
  ...{ query_timeout: 2_000, connectTimeoutMillis: 1_000, acquireTimeoutMillis: 3_000 },
}

/** Each case is told before it begins, so that a crash is its own, and when it is over. */
export async function cases(
  { cases: given, options, jobs = 1, ...told }: Batch,
  make: Make,
): Promise<unknown> {
  const wanted = { ...OPTIONS, ...options }
  if (!given) {
    const runner = await Runner.start(told, make, wanted)
    const points: Record<string, Point[]> = {}
    for (const claim of KINDS) points[claim] = await runner.record(claim)
    return points
  }
  const results: Result[] = []
  let next = 0
  const work = async () => {
    const runner = await Runner.start(told, make, wanted)
    while (next < given.length) {
      const index = next++
      process.send?.({ begun: index })
      const result = await runner.run(given[index] as Case)
      results[index] = result
      process.send?.({ index, result })
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return results.length
}

class Runner {
  private constructor(
    readonly admin: Admin,
    readonly cutter: Cutter,
    readonly make: (claim: Case['claim']) => Pool,
    /** Names the sessions of this runner. */
    readonly name: string,
  ) {}

  static async start(told: Told, make: Make, options: PoolOptions): Promise<Runner> {
    const [admin, cutter] = await Promise.all([Admin.connect(told.url), startCutter(told)])
    const address = new URL(told.url)
    address.host = `${cutter.host}:${cutter.port}`
    const name = `cut-${cutter.port}`
    address.searchParams.set('application_name', name)
    const pool = (claim: Case['claim']) => {
      const made = make(address.href, claim === 'crowded' ? { ...options, max: 1 } : options)
      made.on('error', () => {})
      return made
    }
    return new Runner(admin, cutter, pool, name)
  }

  async #coupon(): Promise<number> {
    const [row] = await this.admin.sql('INSERT INTO coupon (remaining) VALUES (1) RETURNING id')
    return row?.id as number
  }

  async record(claim: Case['claim']): Promise<Point[]> {
    const pool = this.make(claim)
    this.cutter.arm()
    await CLAIMS[claim](pool, await this.#coupon())
    const points = this.cutter.messages.map(({ direction, n, type }) => ({ direction, n, type }))
    await pool.end()
    return points
  }

  async run({ claim, direction, n, cut, times = 1 }: Case): Promise<Result> {
    const { cutter, admin } = this
    const id = await this.#coupon()
    const pool = this.make(claim)
    cutter.arm(it => (it.connection < times && it.direction === direction && it.n === n ? cut : undefined))
    const violations: string[] = []
    const answer = await settled(CLAIMS[claim](pool, id))
    const fired = cutter.cuts > 0
    cutter.arm()
    const fresh = await settled(
      pool.query('SELECT now() = statement_timestamp() AS fresh').then(({ rows }) => {
        if (!rows[0].fresh) violations.push('the next request ran within a transaction')
      }),
    )
    if (fresh !== 'ok') violations.push(`the next request: ${say(fresh)}`)
    if (pool.state) {
      const { total, idle, used, connecting, waiting } = pool.state()
      const now = `total ${total}, idle ${idle}, used ${used}, connecting ${connecting}, waiting ${waiting}`
      if (used + connecting + waiting > 0 || total !== idle || idle < 1)
        violations.push(`the pool has ${now}`)
    }
    await cutter.settle()
    const left = await admin.sessions(`application_name = '${this.name}' AND state <> 'idle'`)
    for (const { state, query } of left) violations.push(`a session is ${state} after ${query}`)
    const end = await settled(pool.end())
    if (end !== 'ok') violations.push(`the end: ${say(end)}`)
    await cutter.drained()
    const [truth] = await admin.sql(
      'SELECT remaining, (SELECT count(*)::int FROM claim WHERE claim.coupon = coupon.id) AS claims FROM coupon WHERE id = $1',
      [id],
    )
    const { remaining, claims } = truth as { remaining: number; claims: number }
    const committed = claims > 0
    if (claims > 1 || remaining !== 1 - claims) violations.push(`${claims} claims, and ${remaining} remain`)
    violations.push(...lies(answer, committed))
    return { fired, answer, committed, violations }
  }
}

/** What a program was told, against what is so. */
function* lies(answer: Result['answer'], committed: boolean): Generator<string> {
  if (answer === 'hang') yield 'it hangs'
  else if (answer === 'ok') {
    if (!committed) yield 'told to be done, and is not'
  } else {
    const { outcome, phase, reason } = answer.told
    if (committed && outcome !== 'unknown') yield `told to be ${outcome}, and is done`
    if (committed && phase && phase !== 'commit' && phase !== 'statement')
      yield `done, and told in phase ${phase}`
    if (reason === 'unknown' || phase === undefined) yield `told nothing: ${say(answer)}`
  }
}

export const say = (answer: Result['answer']): string =>
  typeof answer === 'string'
    ? answer
    : `${answer.message} (${answer.code}; ${answer.told.reason}, ${answer.told.phase}, ${answer.told.outcome})`

async function settled(promise: Promise<unknown>): Promise<Result['answer']> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<'hang'>(resolve => {
    timer = setTimeout(resolve, PATIENCE_MS, 'hang')
  })
  try {
    return await Promise.race([promise.then(() => 'ok' as const, heard), patience])
  } finally {
    clearTimeout(timer)
  }
}
