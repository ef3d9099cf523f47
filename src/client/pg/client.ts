import pg from 'pg'
import { usage } from '../../core/errors.js'
import { checkSignal } from '../aborts.js'
import { failure, type Told, told } from '../told.js'
import { unconnected } from './failures.js'
import type { ClientInternals, QueryInternals } from './internals.js'
import { type Operated, timing } from './operated.js'
import { phaseOf, SentQuery } from './query.js'
import { neverBegan, Running, type Settle } from './running.js'
import { opening, unsuited } from './session.js'
import type { Settings } from './settings.js'
import { type Stated, tellOf } from './telling.js'
import { traced } from './traced.js'
import type { QueryOptions } from './types.js'
import { Watchdog } from './watchdog.js'
import type { Way } from './ways.js'

/** How long a connection may take to end in peace. */
const FAREWELL_MS = 1000

const VALIDATION_MS = 5000

const Base = pg.Client as unknown as new (
  config: pg.ClientConfig,
) => pg.Client & { _errorAllQueries(error: Error): void; _pulseQueryQueue(): void }

/** pg's client: it keeps the first cause, ends what takes too long on the server, too, and never throws from a socket. */
export class SoundClient extends Base {
  /** pg-pool's, of one that is checked out. */
  declare release: pg.PoolClient['release']
  /** Takes it from who holds it, whose own `release` then does nothing. */
  revoke: () => void = () => {}
  /** What broke the connection, first cause. */
  broken: Told | undefined
  /** Why it shall not go back to the pool, although it works. */
  worn: string | undefined
  /** When its session was made; undefined before that. Milliseconds on the scale of performance.now(). */
  readyAt: number | undefined
  /** When it answered last. */
  heardAt = 0
  /** Since when it is checked out. */
  takenAt: number | undefined
  readonly madeAt = performance.now()
  readonly #own = this as unknown as ClientInternals
  readonly #watchdog = new Watchdog()
  /** How many cancel requests are on their way. */
  #held = 0

