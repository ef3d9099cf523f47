/**
 * What a trial of a race is: real servers that come up in an awkward way, one holdfast that waits for them, and
 * the first connection that a program would make the moment it is let go.
 */
import { connect } from 'node:net'
import pg from 'pg'
import { spawnHoldfast } from '../support/cli.js'
import { APP_PASSWORD } from '../support/postgres-cluster.js'
import { buildUrl } from '../support/url.js'
import { Random } from './random.js'

export interface Trial {
  readonly status: number | null
  /** It let go at the right time, or rightly not at all. */
  readonly releasedRight: boolean
  /** Whether a connection right after the release worked, without a second try; null where there is no release. */
  readonly firstConnectionOk: boolean | null
  /** From the moment at which release was right to holdfast's exit; null where there is no release. */
  readonly releaseMs: number | null
  /** What went wrong, and what holdfast said, for whoever reads a failure. */
  readonly story: string
}

export interface Setting {
  readonly random: Random
  /** Longer times, as the figures of a release want them; a test run makes do with shorter ones. */
  readonly thorough: boolean
  /** Runs at the end of the trial, the last one first. */
  defer(end: () => unknown): void
}

export interface Race {
  readonly name: string
  /** What a latency of this race counts from, for the table. */
  readonly since: string
  /** How often a test run goes through it, where its servers take long to start; default 5. */
  readonly trials?: number
  run(setting: Setting): Promise<Trial>
}

/** Runs one trial; the same seed gives the same delays and variants. */
export async function runTrial(race: Race, seed: number, thorough = false): Promise<Trial> {
  const ends: (() => unknown)[] = []
  const defer = (end: () => unknown) => void ends.push(end)
  try {
    return await race.run({ random: new Random(seed), thorough, defer })
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** The address of the harness' role and database on a port, before there is a server to ask for it. */
export const appUrl = (port: number): string =>
  buildUrl({
    scheme: 'postgres',
    host: '127.0.0.1',
    port,
    user: 'app',
    password: APP_PASSWORD,
    database: 'app',
  })

/** Milliseconds of the wall clock, which the servers' logs go by, with fractions. */
export const wallClock = (): number => performance.timeOrigin + performance.now()

export interface Release {
  readonly status: number | null
  /** When holdfast was started. */
  readonly begun: number
  /** When holdfast had ended, by the wall clock. */
  readonly at: number
  /** Why the first connection after it failed. */
  readonly failure: string | undefined
  readonly said: string
  readonly stdout: string
}

/** Starts `holdfast wait`; the moment it exits with 0, `connects` makes the program's first connection. */
export function gate(
  { defer }: Setting,
  args: readonly string[],
  connects: () => Promise<void>,
): Promise<Release> {
  const begun = wallClock()
  const running = spawnHoldfast(['wait', '-v', ...args], { input: '', timeoutMs: 25_000 })
  defer(() => {
    running.kill('SIGKILL')
    return running.exited
  })
  return running.ended.then(async ({ status }) => {
    const at = wallClock()
    const failure = status === 0 ? await failureOf(connects) : undefined
    const { stdout, stderr } = await running.exited
    return { status, begun, at, failure, said: stderr, stdout }
  })
}

export async function failureOf(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code ?? ''} ${(error as Error).message}`
  }
}

/** The trial of a release that should come at `readyAt` and not before. */
export function released(release: Release, readyAt: number, problem?: string): Trial {
  const releaseMs = release.at - readyAt
  const wrong = [
    ...(release.status === 0 ? [] : [`status ${release.status}`]),
    // The servers' logs cut their times off after the millisecond.
    ...(releaseMs >= -1 ? [] : [`released ${Math.round(-releaseMs)} ms early`]),
    ...(release.failure ? [`first connection: ${release.failure}`] : []),
    ...(problem ? [problem] : []),
  ]
  return {
    status: release.status,
    releasedRight: release.status === 0 && releaseMs >= -1 && !problem,
    firstConnectionOk: release.status === 0 && release.failure === undefined,
    releaseMs,
    story: `${wrong.join('; ')}\n${release.said}`,
  }
}

/** Logs in with node-postgres and asks one question. */
export async function askPostgres(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 })
  // A session that is cut off says so here as well, and nobody listening would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('SELECT 1')
  } finally {
    await client.end().catch(() => {})
  }
}

/** Sends PING, after AUTH where there is a password, and wants PONG. */
export function askRedis(host: string, port: number, password?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let answer = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer within 5 s')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(answer)}`)))
    socket.on('data', chunk => {
      answer += String(chunk)
      if (answer.startsWith('-')) socket.destroy(new Error(answer.trim()))
      if (!answer.endsWith('+PONG\r\n')) return
      resolve()
      socket.destroy()
    })
    socket.write(`${password === undefined ? '' : `AUTH ${password}\r\n`}PING\r\n`)
  })
}

/** Makes a connection every 50 ms for a while and tells how the first one failed. */
export async function failureWithin(ms: number, connects: () => Promise<void>): Promise<string | undefined> {
  const end = wallClock() + ms
  let count = 0
  while (wallClock() < end) {
    const next = wallClock() + 50
    count++
    const failure = await failureOf(connects)
    if (failure) return `connection ${count} after the release: ${failure}`
    await new Promise(resolve => setTimeout(resolve, Math.max(0, next - wallClock())))
  }
  return undefined
}

/** When a Postgres last said that it serves, by its own log. */
export function postgresReadyAt(log: string): number {
  const lines = [...log.matchAll(/^(\S+ \S+) UTC .*database system is ready to accept connections/gm)]
  return Date.parse(`${lines.at(-1)?.[1]?.replace(' ', 'T')}Z`)
}

/** When a Redis last said that it serves, by its own log. */
export function redisReadyAt(log: string): number {
  const lines = [...log.matchAll(/^\d+:M (\d+ \w+ \d+ [\d:.]+) \* Ready to accept connections/gm)]
  return Date.parse(`${lines.at(-1)?.[1]} UTC`)
}
