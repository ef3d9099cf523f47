import pg from 'pg'
import { formatMs } from '../../core/options.js'
import { failure, type Told, told } from '../told.js'
import { cancelOnServer } from './cancel.js'
import type { ClientInternals, QueryInternals } from './internals.js'
import { endsTransaction, SentQuery } from './query.js'
import { isPooled, localSettings, opening, unsuited } from './session.js'
import type { Settings } from './settings.js'
import type { QueryOptions } from './types.js'
import type { Way } from './ways.js'

/** How long the answer to a cancelled statement is waited for; then nobody knows what became of it. */
const CANCELLED_MS = 1000

/** How long a connection may take to end in peace. */
const FAREWELL_MS = 1000

const VALIDATION_MS = 5000

type Callback = (error: Error | null | undefined, result?: pg.QueryResult) => void
type Config = (pg.QueryConfig & QueryOptions) | string

const Base = pg.Client as unknown as new (
  config: pg.ClientConfig,
) => pg.Client & { _errorAllQueries(error: Error): void }

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

  constructor(
    readonly way: Way,
    private readonly settings: Settings,
    /** Told how connecting went. */
    private readonly outcome: (client: SoundClient, error?: Told) => void = () => {},
  ) {
    super(way.config)
    // Without a listener an 'error' ends the process; what broke it is kept below.
    this.on('error', () => {})
  }

  /** `SET LOCAL …` behind a pooler, where nothing holds for longer than a transaction. */
  get localSettings(): string | undefined {
    return isPooled(this.#own.processID) ? localSettings(this.settings) : undefined
  }

  /** The last word of the server: idle, in a transaction, in a failed one. */
  get inTransaction(): boolean {
    const status = this.getTransactionStatus()
    return status === 'T' || status === 'E'
  }

  get busy(): boolean {
    return Boolean(this.#own._activeQuery) || this.#own._queryQueue.length > 0
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
        const known = this.#unconnected(error)
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

  #unconnected(error: Error): Told {
    const ms = this.way.config.connectionTimeoutMillis ?? 0
    return error.message === 'timeout expired'
      ? failure('connect-timeout', `${this.way.place}: no session within ${formatMs(ms)}`, {
          ...({ driver: 'pg', phase: 'connect', code: 'ETIMEDOUT' } as const),
          cause: error,
        })
      : told(error, { driver: 'pg', phase: 'connect' })
  }

  async #open(): Promise<void> {
    const text = opening(this.settings, this.way, isPooled(this.#own.processID))
    const limit = { query_timeout: this.settings.connectTimeoutMillis }
    if (text) {
      const { rows } = await this.query({ text, ...limit })
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
    if (config == null || typeof config.submit === 'function') return this.#submit(config, values, callback)
    const done =
      typeof values === 'function'
        ? values
        : typeof config.callback === 'function'
          ? config.callback
          : callback
    const query = new SentQuery(config, typeof values === 'function' ? undefined : values)
    if (done !== undefined) {
      if (typeof done !== 'function') throw new TypeError('callback is not a function')
      this.#run(query, config, done)
      return undefined
    }
    return new Promise((resolve, reject) => {
      this.#run(query, config, (error, result) => (error ? reject(error) : resolve(result)))
    }).catch((error: Error) => {
      // From a stack of the socket to one of the caller; what broke the client has its own.
      if (error !== this.broken) Error.captureStackTrace?.(error, this.query)
      throw error
    })
  }

  /** A cursor or a stream: pg's own way, without a time limit. */
  // biome-ignore lint/suspicious/noExplicitAny: pg's overloads
  #submit(config: any, values: any, callback: any): any {
    return super.query(config, values, callback)
  }

  #run(query: SentQuery, config: Config, settle: Callback): void {
    const { signal, query_timeout = this.settings.query_timeout } =
      typeof config === 'string' ? ({} as QueryOptions) : (config as QueryOptions)
    if (this.broken || !this.#own._queryable) return void process.nextTick(settle, this.#lost())
    if (signal?.aborted) return void process.nextTick(settle, this.#cancelled(query, signal, 'rejected'))

    let timer: NodeJS.Timeout | undefined
    let stopped: (() => Told) | undefined
    let given = false
    const end: Callback = (error, result) => {
      if (given) return
      given = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      settle(error, result)
    }
    const stop = (why: (outcome: 'rejected' | 'unknown') => Told) => {
      if (stopped || given) return
      clearTimeout(timer)
      stopped = () => why('rejected')
      if (this.#unqueue(query)) return end(why('rejected'))
      this.worn ??= 'a statement of its was cut short'
      timer = setTimeout(() => {
        const error = why('unknown')
        this.destroy(error)
        end(error)
      }, CANCELLED_MS)
      cancelled = cancelOnServer(this, this.way.config)
    }
    let cancelled: Promise<void> | undefined
    const abort = () => stop(outcome => this.#cancelled(query, signal as AbortSignal, outcome))
    if (query_timeout > 0)
      timer = setTimeout(() => stop(outcome => this.#late(query, query_timeout, outcome)), query_timeout)
    signal?.addEventListener('abort', abort, { once: true })

    query.callback = (error, result) => {
      this.heardAt = performance.now()
      const finish = () => {
        if (!error) return end(null, result)
        if ((error as { code?: string }).code === '57014' && stopped)
          return end(Object.assign(stopped(), { cause: error }))
        end(this.#tell(error, query))
      }
      // A cancel request on its way would hit what is sent next.
      if (cancelled) cancelled.then(finish)
      else finish()
    }
    super.query(query as never)
  }

  #unqueue(query: QueryInternals): boolean {
    const at = this.#own._queryQueue.indexOf(query)
    if (at >= 0) this.#own._queryQueue.splice(at, 1)
    return at >= 0
  }

  #tell(error: Error, query: SentQuery): Told {
    if (this.readyAt === undefined) return told(error, { driver: 'pg', phase: 'connect' })
    const severity = (error as { severity?: string }).severity
    const known = told(error, {
      driver: 'pg',
      phase: phaseOf(query),
      sent: query.sent,
      lastEvent: this.broken,
    })
    if (severity === 'FATAL' || severity === 'PANIC') this.#breaks(known)
    if (known.holdfast.reason === 'read-only') this.worn ??= 'it leads to a server that only reads'
    return known
  }

  #late(query: SentQuery, ms: number, outcome: 'rejected' | 'unknown'): Told {
    const what = query.sent ? 'was cancelled' : 'was not sent'
    const message = `no answer within ${formatMs(ms)} (query_timeout); the statement ${outcome === 'unknown' ? 'may still take effect' : what}`
    return this.#short(query, outcome, message, '57014', undefined)
  }

  #cancelled(query: SentQuery, signal: AbortSignal, outcome: 'rejected' | 'unknown'): Told {
    const message = `aborted by its signal; the statement ${outcome === 'unknown' ? 'may still take effect' : 'had no effect'}`
    return this.#short(query, outcome, message, 'ABORT_ERR', signal.reason)
  }

  /** A statement that its limit or its signal ended. */
  #short(
    query: SentQuery,
    outcome: 'rejected' | 'unknown',
    message: string,
    code: string,
    cause: unknown,
  ): Told {
    const about = { driver: 'pg', code, ...(cause === undefined ? {} : { cause }) } as const
    if (this.readyAt === undefined)
      return failure('connect-timeout', message, { ...about, code: 'ETIMEDOUT', phase: 'connect' })
    const sent = query.sent && outcome === 'unknown'
    const error = failure('statement-timeout', message, { ...about, phase: phaseOf(query), sent })
    // The server said that it cancelled it.
    return query.sent && !sent ? withOutcome(error, 'rejected') : error
  }

  /** A query on what is broken: the first cause, itself, so that a ROLLBACK does not hide it. */
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

const phaseOf = ({ text = '' }: Partial<QueryInternals>) => (endsTransaction(text) ? 'commit' : 'statement')

const withOutcome = (error: Told, outcome: 'rejected'): Told =>
  Object.defineProperty(error, 'holdfast', { value: { ...error.holdfast, outcome }, configurable: true })
