import { type Clock, systemClock } from '../../io/clock.js'
import { type Classification, classify } from '../../services/classify.js'
import { pauseAfter } from '../again.js'
import { isTold, retold, suppress, type Told } from '../told.js'
import { beginning, checkTransaction } from './begin.js'
import { ambiguous, fateOf, outcomeOfCommit, rolledBack } from './commit.js'
import { guard, type Lender } from './custody.js'
import { aborted } from './failures.js'
import { endedByWork, leftRunning, swallowed } from './misuse.js'
import type { Client, PoolEvents, RetryOptions, TransactionOptions } from './types.js'
import { type Witness, witness } from './witness.js'

export interface TransactionDefaults {
  /** What `retry: true` means: the pool's. */
  readonly retry?: RetryOptions | undefined
  /** Told before each repetition. */
  readonly onRetry?: ((event: PoolEvents['retry'][0]) => void) | undefined
  readonly clock?: Clock
  /** From 0 up to 1. */
  readonly random?: () => number
}

type Work<T> = (client: Client) => Promise<T>
type End<T> = { readonly value: T } | Failed

const RESOLVE_MS = 30_000
const PAUSES = { backoffFactor: 2, backoffMostMillis: 5000 }

/** BEGIN, `work`, COMMIT; what each way to fail comes to is the table in docs/client-transactions.md. */
export async function runTransaction<T>(
  pool: Lender,
  work: Work<T>,
  options: TransactionOptions = {},
  defaults: TransactionDefaults = {},
): Promise<T> {
  checkTransaction(options)
  const { clock = systemClock, random = Math.random, onRetry } = defaults
  const { attempts = 3, delayMillis = 50 } = {
    ...defaults.retry,
    ...(typeof options.retry === 'object' && options.retry),
  }
  const most = options.retry ? attempts : 1
  const { signal } = options
  let last: unknown
  for (let attempt = 1; ; attempt++) {
    const client = await pool.connect(signal ? { signal } : {}).catch((unavailable: unknown) => {
      throw attempt > 1 ? suppress(last, unavailable) : unavailable
    })
    const end = await once(pool, client, work, options, clock)
    if ('value' in end) return end.value
    last = end.error
    if (attempt >= most || !end.repeatable || signal?.aborted) throw last
    const pause = pauseAfter(attempt, { ...PAUSES, backoffMillis: delayMillis, random })
    onRetry?.({ error: last as Error, attempt, delayMillis: pause })
    await clock.sleep(pause, signal).catch(() => {
      throw last
    })
  }
}

async function once<T>(
  pool: Lender,
  client: Client,
  work: Work<T>,
  options: TransactionOptions,
  clock: Clock,
): Promise<End<T>> {
  const { signal, resolve, resolveTimeoutMillis: timeoutMillis = RESOLVE_MS } = options
  try {
    await client.query({ text: beginning(options, client.localSettings), ...(signal ? { signal } : {}) })
  } catch (error) {
    client.release(asError(error))
    if (isTold(error) && error.holdfast.outcome === 'unknown') retold(error, 'rejected')
    return { error, repeatable: isRepeatable(error) }
  }
  const seen = witness(client)
  try {
    const done = await perform(client, work, options, seen)
    if ('error' in done) return done
    const failed = await commit(client, seen)
    if (!failed) return { value: done.value }
    if ('error' in failed) return failed
    const { lost } = failed
    if (!resolve) return { error: ambiguous(lost), repeatable: false }
    const { fate, error } = await fateOf(pool, resolve, done.prepared, { clock, timeoutMillis, signal })
    if (fate === 'committed') return { value: done.value }
    if (fate === 'rolled-back') return { error: rolledBack(lost), repeatable: true }
    return { error: suppress(ambiguous(lost), error), repeatable: false }
  } finally {
    seen.stop()
  }
}

interface Failed {
  readonly error: unknown
  readonly repeatable: boolean
}

