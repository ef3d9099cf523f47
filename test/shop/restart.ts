/** The database restarts while requests keep coming at an even rate, and what each of them was told. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { PostgresServer } from '../support/postgres.js'
import type { Server } from '../support/shop.js'

export interface RestartOptions {
  readonly perSecond: number
  readonly path: string
  /** Before the server stops, and after it is ready again. */
  readonly aroundMs: number
  /** Between its end and its start. */
  readonly downMs: number
}

export interface RestartEnd {
  readonly asked: number
  /** How often each status was answered; 0 is no answer. */
  readonly statuses: Record<string, number>
  /** From the stop to the first connection that a loop of them got. */
  readonly awayMs: number
  /** From that connection to the first 200. */
  readonly firstSuccessMs: number
  /** Errors of requests that were asked before the stop and answered, or that were asked later than `firstSuccessMs`. */
  readonly errorsOutside: number
  /** The longest time that a request took. */
  readonly longestMs: number
}

interface Asked {
  readonly from: number
  readonly to: number
  readonly status: number
}

export async function restartUnderLoad(
  server: Server,
  db: PostgresServer,
  { perSecond, path, aroundMs, downMs }: RestartOptions,
): Promise<RestartEnd> {
  const asked: Promise<Asked>[] = []
  const load = setInterval(() => asked.push(ask(server, path)), 1000 / perSecond)
  try {
    await delay(aroundMs)
    const stoppedAt = performance.now()
    await db.stop()
    await delay(downMs)
    const [at] = await Promise.all([readyAt(db), db.start()])
    await delay(aroundMs)
    clearInterval(load)
    return summary(await Promise.all(asked), stoppedAt, at)
  } finally {
    clearInterval(load)
  }
}

function summary(all: readonly Asked[], stoppedAt: number, readyAt: number): RestartEnd {
  const statuses: Record<string, number> = {}
  for (const { status } of all) statuses[status] = (statuses[status] ?? 0) + 1
  const successes = all.filter(({ status, to }) => status === 200 && to > readyAt).map(({ to }) => to)
  const first = Math.min(...successes)
  return {
    asked: all.length,
    statuses,
    awayMs: readyAt - stoppedAt,
    firstSuccessMs: first - readyAt,
    errorsOutside: all.filter(({ status, from, to }) => status !== 200 && (to < stoppedAt || from > first))
      .length,
    longestMs: Math.max(...all.map(({ from, to }) => to - from)),
  }
}

async function ask(server: Server, path: string): Promise<Asked> {
  const from = performance.now()
  const status = await server.get(path).then(
    answer => answer.status,
    () => 0,
  )
  return { from, to: performance.now(), status }
}

/** When the first of a loop of connections is let in. */
async function readyAt(db: PostgresServer): Promise<number> {
  for (;;) {
    const client = new pg.Client({ connectionString: db.url(), application_name: 'look' })
    client.on('error', () => {})
    const there = await client.connect().then(
      () => true,
      () => false,
    )
    const at = performance.now()
    await client.end().catch(() => {})
    if (there) return at
    await delay(2)
  }
}
