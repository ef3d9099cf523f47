import type { Clock } from '../../io/clock.js'
import { classify } from '../../services/classify.js'
import { failure, isTold, type Told } from '../told.js'
import type { Lender } from './custody.js'
import type { Client, CommitFate, CommitResolver } from './types.js'

/**
 * What became of a COMMIT that was rejected with this error. `not-sent` and `rejected` only where the client says so of
 * the COMMIT itself: what it tells of a connection that broke says nothing about bytes that may have left.
 */
export function outcomeOfCommit(error: unknown): 'not-sent' | 'rejected' | 'unknown' {
  const found =
    isTold(error) && error.holdfast.phase === 'commit'
      ? error.holdfast
      : classify(error, { driver: 'pg', phase: 'commit', sent: true })
  return found.outcome
}

/** SQLSTATE 08007, transaction_resolution_unknown. */
export const ambiguous = (cause: unknown): Told =>
  failure(
    'connection-lost',
    'no complete answer to COMMIT came: it is not known whether the transaction took effect',
    { driver: 'pg', phase: 'commit', sent: true, code: '08007', cause, advice: LOOK },
  )

const LOOK =
  'Look for what it was to write before you repeat it; with `resolve: txidStatus()` or `commitTokens()` transaction() does.'

/** SQLSTATE 40000, transaction_rollback. */
export const rolledBack = (cause: unknown): Told =>
  failure('connection-lost', 'no complete answer to COMMIT came, and the transaction was rolled back', {
    driver: 'pg',
    phase: 'commit',
    sent: true,
    rejected: true,
    code: '40000',
    cause,
    advice: 'Nothing of it took effect: it can be repeated, with `retry: true` by transaction() itself.',
  })

export interface Asking {
  readonly clock: Clock
  readonly timeoutMillis: number
  readonly signal?: AbortSignal | undefined
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2000

/** Asks on one connection after the other, while what is in the way may pass, until the time is up. Never throws. */
export async function fateOf(
  pool: Lender,
  resolver: CommitResolver,
  prepared: unknown,
  { clock, timeoutMillis, signal }: Asking,
): Promise<{ readonly fate: CommitFate; readonly error?: unknown }> {
  const deadline = clock.deadline(timeoutMillis, signal)
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return { fate: await askOnce(pool, resolver, prepared, deadline.signal) }
      } catch (error) {
        const { heals, reason } = classify(error)
        if (heals === 'never' || reason === 'unknown' || deadline.signal.aborted)
          return { fate: 'unknown', error }
        const waited = await clock.sleep(pause, deadline.signal).then(
          () => true,
          () => false,
        )
        if (!waited) return { fate: 'unknown', error }
      }
    }
  } finally {
    deadline.clear()
  }
}

async function askOnce(
  pool: Lender,
  resolver: CommitResolver,
  prepared: unknown,
  signal: AbortSignal,
): Promise<CommitFate> {
  const client: Client = await pool.connect({ signal })
  let stop = () => {}
  const late = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    const fate = await Promise.race([resolver.ask(client, prepared), late])
    client.release()
    return fate === 'committed' || fate === 'rolled-back' ? fate : 'unknown'
  } catch (error) {
    // Whatever it still asks is asked in vain.
    client.release(error instanceof Error ? error : true)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
