import { classify } from '../../services/classify.js'
import { failure, type Told } from '../told.js'
import type { ServerError, Witness } from './witness.js'

/** COMMIT was answered by ROLLBACK: a statement had failed, and the function returned as if it had not. */
export function swallowed(error: ServerError | undefined): Told {
  const { reason } = classify(error, { driver: 'pg', phase: 'statement', sent: true })
  const which = error ? `a statement of it had failed (${error.message})` : 'a statement of it had failed'
  return failure(
    error ? reason : 'query-error',
    `the server answered COMMIT with ROLLBACK: ${which}, and the error was caught. Nothing of it took effect`,
    {
      driver: 'pg',
      phase: 'commit',
      sent: true,
      rejected: true,
      code: error?.code ?? '25P02',
      advice:
        'Let the error out of the function; where it is expected, set a SAVEPOINT before the statement and go back to it.',
      ...(error ? { cause: error } : {}),
    },
  )
}

/** The function itself began or ended a transaction, in a way that was not refused beforehand. */
export function endedByWork({ ended, outside }: Witness, cause?: unknown): Told {
  const kept = ended === 'COMMIT' || ended === 'PREPARE TRANSACTION'
  const what = kept
    ? 'what it had done before is kept'
    : ended
      ? 'what it had done before is undone'
      : 'the server ignored it, and all of it was rolled back'
  const rest = outside ? '; what came after ran outside of the transaction' : ''
  return failure('client-misuse', `the function called ${ended ?? 'BEGIN'} itself: ${what}${rest}`, {
    driver: 'pg',
    phase: 'statement',
    sent: true,
    rejected: !kept && !outside,
    advice:
      'transaction() begins and ends it: return to commit, throw to roll back; a part of it is a SAVEPOINT.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** The function returned before its statements had. */
export function leftRunning(statements: number, cursor: boolean): Told | undefined {
  if (!statements && !cursor) return undefined
  const what = cursor
    ? 'a cursor was still open'
    : statements === 1
      ? 'a statement was still running'
      : `${statements} statements were still running`
  return failure('client-misuse', `${what} when the function returned; the transaction was rolled back`, {
    driver: 'pg',
    phase: 'statement',
    sent: true,
    rejected: true,
    advice: cursor
      ? 'Close the cursor before the function returns.'
      : 'Await every statement of the function.',
  })
}
