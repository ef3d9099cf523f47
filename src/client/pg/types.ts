import type pg from 'pg'
import type { ReasonId } from '../../core/reasons.js'
import type { Classification } from '../../services/classify.js'
import type { ConnectLimits } from '../again.js'
import type { Meter } from '../meter.js'

/** What a pool takes besides the address. Times in milliseconds unless the name ends in `Seconds`. */
export interface PoolOptions extends ConnectLimits {
  /** The pool's name, in messages, events and metrics. Default: the target's name. */
  readonly name?: string
  /** Connections at most. Default 10. */
  readonly max?: number
  /** Connections that are kept open, made in the background. Default 0. */
  readonly min?: number
  /** How long `connect()` and `query()` wait for a connection in all: in the queue, connecting, and between attempts. Default 30,000. */
  readonly acquireTimeoutMillis?: number
  /** A statement's time; then it is cancelled on the server, too. 0 is none. Default 60,000. A query's own `query_timeout` goes before it. */
  readonly query_timeout?: number
  /** The server's limit for a statement, for a client that is not there any more. Default `query_timeout` + 5000. */
  readonly statement_timeout?: number
  /** The server's limit for waiting on a lock. Default 30,000. */
  readonly lock_timeout?: number
  /** The server's limit for a transaction in which nothing happens. Default 60,000. */
  readonly idle_in_transaction_session_timeout?: number
  /** What pg_stat_activity shows. Default: PGAPPNAME, else the name of the program. */
  readonly application_name?: string
  /** Asked of a new connection, of an idle one by the health check, and before one is handed out that was idle for `validateAfterMillis`. Default `SELECT 1`. */
  readonly validationQuery?: string
  /** Default 30,000. */
  readonly validateAfterMillis?: number
  /** Every so often idle connections are asked `validationQuery`, and `min` is made up. 0 is never. Default 60,000. */
  readonly healthCheckMillis?: number
  /** An idle connection is closed after this, down to `min`. Default 60,000. */
  readonly idleTimeoutMillis?: number
  /** A connection is replaced after this. 0 is never. Default 300. */
  readonly maxLifetimeSeconds?: number
  /** So large a part of the lifetime is taken off at random, so that connections of one start do not end together. Default 0.1. */
  readonly maxLifetimeJitter?: number
  /** A connection is replaced after so many uses. Default: never. */
  readonly maxUses?: number
  /** TCP keepalive: the time without a packet before the first probe. Default 600,000. */
  readonly keepAliveInitialDelayMillis?: number
  /** Says who has checked a client out for longer than this, with the stack. 0 is never. Default 0. */
  readonly leakDetectionMillis?: number
  /** How long `end()` waits for clients that are checked out before it closes them. Default 30,000. */
  readonly endTimeoutMillis?: number
  /** Let the process end while only idle connections are left. Default false. */
  readonly allowExitOnIdle?: boolean
  /** Which of several hosts will do; also a parameter of the address. Default `any`. */
  readonly target_session_attrs?:
    | 'any'
    | 'read-write'
    | 'read-only'
    | 'primary'
    | 'standby'
    | 'prefer-standby'
  /** Repetitions of queries marked `idempotent` and of transactions with `retry: true`. */
  readonly retry?: RetryOptions
  /** Rejects at once after `failures` in a row (default 5) until a trial, `halfOpenAfterMillis` (default 10,000) later, succeeds. Off by default. Needs the package cockatiel. */
  readonly circuitBreaker?: { readonly failures?: number; readonly halfOpenAfterMillis?: number }
  /** Lets `concurrent` through at a time and `queue` (default 0) wait; the rest is rejected at once. Off by default. Needs the package cockatiel. */
  readonly bulkhead?: { readonly concurrent: number; readonly queue?: number }
  /** Of `@opentelemetry/api`: `metrics.getMeter('shop')`. Default: nothing is measured. */
  readonly meter?: Meter
  /** In place of the address' one: a text, or what gives it for each new connection (tokens that expire). */
  readonly password?: string | (() => string | Promise<string>)
  /** In place of what the address' sslmode says, as node:tls takes it. */
  readonly ssl?: pg.PoolConfig['ssl']
  /** Type parsers, as pg takes them. */
  readonly types?: pg.PoolConfig['types']
}

export interface RetryOptions {
  /** In all. Default 3. */
  readonly attempts?: number
  /** Pause after the first; doubled each time, a random half taken off. Default 50. */
  readonly delayMillis?: number
}

/** What node-postgres takes for a query, and more. */
export interface QueryOptions {
  /** Cancels it, on the server, too. */
  readonly signal?: AbortSignal
  /** Milliseconds; in place of the pool's. */
  readonly query_timeout?: number
  /** It reads, or may run twice: then it is repeated where the connection was lost. Of a pool only. */
  readonly idempotent?: boolean
}

