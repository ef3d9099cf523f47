import type { Row } from '../../core/service.js'

/**
 * Before each question, in the same transaction and for it alone, so that a pooler hands nothing on: nothing can be
 * written, and a table that a migration holds is not waited for.
 */
const CAREFUL = "SET TRANSACTION READ ONLY; SET LOCAL lock_timeout = '1s'; "
const BEFORE = 2

export interface Asking {
  /** Gives the rows of the nth result, counted from 0. */
  ask(text: string, nth: number): Promise<readonly Row[]>
}

/** Asks so that the server is not changed, and nobody is held up. */
export const carefully =
  (session: Asking) =>
  (text: string): Promise<readonly Row[]> =>
    session.ask(CAREFUL + text, BEFORE)
