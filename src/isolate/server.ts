import { HoldfastError } from '../core/errors.js'
import { ProbeError, type Row, type Session } from '../core/service.js'
import { openSession } from '../gate/open.js'
import type { Aim } from '../gate/outcome.js'
import { systemClock } from '../io/clock.js'
import { untilAborted } from '../io/resolve.js'
import { explained, IsolationError } from './errors.js'
import { maintenance, refuseReached } from './maintenance.js'

/** What is known of the server and of the role that makes databases there. */
export interface About {
  readonly role: string
  readonly major: number
  /** False on a server that need not survive a crash. */
  readonly fsync: boolean
}

/** `claim`: somebody waits for it. `background`: one at a time, while nobody does. */
export type Urgency = 'claim' | 'background'

/** How many sessions work at the same time. */
const MOST = 4

/** How long one statement may take, in milliseconds: a big template on a slow disk. */
const STATEMENT_MS = 120_000
/** How long a server may take to let a further session in, in milliseconds. */
const FURTHER_MS = 3000

/** Sessions of one role in the maintenance database of one server, opened when they are needed. */
export class Server {
  readonly #idle: Session[] = []
  readonly #waiting: Record<Urgency, ((session: Session | undefined) => void)[]> = {
    claim: [],
    background: [],
  }
  readonly #over = new AbortController()
  #quietUntil = 0
  #later: NodeJS.Timeout | undefined
  #open = 0
  #background = false

  private constructor(
    readonly aim: Aim,
    readonly about: About,
    readonly allowRemote: readonly string[],
    first: Session,
  ) {
    void first.closed.then(() => broken.add(first))
    this.#idle.push(first)
    this.#open = 1
  }

  /**
   * @throws HoldfastError for a server beyond this machine that nobody named, one behind a pooler, one that does not
   * let the role in.
   */
  static async open(aim: Aim, allowRemote: readonly string[] = []): Promise<Server> {
    const own = await maintenance(aim, allowRemote)
    const [[row] = []] = (await own.session.series?.([ABOUT])) ?? []
    const [role = '', version, fsync] = row ?? []
    const about = { role: role ?? '', major: Math.floor(Number(version) / 10_000), fsync: fsync !== 'off' }
    return new Server({ ...aim, target: own.target, probe: {} }, about, allowRemote, own.session)
  }

  /** Statements, each its own transaction: later ones run although this process dies. */
  run(texts: readonly string[], urgency: Urgency = 'claim'): Promise<readonly (readonly Row[])[]> {
    return this.with(ask => ask(texts), urgency)
  }

  /** The same for what has to stay in one session. */
  async with<T>(work: (ask: Ask) => Promise<T>, urgency: Urgency = 'claim'): Promise<T> {
    const session = await this.#take(urgency)
    try {
      return await work(this.asker(session))
    } finally {
      this.#give(session, urgency)
    }
  }

  /** Nothing begins in the background for so many milliseconds: somebody connects, and would wait for it. */
  hush(ms: number): void {
    this.#quietUntil = performance.now() + ms
  }

  /** A session of its own, for a lock. The caller closes it. */
  async dedicated(): Promise<Session> {
    const { session, verdict } = await openSession(this.aim, {
      ...{ timeoutMs: FURTHER_MS, graceMs: 0, details: false, signal: this.#over.signal },
    })
    if (session && this.#over.signal.aborted) await session.close()
    this.#checkOpen()
    if (!verdict.ready) throw HoldfastError.fromVerdict(verdict)
    if (!session) throw new IsolationError(503, 'no session could be had')
    await refuseReached(this.aim.target, this.allowRemote, verdict, session)
    void session.closed.then(() => broken.add(session))
    return session
  }

  /** Runs statements in a session; one whose connection broke, or that hangs, is closed. */
  asker(session: Session): Ask {
    return async texts => {
      const limit = systemClock.deadline(STATEMENT_MS, this.#over.signal)
      try {
        return (await untilAborted(session.series?.(texts) ?? Promise.resolve([]), limit.signal)) ?? []
      } catch (error) {
        const answered = error instanceof ProbeError && error.finding.reason !== 'connection-lost'
        if (!answered) {
          broken.add(session)
          await session.close().catch(() => {})
        }
        this.#checkOpen()
        throw answered || error instanceof ProbeError
          ? explained(error, this.about.role, texts)
          : new IsolationError(503, `the server is gone: ${error instanceof Error ? error.message : error}`)
      } finally {
        limit.clear()
      }
    }
  }

  async close(): Promise<void> {
    this.#over.abort(new IsolationError(503, 'isolation has ended'))
    clearTimeout(this.#later)
    for (const grant of Object.values(this.#waiting).flatMap(list => list.splice(0))) grant(undefined)
    await Promise.all(this.#idle.splice(0).map(session => session.close()))
  }

  #checkOpen(): void {
    this.#over.signal.throwIfAborted()
  }

  async #take(urgency: Urgency): Promise<Session> {
    this.#checkOpen()
    const granted = new Promise<Session | undefined>(grant => this.#waiting[urgency].push(grant))
    this.#grant()
    const session = await granted
    this.#checkOpen()
    if (session) return session
    try {
      return await this.dedicated()
    } catch (error) {
      this.#leave(undefined, urgency)
      throw error
    }
  }

  #give(session: Session, urgency: Urgency): void {
    if (this.#over.signal.aborted) return void session.close()
    this.#leave(session, urgency)
  }

  #leave(session: Session | undefined, urgency: Urgency): void {
    if (session && !broken.has(session)) this.#idle.push(session)
    else this.#open--
    if (urgency === 'background') this.#background = false
    this.#grant()
  }

  /** Looks again when the quiet is over. */
  #hushed(): boolean {
    const left = this.#quietUntil - performance.now()
    if (left <= 0) return false
    this.#later ??= setTimeout(() => {
      this.#later = undefined
      this.#grant()
    }, left)
    return true
  }

  /** Hands out places, each with its session where there is one: to claims first. */
  #grant(): void {
    const { claim, background } = this.#waiting
    for (;;) {
      const urgency = claim.length > 0 ? 'claim' : this.#background ? undefined : 'background'
      if (!urgency || (urgency === 'background' && (background.length === 0 || this.#hushed()))) return
      const session = this.#idle.pop()
      if (session && broken.has(session)) {
        this.#open--
        continue
      }
      if (!session && this.#open >= MOST) return
      if (!session) this.#open++
      if (urgency === 'background') this.#background = true
      this.#waiting[urgency].shift()?.(session)
    }
  }
}

export type Ask = (texts: readonly string[]) => Promise<readonly (readonly Row[])[]>

const broken = new WeakSet<Session>()

const ABOUT = "SELECT current_user, current_setting('server_version_num'), current_setting('fsync')"
