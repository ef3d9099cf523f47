import pg from 'pg'
import type { Target } from '../../core/target.js'
import { pauseAfter } from '../again.js'
import { type Told, told } from '../told.js'
import { Askers, isFresh, mayBeTls, mayRepeat } from './acquire.js'
import { SoundClient, traced } from './client.js'
import { runWithConnection } from './connection.js'
import { gone } from './failures.js'
import type { PoolInternals } from './internals.js'
import { lend, takeBack } from './loans.js'
import type { Settings } from './settings.js'
import { stateOf } from './state.js'
import { runTransaction } from './transaction.js'
import type { AcquireOptions, Client, Pool, PoolState, QueryOptions, TransactionOptions } from './types.js'
import { Route, waysOf } from './ways.js'

/** How long connections may take to close when the pool ends. */
const CLOSING_MS = 2000

type Config = string | (pg.QueryConfig & QueryOptions)

/** pg-pool, whose clients are sound, whose waits end, and which takes back only what works. */
export class SoundPool extends pg.Pool {
  readonly name: string
  readonly #settings: Settings
  readonly #route: Route
  readonly #open: Set<SoundClient>
  readonly #askers: Askers
  readonly #own = this as unknown as PoolInternals
  readonly #health: NodeJS.Timeout | undefined
  #end: Promise<void> | undefined

  constructor(target: Target, settings: Settings) {
    const route = new Route(waysOf(target, settings))
    const open = new Set<SoundClient>()
    const hooks = { outcome: (_: SoundClient, __?: Told) => {} }
    class PooledClient extends SoundClient {
      constructor() {
        super(route.way, settings, (client, error) => hooks.outcome(client, error))
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
    this.#askers = new Askers({
      ...{ name: this.name, settings, route, internals: this.#own },
      ask: take => super.connect(take as Parameters<pg.Pool['connect']>[0]),
      state: () => this.state(),
      tell: (event, about) => void this.emit(event, about),
    })
    hooks.outcome = (client, error) => this.#connected(client, error)
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
    if (typeof given !== 'function') return this.#lent(given)
    this.#lent().then(
      client => process.nextTick(given, undefined, client, client.release),
      error => process.nextTick(given, error, undefined, () => {}),
    )
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg-pool's overloads
  override query(config: any, values?: any, callback?: any): any {
    if (typeof config === 'function' || typeof config?.submit === 'function')
      return super.query(config, values, callback)
    const given = typeof values === 'function'
    const done = given ? values : callback
    const result = this.#query(config, given ? undefined : values).catch((error: Error) => {
      throw traced(error, this.query)
    })
    if (!done) return result
    result.then(
      answer => process.nextTick(done, undefined, answer),
      error => process.nextTick(done, error),
    )
  }

  withConnection<T>(work: (client: Client) => Promise<T>, options?: AcquireOptions): Promise<T> {
    return runWithConnection(this as unknown as Pool, work, options)
  }

  transaction<T>(work: (client: Client) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return runTransaction(this as unknown as Pool, work, options, {
      retry: this.#settings.retry,
      onRetry: event => this.emit('retry', event),
    })
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg-pool's overloads
  override end(callback?: any): any {
    this.#end ??= this.#close()
    if (!callback) return this.#end
    this.#end.then(() => process.nextTick(callback))
  }

  async #lent({ signal }: AcquireOptions = {}): Promise<SoundClient & Client> {
    return lend(await this.#askers.acquire(signal), this.#discard)
  }

  #discard = (why: string, client: SoundClient): void => void this.emit('discard', why, client)

  /** Without a pause in the usual case: a client lies there, and works. */
  #query(config: Config, values: unknown[]): Promise<pg.QueryResult> {
    const free = this.#own._idle.length > this.#own._pendingQueue.length && !this.#askers.ended
    if (!free || (typeof config !== 'string' && (config?.signal || config?.idempotent)))
      return this.#patiently(config, values)
    this.#askers.enter()
    return new Promise((resolve, reject) => {
      const take = (error: Error | undefined, client: SoundClient) => {
        this.#askers.leave()
        if (error) return resolve(this.#patiently(config, values))
        const give = client.release
        if (!isFresh(client, this.#settings)) {
          takeBack(client, give, this.#discard)
          return resolve(this.#patiently(config, values))
        }
        client.takenAt = performance.now()
        client.run(config, values, (failure, result) => {
          takeBack(client, give, this.#discard)
          if (failure) reject(failure)
          else resolve(result as pg.QueryResult)
        })
      }
      super.connect(take as unknown as Parameters<pg.Pool['connect']>[0])
    })
  }

  async #patiently(config: Config, values: unknown[]): Promise<pg.QueryResult> {
    const { idempotent, signal }: QueryOptions = typeof config === 'string' ? {} : (config ?? {})
    const { attempts = 3, delayMillis = 50 } = this.#settings.retry
    for (let attempt = 1; ; attempt++) {
      const client = await this.#lent(signal ? { signal } : {})
      let error: Error
      try {
        return await client.query(config as pg.QueryConfig, values)
      } catch (thrown) {
        error = thrown as Error
        if (!idempotent || attempt >= attempts || !mayRepeat(told(error, { driver: 'pg' }))) throw error
      } finally {
        client.release()
      }
      const limits = { backoffMillis: delayMillis, backoffFactor: 2, backoffMostMillis: 5000 }
      await this.#askers.pause(error, attempt, pauseAfter(attempt, limits), signal)
    }
  }

  #connected(client: SoundClient, error?: Told): void {
    this.#askers.connected(error)
    if (error) this.#route.failed(client.way, mayBeTls(error))
    else this.#route.worked(client.way)
  }

  /** Idle connections prove that they are alive, where they lie; one that does not is closed. */
  #check(): void {
    for (const { client } of this.#own._idle as { client: SoundClient }[])
      if (!isFresh(client, this.#settings)) client.validate().catch(error => client.destroy(error))
    this.#fill()
  }

  #fill(): void {
    const missing = this.#settings.min - this.#own._clients.length
    for (let i = 0; i < missing && !this.#askers.ended; i++)
      this.#own.newClient({ callback: (_, client) => (client as pg.PoolClient | undefined)?.release() })
  }

  /** What was asked for before is still answered, within `endTimeoutMillis`. */
  async #close(): Promise<void> {
    clearInterval(this.#health)
    const timer = setTimeout(() => this.#destroyAll(), this.#settings.endTimeoutMillis)
    await this.#askers.end()
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
