import pg from 'pg'
import type { ConnectionInternals, QueryInternals } from './internals.js'

/** pg's query, which knows whether a byte of it left. */
export class SentQuery extends (pg.Query as unknown as new (
  config: unknown,
  values: unknown,
) => QueryInternals) {
  sent = false

  override submit(connection: ConnectionInternals): Error | null | undefined {
    this.sent = connection.stream.writable
    return super.submit(connection)
  }
}

/** The phase of a statement: `commit` where a lost answer may hide one, also of several statements. */
export const phaseOf = ({ text = '' }: { text?: string }): 'commit' | 'statement' =>
  ENDS.test(text.replace(COMMENTS, ' ')) ? 'commit' : 'statement'

const ENDS = /(^|;)\s*(commit|end|prepare\s+transaction)\b/i
const COMMENTS = /\/\*[\s\S]*?\*\/|--[^\n]*/g