/** COMMIT, after which the client is given back. Undefined where the server said that it is done. */
async function commit(
  client: Client,
  seen: Witness,
): Promise<Failed | { readonly lost: unknown } | undefined> {
  let command: string
  try {
    command = (await client.query('COMMIT')).command
  } catch (error) {
    const outcome = outcomeOfCommit(error)
    client.release(outcome === 'rejected' ? undefined : asError(error))
    if (outcome === 'unknown') return { lost: error }
    const repeatable = isRepeatable(error)
    if (isTold(error)) retold(error, 'rejected')
    return { error, repeatable }
  }
  client.release()
  if (command === 'COMMIT') return undefined
  return { error: swallowed(seen.aborted), repeatable: isRepeatable(seen.aborted) }
}

type Done<T> = { readonly value: T; readonly prepared: unknown }

/** Everything between BEGIN and COMMIT; where it fails the transaction is undone and the client given back. */
async function perform<T>(
  client: Client,
  work: Work<T>,
  { signal, resolve }: TransactionOptions,
  seen: Witness,
): Promise<Done<T> | Failed> {
  const loan = guard(client, { by: 'transaction()', signal, inTransaction: true })
  let early: Error | undefined
  try {
    const value = await work(loan.client)
    const { running, blocked } = loan
    loan.end()
    const offence = loan.misuse ?? leftRunning(running, blocked && !seen.aborted)
    if (offence) throw offence
    if (client.broken) throw client.broken
    if (seen.began || seen.ended) {
      early = endedByWork(seen)
      throw early
    }
    if (signal?.aborted) throw aborted(signal, 'statement')
    const prepared = seen.aborted ? undefined : await resolve?.prepare?.(client)
    if (client.broken) throw client.broken
    return { value, prepared }
  } catch (error) {
    const { blocked } = loan
    loan.end()
    const before = { ...seen }
    const repeatable = !before.ended && !loan.misuse && isRepeatable(seen.aborted ?? client.broken)
    await undo(client, error, blocked)
    // A COMMIT that nobody awaited has come through meanwhile.
    const now = before.ended ? before : { ...seen, outside: false }
    if (!isPartial(now)) {
      nothingKept(client, loan.failures)
      return { error, repeatable }
    }
    return { error: error === early ? error : endedByWork(now, error), repeatable: false }
  }
}

/** COMMIT was not sent, unless it hid in a text whose answer never came. */
function nothingKept({ broken }: Client, failures: Iterable<Told>): void {
  const lost = isTold(broken) ? broken : undefined
  if (lost?.holdfast.phase === 'commit' && lost.holdfast.outcome === 'unknown') return
  for (const one of lost ? [lost, ...failures] : failures) retold(one, 'rejected')
}

/** ROLLBACK, whose failure never replaces what it is called for. */
async function undo(client: Client, first: unknown, blocked: boolean): Promise<void> {
  if (client.broken || blocked) return client.release(client.broken ?? asError(first))
  try {
    await client.query('ROLLBACK')
    client.release()
  } catch (second) {
    suppress(first, second)
    client.release(asError(second))
  }
}

/**
 * Where nothing can have been committed: a conflict, by the table also a lock time-out, and a lost connection. What
 * `work` threw does not matter, but what the server and the connection said: another service's loss is not ours.
 */
function isRepeatable(error: unknown): boolean {
  if (error === undefined) return false
  const found: Classification = isTold(error)
    ? error.holdfast
    : classify(error, { driver: 'pg', phase: 'statement', sent: true })
  if (found.reason === 'transaction-conflict') return found.outcome === 'rejected'
  return found.reason === 'connection-lost' && (found.phase !== 'commit' || found.outcome === 'not-sent')
}

/** Part of it may be kept, whatever failed afterwards. */
const isPartial = ({ ended, outside }: Witness): boolean =>
  ended !== undefined && (ended !== 'ROLLBACK' || outside)

const asError = (error: unknown): Error | true => (error instanceof Error ? error : true)
