import pg from 'pg'
import type { Target } from '../../core/target.js'
import { pauseAfter, Sleepers } from '../again.js'
import { type Told, told } from '../told.js'
import { SoundClient } from './client.js'
import { aborted, exhausted, gone, late } from './failures.js'
import type { PoolInternals } from './internals.js'
import type { Settings } from './settings.js'
import { stateOf } from './state.js'
import { runTransaction } from './transaction.js'
import type { AcquireOptions, Client, Pool, PoolState, QueryOptions, TransactionOptions } from './types.js'
import { Route, waysOf } from './ways.js'

/** How long connections may take to close when the pool ends. */
const CLOSING_MS = 2000

type Take = (error: Error | undefined, client?: SoundClient) => void

/** pg-pool, whose clients are sound, whose waits end, and which takes back only what works. */
export class SoundPool extends pg.Pool {
  readonly name: string
  readonly #settings: Settings
  readonly #route: Route
  readonly #open: Set<SoundClient>
  readonly #sleepers = new Sleepers()
  readonly #own = this as unknown as PoolInternals
  readonly #health: NodeJS.Timeout | undefined
  #lastFailure: Told | undefined
  #ended: Promise<void> | undefined
  /** How many wait for a connection. */
  #asking = 0
  #quiet: (() => void) | undefined

