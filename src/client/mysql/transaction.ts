import { setTimeout as delay } from 'node:timers/promises'
import { usage } from '../../core/errors.js'
import { pauseAfter } from '../again.js'
import { checkOptions } from '../checked.js'
import { failure, type Told, told } from '../told.js'
import type { Connection, Session } from './connection.js'

export interface MysqlTransactionOptions {
  readonly isolation?: 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
  /** Repeats the whole function after a deadlock (1213), a lock time-out (1205) and a loss before COMMIT was sent. Default false. */
  readonly retry?: boolean | { readonly attempts?: number; readonly delayMillis?: number }
  readonly signal?: AbortSignal
}

const ISOLATION = /^(read (un)?committed|repeatable read|serializable)$/i

/** Runs `work` in a transaction, by the rules of `holdfast/pg`: COMMIT is sent once, and what is not known is not repeated. */
export async function transact<T>(
  checkOut: () => Promise<Connection>,
  sessionOf: (connection: Connection) => Session,
  work: (connection: Connection) => Promise<T>,
  options: MysqlTransactionOptions,
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
    signal?.throwIfAborted()
    const connection = await checkOut()
    try {
      return await once(connection, sessionOf(connection), work, options)
    } catch (error) {
      if (!retry || attempt >= attempts || !mayRepeat(error)) throw error
    } finally {
      connection.release()
    }
    const pause = pauseAfter(attempt, { backoffMillis: delayMillis, backoffFactor: 2 })
    await delay(pause, undefined, signal ? { signal } : {})
  }
}

async function once<T>(
  connection: Connection,
  session: Session,
  work: (connection: Connection) => Promise<T>,
  { isolation, readOnly, signal }: MysqlTransactionOptions,
): Promise<T> {
  let result: T
  session.strict = true
  try {
    if (isolation) await connection.query(`SET TRANSACTION ISOLATION LEVEL ${isolation}`)
    await connection.query(readOnly ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION')
    result = await work(connection)
    signal?.throwIfAborted()
    const cause = session.broken ?? session.rolledBack
    if (cause) throw cause
    if (!session.inTransaction) throw ended(session.target)
  } catch (error) {
    // The first cause is told; a connection that cannot roll back is not pooled.
    if (session.broken === undefined) await connection.rollback().catch(() => connection.destroy())
    throw error
  } finally {
    await session.settled()
  }
  try {
    await connection.commit()
  } catch (error) {
    throw undecided(told(error, { driver: 'mysql2', phase: 'commit' }), session.target)
  }
  return result
}

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

/** The transaction was rolled back, or is about to be: COMMIT was not sent, or rejected. */
function mayRepeat(error: unknown): boolean {
  const { holdfast } = error as Partial<Told>
  if (!holdfast) return false
  if (holdfast.reason === 'transaction-conflict')
    return holdfast.phase !== 'commit' || holdfast.outcome === 'rejected'
  return holdfast.reason === 'connection-lost' && holdfast.phase !== 'commit'
}
