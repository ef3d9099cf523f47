import { apart } from '../lost.js'
import { isTold, retold, type Told, told } from '../told.js'
import { mayHaveCommitted, phaseOf } from './query.js'

/** A statement, as far as its error depends on it. */
export interface Stated {
  readonly text?: string | undefined
  readonly sent: boolean
  readonly torn?: boolean
}

interface Teller {
  readonly broken: Told | undefined
  readonly inTransaction: boolean
}

/** An error of a statement, with what its client knows of it. */
export function tellOf(error: Error, query: Stated, { broken, inTransaction }: Teller): Told {
  const about = { driver: 'pg', phase: phaseOf(query), sent: query.sent, lastEvent: broken } as const
  // One error for all that a lost connection had to do: what was not sent has an outcome of its own. In a transaction all is one.
  if (isTold(error) && !query.sent && !inTransaction && error.holdfast.outcome !== 'not-sent')
    return apart(error, about)
  const known = told(error, about)
  const maybe = known.holdfast.outcome === 'rejected' && mayHaveCommitted(query.text ?? '', inTransaction)
  return maybe ? retold(known, 'unknown') : known
}
