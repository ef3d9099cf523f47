/** A thousand users for a hundred coupons at the same moment, while connections are ended at random; and what came of it. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { Random } from '../races/random.js'
import type { PostgresServer } from '../support/postgres.js'
import type { Server } from '../support/shop.js'

/** A session of the superuser, over the socket. */
export async function superuser(db: PostgresServer): Promise<pg.Client> {
  const client = new pg.Client({ host: db.socketDir, port: db.port, user: 'postgres', database: 'app' })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** So many new users' ids. */
export async function users(admin: pg.Client, count: number): Promise<string[]> {
  const { rows } = await admin.query(
    `INSERT INTO users (email, name) SELECT gen_random_uuid() || '@example.org', 'Ada'
     FROM generate_series(1, $1) RETURNING id`,
    [count],
  )
  return rows.map(({ id }) => id)
}

/** A campaign's id. */
export async function campaign(admin: pg.Client, total: number): Promise<string> {
  const { rows } = await admin.query(
    'INSERT INTO coupons (code, total, remaining) VALUES (gen_random_uuid(), $1, $1) RETURNING id',
    [total],
  )
  return rows[0].id
}

/** What the database says of a campaign. */
export async function stateOf(admin: pg.Client, coupon: string) {
  const { rows } = await admin.query(
    `SELECT total, remaining, coalesce((SELECT array_agg(user_id::text) FROM claims WHERE coupon_id = $1), '{}') AS claimants
     FROM coupons WHERE id = $1`,
    [coupon],
  )
  return rows[0] as { total: number; remaining: number; claimants: string[] }
}

export interface SaleOptions {
  readonly claims: number
  readonly coupons: number
  /** On average so often a connection of the shop is ended while claims are under way; 0 is never. */
  readonly killEveryMs: number
  readonly seed: number
}

export interface SaleEnd {
  /** How often each was answered: `201`, `409 sold-out`, `500 connection-lost` … */
  readonly answers: Record<string, number>
  readonly kills: number
  readonly claimed: number
  readonly remaining: number
  /** What must not be; empty is good. */
  readonly wrong: readonly string[]
  readonly ms: number
}

export async function flashSale(
  server: Server,
  db: PostgresServer,
  { claims, coupons, killEveryMs, seed }: SaleOptions,
): Promise<SaleEnd> {
  const admin = await superuser(db)
  try {
    const [ids, coupon] = [await users(admin, claims), await campaign(admin, coupons)]
    const killer = new Killer(await superuser(db), killEveryMs, new Random(seed))
    const began = performance.now()
    const asking = ids.map(async userId => ({ userId, answer: await answerOf(server, coupon, userId) }))
    const answers = await Promise.all(asking).finally(() => killer.end())
    const ms = performance.now() - began
    const { remaining, claimants } = await stateOf(admin, coupon)
    const told = new Map(answers.map(({ userId, answer }) => [userId, answer]))
    const wrong = [
      ...(claimants.length + remaining === coupons
        ? []
        : [`${claimants.length} claims, ${remaining} remain`]),
      ...(claimants.length <= coupons ? [] : ['oversold']),
      ...(new Set(claimants).size === claimants.length ? [] : ['one user has two']),
      ...answers
        .filter(({ userId, answer }) => answer === '201' && !claimants.includes(userId))
        .map(({ userId }) => `user ${userId} was told 201 and has no claim`),
      // What nobody knows of may have been done; what was refused may not.
      ...claimants
        .map(userId => told.get(userId))
        .filter(answer => answer !== '201' && !answer?.endsWith('unknown'))
        .map(answer => `a claim was answered ${answer}`),
    ]
    const counted: Record<string, number> = {}
    for (const { answer } of answers) counted[answer] = (counted[answer] ?? 0) + 1
    return { answers: counted, kills: killer.kills, claimed: claimants.length, remaining, wrong, ms }
  } finally {
    await admin.end()
  }
}

async function answerOf(server: Server, coupon: string, userId: string): Promise<string> {
  const { status, body } = await server.post(`/coupons/${coupon}/claims`, { userId })
  if (status === 201) return '201'
  return [status, body?.type?.split(':').at(-1), body?.outcome].filter(Boolean).join(' ')
}

class Killer {
  kills = 0
  readonly #ended = new AbortController()
  readonly #work: Promise<void>

  constructor(
    private readonly client: pg.Client,
    everyMs: number,
    random: Random,
  ) {
    this.#work = everyMs > 0 ? this.#run(everyMs, random) : Promise.resolve()
  }

  async #run(everyMs: number, random: Random) {
    const { signal } = this.#ended
    while (!signal.aborted) {
      await delay(random.between(0, 2 * everyMs), undefined, { signal }).catch(() => {})
      const { rowCount } = await this.client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'shop-server' ORDER BY random() LIMIT 1`,
      )
      this.kills += rowCount ?? 0
    }
  }

  async end(): Promise<void> {
    this.#ended.abort()
    await this.#work
    await this.client.end()
  }
}
