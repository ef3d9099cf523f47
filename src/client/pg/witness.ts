import type { Client } from './types.js'

export interface ServerError extends Error {
  readonly code?: string
}

/** What the server itself said since BEGIN, read beside the driver, so that no swallowed error hides it. */
export interface Witness {
  /** The error that the transaction is aborted by, if it is. */
  readonly aborted: ServerError | undefined
  /** True where there was another BEGIN; the server ignores it, with a warning. */
  readonly began: boolean
  /** What ended the transaction before its time. */
  readonly ended: 'COMMIT' | 'PREPARE TRANSACTION' | 'ROLLBACK' | undefined
  /** True where statements were completed after that. */
  readonly outside: boolean
}

/**
 * Listens until `stop`. ROLLBACK has the same tag as ROLLBACK TO SAVEPOINT: whether it was the end shows in the status
 * that follows. Source: PostgreSQL manual, 55.7, CommandComplete and ReadyForQuery.
 */
export function witness({ connection }: Client): Witness & { stop(): void } {
  const seen: { -readonly [K in keyof Witness]: Witness[K] } = {
    aborted: undefined,
    began: false,
    ended: undefined,
    outside: false,
  }
  /** Of the message under way: a ROLLBACK, and something after it. */
  let rollback = false
  let after = false
  const onError = (error: ServerError) => {
    seen.aborted ??= error
  }
  const onComplete = ({ text }: { text: string }) => {
    if (seen.ended) seen.outside = true
    else if (text === 'COMMIT' || text === 'PREPARE TRANSACTION') seen.ended = text
    else if (text === 'ROLLBACK') rollback = true
    else after ||= rollback
    if (text === 'BEGIN' || text === 'START TRANSACTION') seen.began = true
  }
  const onReady = ({ status }: { status: string }) => {
    if (status === 'I' && !seen.ended) {
      seen.ended = 'ROLLBACK'
      seen.outside = after
    }
    if (status === 'T') seen.aborted = undefined
    rollback = after = false
  }
  connection.on('errorMessage', onError)
  connection.on('commandComplete', onComplete)
  connection.on('readyForQuery', onReady)
  return Object.assign(seen, {
    stop() {
      connection.off('errorMessage', onError)
      connection.off('commandComplete', onComplete)
      connection.off('readyForQuery', onReady)
    },
  })
}