  constructor(target: Target, settings: Settings) {
    const route = new Route(waysOf(target, settings))
    const open = new Set<SoundClient>()
    const told = { outcome: (_: SoundClient, __?: Told) => {} }
    class PooledClient extends SoundClient {
      constructor() {
        super(route.way, settings, (client, error) => told.outcome(client, error))
        open.add(this)
        this.once('end', () => open.delete(this))
      }
    }
    const { max, min, maxUses, idleTimeoutMillis, allowExitOnIdle } = settings
    super({ max, min, maxUses, idleTimeoutMillis, allowExitOnIdle, Client: PooledClient } as pg.PoolConfig)
    this.name = settings.name ?? target.name
    this.#settings = settings
    this.#route = route
    this.#open = open
    told.outcome = (client, error) => this.#connected(client, error)
    const { maxLifetimeSeconds, maxLifetimeJitter } = settings
    // pg-pool reads it once for each connection.
    Object.defineProperty(this.options, 'maxLifetimeSeconds', {
      get: () => maxLifetimeSeconds * (1 - maxLifetimeJitter * Math.random()),
    })
    // The loss of an idle connection is no reason to end the process: the pool has dropped it.
    this.on('error', () => {})
    if (settings.healthCheckMillis > 0)
      this.#health = setInterval(() => this.#check(), settings.healthCheckMillis).unref()
    if (min > 0) setImmediate(() => this.#fill())
  }

  state(): PoolState {
    return stateOf(this.name, this.#settings.max, this.#own)
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg-pool's overloads
  override connect(given?: any): any {
    if (typeof given !== 'function') return this.#acquire(given)
    this.#acquire().then(
      client => process.nextTick(given, undefined, client, client.release),
      error => process.nextTick(given, error, undefined, () => {}),
    )
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg-pool's overloads
  override query(config: any, values?: any, callback?: any): any {
    if (typeof config === 'function' || typeof config?.submit === 'function')
      return super.query(config, values, callback)
    const done = typeof values === 'function' ? values : callback
    const result = this.#query(config, typeof values === 'function' ? undefined : values)
    if (!done) return result
    result.then(
      answer => process.nextTick(done, undefined, answer),
      error => process.nextTick(done, error),
    )
  }

  async withConnection<T>(work: (client: Client) => Promise<T>, options: AcquireOptions = {}): Promise<T> {
    const client = await this.#acquire(options)
    try {
      return await work(client as unknown as Client)
    } finally {
      client.release()
    }
  }

  transaction<T>(work: (client: Client) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return runTransaction(this as unknown as Pool, work, options)
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg-pool's overloads
  override end(callback?: any): any {
    this.#ended ??= this.#close()
    if (!callback) return this.#ended
    this.#ended.then(() => process.nextTick(callback))
  }

  async #query(config: pg.QueryConfig & QueryOptions, values: unknown[]): Promise<pg.QueryResult> {
    const { idempotent, signal } = config
    const { attempts = 3, delayMillis = 50 } = this.#settings.retry
    for (let attempt = 1; ; attempt++) {
      const client = await this.#acquire(signal ? { signal } : undefined)
      let error: Error
      try {
        return await client.query(config, values)
      } catch (thrown) {
        error = thrown as Error
        if (!idempotent || attempt >= attempts || !mayRepeat(told(error, { driver: 'pg' }))) throw error
      } finally {
        client.release()
      }
      const pause = pauseAfter(attempt, {
        backoffMillis: delayMillis,
        backoffFactor: 2,
        backoffMostMillis: 5000,
      })
      await this.#pause(error, attempt, pause, signal)
    }
  }

  async #acquire(options?: AcquireOptions): Promise<SoundClient & Client> {
    if (this.#ended) throw gone(this.name)
    this.#asking++
    try {
      return await this.#obtain(options)
    } finally {
      this.#asking--
      if (this.#asking === 0) this.#quiet?.()
    }
  }

  async #obtain({ signal }: AcquireOptions = {}): Promise<SoundClient & Client> {
    const { acquireTimeoutMillis, connectAttempts, connectDeadlineMillis } = this.#settings
    const began = performance.now()
    const until = began + Math.min(acquireTimeoutMillis, connectDeadlineMillis)
    let last: Told | undefined
    for (let tries = 1; ; ) {
      try {
        const client = await this.#checkout(began + acquireTimeoutMillis, signal, last)
        if (await this.#isSound(client)) return this.#hand(client)
        client.release(true)
      } catch (error) {
        last = told(error, { driver: 'pg', phase: 'connect' })
        // As libpq: without TLS, or with it, at once.
        if (mayBeTls(last) && this.#route.way.second) continue
        const attempt = Math.ceil(tries / this.#route.round)
        const round = tries++ % this.#route.round === 0
        if (!mayConnectAgain(last) || (round && attempt >= connectAttempts)) throw last
        if (!round) continue
        const left = Math.max(0, until - performance.now())
        await this.#pause(last, attempt, Math.min(pauseAfter(attempt, this.#settings), left), signal)
        if (this.#ended || performance.now() >= until) throw last
      }
    }
  }

  async #pause(error: Error, attempt: number, delayMillis: number, signal?: AbortSignal): Promise<void> {
    this.emit('retry', { error, attempt, delayMillis })
    try {
      await this.#sleepers.sleep(delayMillis, undefined, signal)
    } catch {
      throw aborted(signal as AbortSignal)
    }
  }

  /** One from pg-pool, or the reason why there was none in time. */
  #checkout(until: number, signal: AbortSignal | undefined, last: Told | undefined): Promise<SoundClient> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal))
      let open = true
      const close = () => {
        open = false
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
      }
      const take: Take = (error, client) => {
        // Whoever asked is gone: the next in the queue takes it.
        if (!open) return void client?.release()
        close()
        if (error) reject(error)
        else resolve(client as SoundClient)
      }
      const leave = (why: (queued: boolean) => Error) => {
        close()
        reject(why(this.#unqueue(take)))
      }
      const stop = () => leave(() => aborted(signal as AbortSignal))
      const timer = setTimeout(() => leave(queued => this.#late(queued, last)), until - performance.now())
      signal?.addEventListener('abort', stop, { once: true })
      super.connect(take as Parameters<pg.Pool['connect']>[0])
    })
  }

  #unqueue(take: Take): boolean {
    const queue = this.#own._pendingQueue
    const at = queue.findIndex(({ callback }) => (callback as unknown) === take)
    if (at >= 0) queue.splice(at, 1)
    return at >= 0
  }

  #late(queued: boolean, last: Told | undefined): Told {
    const state = this.state()
    const ms = this.#settings.acquireTimeoutMillis
    const cause = last ?? this.#lastFailure
    if (queued && state.used > 0) {
      this.emit('exhausted', state)
      return exhausted(state, ms, cause)
    }
    return last ?? late(this.name, ms, cause)
  }

  async #isSound(client: SoundClient): Promise<boolean> {
    if (client.doubt) return false
    if (performance.now() - client.heardAt < this.#settings.validateAfterMillis) return true
    return client.validate().then(
      () => true,
      () => false,
    )
  }

  #hand(client: SoundClient): SoundClient & Client {
    const give = client.release
    let [given, revoked] = [false, false]
    client.takenAt = performance.now()
    client.revoke = () => {
      if (given) return
      revoked = true
      client.release(true)
    }
    client.release = error => {
      if (given && revoked) {
        revoked = false
        return
      }
      if (given) throw new Error('Release called on client which has already been released to the pool.')
      given = true
      this.#back(client, give, error)
    }
    return client as unknown as SoundClient & Client
  }

  /** Back to pg-pool once nothing is under way, or closed. */
  #back(client: SoundClient, give: pg.PoolClient['release'], error?: Error | boolean): void {
    const why = error ? (error instanceof Error ? error.message : 'it was released as broken') : client.doubt
    if (why === undefined || (!error && client.busy && !client.broken && !client.worn)) {
      if (!client.busy) {
        client.takenAt = undefined
        give()
        return
      }
      const again = () => {
        client.removeListener('drain', again)
        client.removeListener('end', again)
        this.#back(client, give)
      }
      client.once('drain', again).once('end', again)
      return
    }
    client.takenAt = undefined
    client.worn ??= why
    this.emit('discard', why, client)
    give(error || true)
  }

  #connected(client: SoundClient, error?: Told): void {
    if (error) {
      this.#lastFailure = error
      this.#route.failed(client.way, mayBeTls(error))
      return
    }
    this.#lastFailure = undefined
    this.#route.worked(client.way)
    this.#sleepers.wake()
  }

  /** Idle connections prove that they are alive, where they lie; one that does not is closed. */
  #check(): void {
    for (const { client } of this.#own._idle as { client: SoundClient }[]) {
      if (performance.now() - client.heardAt < this.#settings.validateAfterMillis) continue
      client.validate().catch(error => client.destroy(error))
    }
    this.#fill()
  }

  #fill(): void {
    const missing = this.#settings.min - this.#own._clients.length
    for (let i = 0; i < missing && !this.ending; i++)
      this.#own.newClient({ callback: (_, client) => (client as pg.PoolClient | undefined)?.release() })
  }

  /** What was asked for before is still answered, within `endTimeoutMillis`. */
  async #close(): Promise<void> {
    clearInterval(this.#health)
    const timer = setTimeout(() => this.#destroyAll(), this.#settings.endTimeoutMillis)
    this.#sleepers.wake()
    if (this.#asking > 0)
      await new Promise<void>(resolve => {
        this.#quiet = resolve
      })
    // Nobody waits for these any more.
    for (const client of this.#open) if (client.readyAt === undefined) client.destroy(gone(this.name))
    await super.end()
    clearTimeout(timer)
    const closing = setTimeout(() => this.#destroyAll(), CLOSING_MS)
    await Promise.all(
      [...this.#open].map(client => new Promise<void>(resolve => client.once('end', resolve))),
    )
    clearTimeout(closing)
  }

  #destroyAll(): void {
    for (const { callback } of this.#own._pendingQueue.splice(0)) callback(gone(this.name))
    for (const client of this.#open) {
      client.destroy(gone(this.name))
      // pg-pool waits for what was never released.
      client.revoke()
    }
  }
}

/** For want of TLS, or of its absence: pg_hba.conf has lines for one of the two. */
const mayBeTls = ({ holdfast: { reason } }: Told): boolean =>
  reason === 'tls-failure' || reason === 'access-denied'

/** On the way to a session nothing was done yet: again, by the table, and where another host may do. */
function mayConnectAgain({ holdfast: { reason, retry, phase } }: Told): boolean {
  if (phase === 'acquire') return false
  return retry === 'yes' || reason === 'connection-lost' || reason === 'read-only'
}

/** For what reads, or may run twice. */
const mayRepeat = ({ holdfast: { reason, retry, phase } }: Told): boolean =>
  phase !== 'acquire' &&
  (retry === 'yes' || /^(connection-lost|read-only|transaction-conflict)$/.test(reason))
