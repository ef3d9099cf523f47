import pg from 'pg'
import type { Target } from '../../core/target.js'
import { pauseAfter } from '../again.js'
import { type Told, told } from '../told.js'
import { Askers, isFresh, mayRepeat } from './acquire.js'
import { SoundClient } from './client.js'
import { runWithConnection } from './connection.js'
import { type Guard, guardOf } from './guard.js'
import type { PoolInternals } from './internals.js'
import { type Ends, lend, takeBack } from './loans.js'
import type { Operated } from './operated.js'
import type { Settings } from './settings.js'
import { stateOf } from './state.js'
import { traced } from './traced.js'
import { runTransaction } from './transaction.js'
import type {
  AcquireOptions,
  Client,
  Pool,
  PoolEvents,
  PoolState,
  QueryOptions,
  TransactionOptions,
} from './types.js'
import { Upkeep } from './upkeep.js'
import { type Watch, watchOf } from './watch.js'
import { hasNoTls, Route, waysOf } from './ways.js'

/** What a client tells its pool, which is there only after the client's class. */
interface Hooks {
  outcome: (client: SoundClient, error?: Told) => void
  operated?: Operated | undefined
}

type Config = string | (pg.QueryConfig & QueryOptions)

/** pg-pool, whose clients are sound, whose waits end, and which takes back only what works. */
export class SoundPool extends pg.Pool {
  readonly name: string
  readonly #settings: Settings
  readonly #route: Route
  readonly #askers: Askers
  /** Places whose servers said that they have no TLS. */
  readonly #plain = new Set<string>()
  readonly #own = this as unknown as PoolInternals
  readonly #upkeep: Upkeep
  readonly #watch: Watch | undefined
  readonly #guard: Guard | undefined
  #end: Promise<void> | undefined

