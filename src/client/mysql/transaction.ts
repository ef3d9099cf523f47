import { setTimeout as delay } from 'node:timers/promises'
import { usage } from '../../core/errors.js'
import type { Phase } from '../../core/rules.js'
import { classify } from '../../services/classify.js'
import { onAbort } from '../aborts.js'
import { pauseAfter } from '../again.js'
import { checkOptions } from '../checked.js'
import { failure, type Told, told } from '../told.js'
import type { Connection, Session } from './connection.js'

export interface MysqlTransactionOptions {
  readonly isolation?: 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
  /** Repeats the whole function after a deadlock (1213), a lock time-out (1205) and a loss before COMMIT was sent; not where it sent what may commit (CALL, DDL, several statements in one text). Default false. */
  readonly retry?: boolean | { readonly attempts?: number; readonly delayMillis?: number }
  /** Ends waiting, and what is under way; not COMMIT. The error has the code `ABORT_ERR` and the signal's reason as its cause. */
  readonly signal?: AbortSignal
}

const ISOLATION = /^(read (un)?committed|repeatable read|serializable)$/i

/** Runs `work` in a transaction, by the rules of `holdfast/pg`: COMMIT is sent once, and what is not known is not repeated. */
export async function transact<T>(
  checkOut: (signal?: AbortSignal) => Promise<Connection>,
  sessionOf: (connection: Connection) => Session,
  work: (connection: Connection) => Promise<T>,
  options: MysqlTransactionOptions,
  target: string,
): Promise<T> {
  checkOptions('transaction()', options, {
    isolation: 'text',
    readOnly: 'boolean',
    retry: 'any',
    signal: 'any',
  })
  const { isolation, retry, signal } = options
  if (isolation && !ISOLATION.test(isolation))
    throw usage(`transaction(): isolation "${isolation}" is not known`)
  const { attempts = 3, delayMillis = 50 } = typeof retry === 'object' ? retry : {}
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted) throw aborted(signal, { phase: 'acquire', sent: false, target })
    const connection = await checkOut(signal)
    const session = sessionOf(connection)
    try {
      return await once(connection, session, work, options)
    } catch (error) {
      if (!retry || attempt >= attempts || !mayRepeat(error, session) || signal?.aborted) throw error
    } finally {
      connection.release()
    }
    const pause = pauseAfter(attempt, { backoffMillis: delayMillis, backoffFactor: 2 })
    // Looked at above.
    await delay(pause, undefined, signal ? { signal } : {}).catch(() => {})
  }
}

async function once<T>(
  connection: Connection,
  session: Session,
  work: (connection: Connection) => Promise<T>,
  { isolation, readOnly, signal }: MysqlTransactionOptions,
): Promise<T> {
  const { target } = session
  const off = onAbort(signal, () =>
    session.cut(aborted(signal as AbortSignal, { phase: 'statement', sent: true, target })),
  )
  let result: T
  try {
    if (isolation) await connection.query(`SET TRANSACTION ISOLATION LEVEL ${isolation}`)
    await connection.query(readOnly ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION')
    session.strict = true
    result = await work(connection)
    await session.settled()
    const cause = session.broken ?? session.rolledBack
    if (cause) throw cause
    await session.certain()
    if (!session.inTransaction) throw ended(target)
    if (session.broken) throw session.broken
  } catch (error) {
    session.strict = false
    // COMMIT was not sent by us; what `work` sent may have been one.
    if (signal?.aborted)
      throw aborted(signal, { phase: 'statement', sent: true, target, rejected: session.repeatable })
    // The first cause is told; a connection that cannot roll back is not pooled.
    if (session.broken === undefined) await connection.rollback().catch(() => connection.destroy())
    throw error
  } finally {
    off()
    await session.settled()
  }
  session.strict = false
  try {
    await connection.commit()
  } catch (error) {
    throw undecided(told(error, { driver: 'mysql2', phase: 'commit' }), target)
  }
  return result
}

/** What is under way is given up. `cause` is the signal's reason. */
export const aborted = (
  signal: AbortSignal,
  about: { phase: Phase; sent: boolean; target: string; rejected?: boolean },
): Told =>
  failure('statement-timeout', 'aborted by its signal', {
    ...about,
    code: 'ABORT_ERR',
    cause: signal.reason,
  })

/** DDL commits by itself, and so may `work`. */
const ended = (target: string) =>
  failure(
    'client-misuse',
    'the transaction was over before COMMIT: it was ended within, or by a statement that commits',
    {
      phase: 'statement',
      target,
    },
  )

function undecided(error: Told, target: string): Told {
  if (error.holdfast.outcome !== 'unknown') return error
  return failure(error.holdfast.reason, 'it is not known whether the transaction was committed', {
    code: '08007',
    phase: 'commit',
    sent: true,
    target,
    cause: error,
  })
}

/** Only what this connection told: the transaction was rolled back, or is about to be, and nothing of it may have been committed. */
function mayRepeat(error: unknown, session: Session): boolean {
  if (!session.repeatable || !session.threw(error)) return false
  const { reason, phase, outcome } = classify(error)
  if (reason === 'transaction-conflict') return phase !== 'commit' || outcome === 'rejected'
  return reason === 'connection-lost' && phase !== 'commit'
}
