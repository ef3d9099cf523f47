import { hostname } from 'node:os'
import { plain, Secret } from '../core/redact.js'
import type { Row, Session } from '../core/service.js'
import { ProbeError } from '../core/service.js'
import type { NotReady } from '../core/verdict.js'
import { openSession } from '../gate/open.js'
import type { Aim, WaitOptions } from '../gate/outcome.js'
import { cadence } from '../gate/policy.js'
import { type Clock, childOf, systemClock } from '../io/clock.js'
import { untilAborted } from '../io/resolve.js'
import { type Dialect, dialectOf } from './dialects.js'

/** A lock that one session holds in a database, and that ends with that session. */
export interface Lock {
  /** Resolves with the reason when somebody else may hold it now; never after `release`. */
  readonly lost: Promise<string>
  /** Gives it back. Never rejects: the end of the session gives it back, too. */
  release(): Promise<void>
}

/** Why there is no lock. */
export class LockError extends Error {
  override readonly name = 'LockError'
  constructor(
    message: string,
    /** Set where the target itself failed. */
    readonly verdict?: NotReady,
  ) {
    super(message)
  }
}

export interface LockOptions {
  readonly wait: WaitOptions
  /** How long another holder is waited for, in milliseconds. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Hears who holds the lock, when the wait for it begins and every ten seconds. */
  readonly say: (text: string) => void
  readonly clock?: Clock
  readonly random?: () => number
  /** How often a held lock's session is asked whether it still lives. Default 5 s. */
  readonly beatMs?: number
}

const ASK_MS = 5000
const BEAT_MS = 5000
/** How long the session may leave a question unanswered before the lock counts as lost, in milliseconds. */
const SILENCE_MS = 15_000
const TELL_MS = 10_000

/**
 * Takes the migration lock, asking again and again: a session that waits inside the server for an advisory lock
 * holds a snapshot, for which CREATE INDEX CONCURRENTLY waits in turn.
 * @throws LockError, or the signal's reason.
 */
export async function takeLock(aim: Aim, options: LockOptions): Promise<Lock> {
  const { signal, clock = systemClock, random = Math.random, timeoutMs, say } = options
  const dialect = dialectOf(aim.service.name)
  if (!dialect) throw new LockError(`${aim.target.name}: ${aim.service.name} has no lock to migrate under`)
  const own = { ...aim, target: named(aim.target), probe: {} }
  const begun = clock.now()
  let told: number | undefined
  for (;;) {
    const { session, verdict } = await openSession(own, { ...options.wait, details: true, signal })
    signal.throwIfAborted()
    if (!verdict.ready) throw new LockError(`the lock's connection: ${verdict.finding.message}`, verdict)
    if (!session) throw new LockError(`${aim.target.name}: no session to take the lock in`)
    let held = false
    try {
      if (verdict.server.via) throw new LockError(pooled(aim, verdict.server.via))
      const ask = asker(session, clock)
      await ask(dialect.stay, ASK_MS, signal).catch(() => {})
      for (;;) {
        if (yes(await ask(dialect.take, ASK_MS, signal))) {
          held = true
          return hold(session, dialect, ask, options)
        }
        const waited = clock.now() - begun
        const holder = () => ask(dialect.holder, ASK_MS, signal).then(describe, () => 'another session')
        if (waited >= timeoutMs)
          throw new LockError(
            `after ${Math.round(waited / 1000)} s the lock is still held by ${await holder()}. If nothing migrates there, end it: ${dialect.end}`,
          )
        if (told === undefined || clock.now() - told >= TELL_MS) {
          told = clock.now()
          say(`waiting for the lock that is held by ${await holder()}`)
        }
        await clock.sleep(pause(aim.target.name, waited, random), signal)
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof LockError) throw error
      if (error instanceof ProbeError && !isLoss(error)) throw new LockError(`no lock: ${messageOf(error)}`)
      // The session broke while it waited: the next one is opened as the table says.
      if (clock.now() - begun >= timeoutMs) throw new LockError(`no lock: ${messageOf(error)}`)
    } finally {
      if (!held) await session.close()
    }
  }
}

const isLoss = ({ finding: { reason } }: ProbeError): boolean =>
  reason === 'connection-lost' || reason === 'server-not-ready'

/** By the table's pace for a conflict with another transaction, never hastily, and never in step with others. */
function pause(target: string, waited: number, random: () => number): number {
  const finding = { reason: 'transaction-conflict', message: '' } as const
  const verdict: NotReady = { target, ready: false, steps: [], heard: true, layer: 'query', finding }
  return Math.max(100, cadence(verdict, waited, random, waited)) * (0.75 + random() / 2)
}

const yes = (rows: readonly Row[]): boolean => rows[0]?.[0] === 't' || rows[0]?.[0] === '1'

/** `pid 812 ("holdfast migrate on web-1", app from 10.0.0.7, connected since …)` */
function describe([row]: readonly Row[]): string {
  const [pid, name, user, from, since] = (row ?? []).map(cell => plain(cell ?? '', 80))
  if (!pid) return 'another session'
  const who = [name && `"${name}"`, [user, from && `from ${from}`].filter(Boolean).join(' ')]
  return `pid ${pid} (${[...who, since && `connected since ${since}`].filter(Boolean).join(', ')})`
}

const pooled = ({ target, service }: Aim, via: string): string =>
  `${target.address} leads to a pooler (${via}), which gives one lock to several clients. Name the database itself: --migrate-target ${service.name}://USER@HOST/${target.database ?? 'DATABASE'}`

/** Says in the server's list of sessions who holds the lock, and from where. */
function named(target: Aim['target']): Aim['target'] {
  const name = `holdfast migrate on ${hostname()}`.slice(0, 63)
  return target.service === 'postgres'
    ? { ...target, params: new Map([...target.params, ['application_name', new Secret(name)]]) }
    : target
}

type Ask = (text: string, ms: number, signal?: AbortSignal) => Promise<readonly Row[]>

const asker =
  (session: Session, clock: Clock): Ask =>
  async (text, ms, signal) => {
    const limit = clock.deadline(ms, signal)
    try {
      return (await untilAborted(session.query?.(text) ?? Promise.resolve([]), limit.signal)) ?? []
    } finally {
      limit.clear()
    }
  }

function hold(session: Session, dialect: Dialect, ask: Ask, options: LockOptions): Lock {
  const { clock = systemClock, beatMs = BEAT_MS } = options
  const over = childOf()
  const beating = beat()
  return {
    lost: Promise.race([
      session.closed.then(() => (over.signal.aborted ? never : 'the session that holds the lock was closed')),
      beating.then(why => why ?? never),
    ]),
    async release() {
      over.abort(new Error('released'))
      await beating
      await ask(dialect.release, ASK_MS).catch(() => {})
      await session.close()
    },
  }

  /** Resolves with why the lock is lost, or undefined once it is given back. */
  async function beat(): Promise<string | undefined> {
    for (;;) {
      try {
        await clock.sleep(beatMs, over.signal)
      } catch {
        return undefined
      }
      const held = await ask(dialect.held, SILENCE_MS).then(yes, messageOf)
      if (over.signal.aborted || held === true) continue
      return held === false
        ? 'the session does not hold the lock any more'
        : `the session that holds the lock does not answer: ${held}`
    }
  }
}

const never = new Promise<never>(() => {})

const messageOf = (error: unknown): string => plain(error instanceof Error ? error.message : String(error))