  constructor(target: Target, settings: Settings) {
    const route = new Route(waysOf(target, settings), settings.acquireTimeoutMillis)
    const open = new Set<SoundClient>()
    const hooks: Hooks = { outcome: () => {} }
    class PooledClient extends SoundClient {
      constructor() {
        super(route.way, settings, (client, error) => hooks.outcome(client, error), hooks.operated)
        open.add(this)
        this.once('end', () => open.delete(this))
      }
    }
    const { max, min, maxUses, idleTimeoutMillis, allowExitOnIdle } = settings
    super({ max, min, maxUses, idleTimeoutMillis, allowExitOnIdle, Client: PooledClient } as pg.PoolConfig)
    this.name = settings.name ?? target.name
    this.#settings = settings
    this.#route = route
    this.#askers = new Askers({
      ...{ name: this.name, settings, route, internals: this.#own },
      ask: take => super.connect(take as Parameters<pg.Pool['connect']>[0]),
      state: () => this.state(),
      tell: (event, about) => void this.emit(event, about),
    })
    hooks.outcome = (client, error) => this.#connected(client, error)
    this.#watch = watchOf(this, settings, target)
    hooks.operated = this.#watch?.metrics?.operated
    this.#guard = guardOf(settings, this)
    const { maxLifetimeSeconds, maxLifetimeJitter } = settings
    // pg-pool reads it once for each connection. In tenths, since Node keeps a list for each length of a timer.
    Object.defineProperty(this.options, 'maxLifetimeSeconds', {
      get: () => Math.ceil(maxLifetimeSeconds * (1 - maxLifetimeJitter * Math.random()) * 10) / 10,
    })
    // The loss of an idle connection is no reason to end the process: the pool has dropped it.
    this.on('error', () => {})
    this.#upkeep = new Upkeep({ name: this.name, settings, internals: this.#own, askers: this.#askers, open })
  }

  state(): PoolState {
    return stateOf(this.name, this.#settings.max, this.#own, this.#watch?.holders())
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg-pool's overloads
  override connect(given?: any): any {
    const trace = this.#watch?.trace()
    const take = (options?: AcquireOptions) =>
      this.#guarded(() => this.#lent(options, trace), options?.signal)
    if (typeof given !== 'function') return take(given)
    take().then(
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
    const trace = this.#watch?.trace()
    const run = () => this.#query(config, given ? undefined : values, trace)
    const result = this.#guarded(run, config?.signal).catch((error: Error) => {
      throw traced(error)
    })
    if (!done) return result
    result.then(
      answer => process.nextTick(done, undefined, answer),
      error => process.nextTick(done, error),
    )
  }

  withConnection<T>(work: (client: Client) => Promise<T>, options: AcquireOptions = {}): Promise<T> {
    const lender = this.#lender()
    return this.#guarded(() => runWithConnection(lender, work, options), options.signal)
  }

  transaction<T>(work: (client: Client) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const lender = this.#lender()
    const defaults = {
      retry: this.#settings.retry,
      onRetry: (event: PoolEvents['retry'][0]) => this.emit('retry', event),
    }
    return this.#guarded(() => runTransaction(lender, work, options, defaults), options.signal)
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg-pool's overloads
  override end(callback?: any): any {
    this.#end ??= this.#upkeep.end(() => super.end()).then(() => this.#watch?.end())
    if (!callback) return this.#end
    this.#end.then(() => process.nextTick(callback))
  }

  /** Lends clients to what is guarded as a whole, in the name of who called. */
  #lender(): Pick<Pool, 'connect'> {
    const trace = this.#watch?.trace()
    return { connect: (options?: AcquireOptions) => this.#lent(options, trace) } as Pick<Pool, 'connect'>
  }

  #guarded<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#guard ? this.#guard.run(work, signal) : work()
  }

  #lent(options?: AcquireOptions, trace?: Error, admitted?: boolean): Promise<SoundClient & Client> {
    const client = this.#lend(options, admitted)
    return this.#watch ? this.#watch.acquiring(client, trace) : client
  }

  async #lend({ signal }: AcquireOptions = {}, admitted?: boolean): Promise<SoundClient & Client> {
    return lend(await this.#askers.acquire(signal, admitted), this.#ends)
  }

  /** A listener that throws ends the process, as everywhere in Node, but not the work of the pool. */
  override emit(event: string | symbol, ...about: unknown[]): boolean {
    try {
      return super.emit(event as 'connect', ...(about as never[]))
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
      return true
    }
  }

  readonly #ends: Ends = {
    handOn: (client, give) => this.#askers.handOn(client, give),
    discard: (why, client, error) => {
      this.emit('discard', why, client)
      this.#watch?.discarded(error ?? why)
    },
    returned: client => {
      if (this.#watch && client.takenAt !== undefined)
        this.#watch.returned(client, performance.now() - client.takenAt)
    },
  }

  /** Without a pause in the usual case: a client lies there, and works. */
  #query(config: Config, values: unknown[], trace?: Error): Promise<pg.QueryResult> {
    if (config == null) return Promise.reject(new TypeError('Client was passed a null or undefined query'))
    const free = this.#own._idle.length > this.#own._pendingQueue.length && !this.#askers.ended
    if (!free || this.#watch || (typeof config !== 'string' && (config?.signal || config?.idempotent)))
      return this.#patiently(config, values, trace)
    this.#askers.enter()
    return new Promise((resolve, reject) => {
      const take = (error: Error | undefined, client: SoundClient) => {
        const give = client?.release
        if (error || !isFresh(client, this.#settings)) {
          if (client) takeBack(client, give, this.#ends)
          return resolve(this.#patiently(config, values, trace, true).finally(() => this.#askers.leave()))
        }
        this.#askers.leave()
        client.takenAt = performance.now()
        try {
          client.run(config, values, (failure, result) => {
            if (failure) reject(failure)
            else resolve(result as pg.QueryResult)
            takeBack(client, give, this.#ends)
          })
        } catch (misuse) {
          reject(misuse)
          takeBack(client, give, this.#ends)
        }
      }
      super.connect(take as unknown as Parameters<pg.Pool['connect']>[0])
    })
  }

  async #patiently(
    config: Config,
    values: unknown[],
    trace?: Error,
    admitted?: boolean,
  ): Promise<pg.QueryResult> {
    const { idempotent, signal }: QueryOptions = typeof config === 'string' ? {} : (config ?? {})
    const { attempts = 3, delayMillis = 50 } = this.#settings.retry
    for (let attempt = 1; ; attempt++) {
      const client = await this.#lent(signal ? { signal } : {}, trace, admitted)
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
    if (error) {
      if (hasNoTls(error)) this.#plain.add(client.way.place)
      this.#route.failed(client.way, error)
    } else {
      this.#watch?.metrics?.created(performance.now() - client.madeAt)
      this.#route.worked(client.way, this.#plain.has(client.way.place))
    }
  }
}