  constructor(
    readonly way: Way,
    private readonly settings: Settings,
    /** Told how connecting went. */
    private readonly outcome: (client: SoundClient, error?: Told) => void = () => {},
    private readonly operated?: Operated,
  ) {
    super(way.config)
    // Whoever prints a client, or an error that names one, prints no password.
    for (const key of ['way', 'settings']) Object.defineProperty(this, key, { enumerable: false })
    // Without a listener an 'error' ends the process; what broke it is kept below.
    this.on('error', () => {})
    this.once('end', () => this.#watchdog.stop())
  }

  /** `SET LOCAL …` behind a pooler, where nothing holds for longer than a transaction. */
  localSettings: string | undefined

  /** The last word of the server: idle, in a transaction, in a failed one. */
  get inTransaction(): boolean {
    const status = this.getTransactionStatus()
    return status === 'T' || status === 'E'
  }

  /** Something is under way: after an error, too, the server goes on until it says that it is ready. */
  get busy(): boolean {
    return !this.#own.readyForQuery || this.#own._queryQueue.length > 0
  }

  /** A cursor or a query object of others is under way, which no limit ends. */
  get busyWithOthers(): boolean {
    const active = this.#own._activeQuery
    return Boolean(active) && !(active instanceof SentQuery)
  }

  /** Why it must not be handed to anybody else, or undefined. */
  get doubt(): string | undefined {
    if (this.broken || !this.#own._queryable) return 'its connection is lost'
    if (this.worn) return this.worn
    return this.inTransaction ? 'it is in a transaction' : undefined
  }

  /** Connects, and sets the session up. */
  // biome-ignore lint/suspicious/noExplicitAny: pg's overloads
  override connect(callback?: any): any {
    const opened = super.connect().then(() => this.#open())
    const told = opened.then(
      () => this.outcome(this),
      error => {
        const known = unconnected(error, this.way)
        this.destroy(known)
        this.outcome(this, known)
        throw known
      },
    )
    if (!callback) return told.then(() => this)
    told.then(
      () => process.nextTick(callback, null, this),
      error => process.nextTick(callback, error),
    )
  }

  async #open(): Promise<void> {
    const text = opening(this.settings, this.way, this.#own.processID)
    const limit = { query_timeout: this.settings.connectTimeoutMillis }
    if (text) {
      const { rows } = await this.query({ text, ...limit })
      if (rows[0]?.own === false) this.localSettings = rows[0].local ?? undefined
      const wrong = unsuited(this.way, rows[0] ?? {})
      if (wrong)
        throw failure('read-only', wrong, { driver: 'pg', phase: 'connect', sent: false, code: '25006' })
    }
    const { validationQuery } = this.settings
    if (!text || validationQuery !== 'SELECT 1') await this.query({ text: validationQuery, ...limit })
    this.readyAt = performance.now()
  }

  async validate(): Promise<void> {
    try {
      await this.query({ text: this.settings.validationQuery, query_timeout: VALIDATION_MS })
    } catch (error) {
      this.worn ??= 'it failed its validation'
      throw error
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg's overloads
  override query(config: any, values?: any, callback?: any): any {
    if (config == null) return super.query(config)
    if (typeof config.submit === 'function') return this.#submit(config, values, callback)
    const given = typeof values === 'function'
    const done = given ? values : (callback ?? config.callback)
    if (done !== undefined && typeof done !== 'function') throw new TypeError('callback is not a function')
    if (done) return void this.run(config, given ? undefined : values, done)
    return new Promise((resolve, reject) => {
      this.run(config, values, (error, result) => (error ? reject(error) : resolve(result)))
    }).catch((error: Error) => {
      throw traced(error)
    })
  }

  /** A cursor, a stream, a Query made elsewhere: pg's own way, without a time limit, but told of. */
  #submit(foreign: QueryInternals, ...rest: unknown[]): unknown {
    const handle = foreign.handleError
    foreign.handleError = (error, connection) =>
      handle.call(foreign, this.tell(error, { text: foreign.text, sent: true }), connection)
    if (!this.broken && this.#own._queryable) return super.query(foreign as never, ...(rest as never[]))
    process.nextTick(() => foreign.handleError(this.#lost(), this.#own.connection))
    return foreign
  }

  /** Sends it, or puts it behind what is under way, and calls back once. */
  run(config: string | (pg.QueryConfig & QueryOptions), values: unknown[] | undefined, settle: Settle): void {
    const { signal, query_timeout = this.settings.query_timeout }: QueryOptions =
      typeof config === 'string' ? NONE : config
    const limit = typeof query_timeout === 'number' ? query_timeout : Number(query_timeout)
    if (!(limit >= 0))
      throw usage(`query_timeout: ${query_timeout} is not a number of milliseconds, or 0 for none`)
    if (signal) checkSignal(signal)
    if (this.broken || !this.#own._queryable) return void process.nextTick(settle, this.#lost())
    if (signal?.aborted) return void process.nextTick(settle, neverBegan(signal))
    const query = new SentQuery(config, values)
    const endsAt = limit > 0 ? performance.now() + limit : Number.POSITIVE_INFINITY
    const timed = this.operated && this.readyAt !== undefined ? timing(this.operated, settle) : settle
    const running = new Running(this, query, limit, signal, timed, endsAt)
    if (limit > 0) this.#watchdog.watch(running)
    super.query(query as never)
  }

  settled(running: Running): void {
    this.#watchdog.leave(running)
  }

  holding(cancelled: Promise<void>): Promise<void> {
    this.#held++
    return cancelled.then(() => {
      this.#held--
      if (this.#own.readyForQuery) this._pulseQueryQueue()
    })
  }

  override _pulseQueryQueue(): void {
    if (this.#held === 0) super._pulseQueryQueue()
  }

  /** An error of a statement, with what is known of it. */
  tell(error: Error, query: Stated): Told {
    if (this.readyAt === undefined) return told(error, { driver: 'pg', phase: 'connect' })
    if (query.torn) this.worn ??= 'a statement was sent in part'
    const known = tellOf(error, query, this)
    const { severity } = error as { severity?: string }
    if (severity === 'FATAL' || severity === 'PANIC') this.#breaks(known)
    const primary = this.way.wants === 'read-write' || this.way.wants === 'primary'
    if (known.holdfast.reason === 'read-only' && primary) this.worn ??= 'it leads to a server that only reads'
    return known
  }

  #lost(): Told {
    const closed = new Error('Client was closed and is not queryable')
    return this.broken ?? told(closed, { driver: 'pg', phase: 'statement', sent: false })
  }

  /** The socket's end, before its error reaches what is under way and what is queued. */
  override _errorAllQueries(error: Error): void {
    if (!this.#own._ending) this.#breaks(error, this.#own._activeQuery as SentQuery | undefined)
    super._errorAllQueries(error)
  }

  #breaks(error: Error, active?: Partial<SentQuery> | undefined): void {
    if (this.broken) return
    this.#own._queryable = false
    if (this.readyAt === undefined) this.broken = told(error, { driver: 'pg', phase: 'connect' })
    else if (active)
      this.broken = told(error, { driver: 'pg', phase: phaseOf(active), sent: active.sent ?? true })
    // What the transaction has done until here is gone with it.
    else if (this.inTransaction) this.broken = told(error, { driver: 'pg', phase: 'statement', sent: true })
    else this.broken = told(error, { driver: 'pg', phase: 'idle' })
  }

  /** Closes the connection at once. */
  destroy(error?: Error): void {
    if (error) this.#breaks(error)
    const { stream } = this.#own.connection
    if (this.#own._connected) {
      this.#own._ending = true
      stream.destroy()
      // Whoever waits for the connection is told.
    } else stream.destroy(error ?? new Error('Connection terminated'))
  }

  /** Closes it in peace where that is quick, else at once. */
  // biome-ignore lint/suspicious/noExplicitAny: pg's overloads
  override end(callback?: any): any {
    if (this.broken || this.worn) this.destroy()
    else if (!this.#own._ended) {
      const timer = setTimeout(() => this.#own.connection.stream.destroy(), FAREWELL_MS)
      this.once('end', () => clearTimeout(timer))
    }
    return callback ? super.end(callback) : super.end()
  }
}

const NONE: QueryOptions = {}