export interface AcquireOptions {
  readonly signal?: AbortSignal
}

export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

export interface TransactionOptions<P = unknown> {
  readonly isolation?: Isolation
  readonly readOnly?: boolean
  readonly deferrable?: boolean
  /** Repeats the whole function after a conflict (40001, 40P01, 55P03) and after a loss before COMMIT was sent. Default false. */
  readonly retry?: boolean | RetryOptions
  /** Cancels the statement that runs and refuses the next; COMMIT, once sent, is not cancelled. */
  readonly signal?: AbortSignal
  /** Asked what became of a COMMIT whose answer was lost: `txidStatus()`, `commitTokens()`, or a function of your own. */
  readonly resolve?: CommitResolver<P>
  /** How long `resolve` is asked, on one connection after the other while the server is away. Default 30,000. */
  readonly resolveTimeoutMillis?: number
}

export type CommitFate = 'committed' | 'rolled-back' | 'unknown'

export interface CommitResolver<P = unknown> {
  /** Within the transaction, before COMMIT; what it returns is handed to `ask`. */
  prepare?(client: Client): Promise<P>
  /** On another connection, after the answer to COMMIT was lost. */
  ask(client: Client, prepared: P): Promise<CommitFate>
}

type WithOptions<C> = C & QueryOptions

/** A checked-out client: node-postgres' own, which cannot crash the process and goes back only where it is sound. */
export interface Client extends pg.PoolClient {
  /** What broke it, if anything did. */
  readonly broken: Error | undefined
  /** Behind a pooler: the limits as `SET LOCAL a = 1; SET LOCAL b = 2`, which `transaction()` sends with BEGIN. */
  readonly localSettings?: string | undefined
  query: pg.PoolClient['query'] &
    (<R extends pg.QueryResultRow = pg.QueryResultRow>(
      config: WithOptions<pg.QueryConfig>,
    ) => Promise<pg.QueryResult<R>>)
}

export interface PoolState {
  readonly name: string
  readonly max: number
  /** Open or being opened. */
  readonly total: number
  readonly idle: number
  /** Checked out. */
  readonly used: number
  /** Being opened. */
  readonly connecting: number
  readonly waiting: number
  /** Milliseconds for which the oldest of those checked out is. */
  readonly longestUseMillis?: number
  /** Where `leakDetectionMillis` is set: who holds them, the longest first. */
  readonly holders?: readonly { readonly millis: number; readonly stack: string }[]
}

/** What a pool tells besides pg-pool's connect, acquire, release, remove and error. */
export interface PoolEvents {
  /** A client was closed instead of going back. */
  discard: [reason: string, client: Client]
  /** An attempt failed, and another one follows after `delayMillis`. */
  retry: [event: { readonly error: Error; readonly attempt: number; readonly delayMillis: number }]
  /** Nothing was free in time. */
  exhausted: [state: PoolState]
  /** A client is checked out for longer than `leakDetectionMillis`. */
  leak: [event: { readonly millis: number; readonly stack: string; readonly state: PoolState }]
  /** The circuit breaker opened, from being closed: everything is rejected at once, but a trial every so often. */
  open: [event: { readonly reason: ReasonId; readonly error: Error; readonly halfOpenAfterMillis: number }]
  /** A trial succeeded. */
  close: []
}

type Listen = <E extends keyof PoolEvents>(event: E, listener: (...told: PoolEvents[E]) => void) => pg.Pool

/** pg-pool's interface, and what holds. */
export interface Pool extends Omit<pg.Pool, 'connect' | 'query' | 'end' | 'on' | 'once'> {
  readonly name: string
  on: pg.Pool['on'] & Listen
  once: pg.Pool['once'] & Listen
  connect(options?: AcquireOptions): Promise<Client>
  connect(
    callback: (
      error: Error | undefined,
      client: Client | undefined,
      done: (release?: unknown) => void,
    ) => void,
  ): void
  query: pg.Pool['query'] &
    (<R extends pg.QueryResultRow = pg.QueryResultRow>(
      config: WithOptions<pg.QueryConfig>,
    ) => Promise<pg.QueryResult<R>>)
  /** Refuses new work, lets clients come back for `endTimeoutMillis`, then closes them all. A second call waits for the first. */
  end(): Promise<void>
  end(callback: () => void): void
  state(): PoolState
  withConnection<T>(work: (client: Client) => Promise<T>, options?: AcquireOptions): Promise<T>
  transaction<T, P = unknown>(
    work: (client: Client) => Promise<T>,
    options?: TransactionOptions<P>,
  ): Promise<T>
}

export type { Classification }
