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

/** Whether a lost answer may hide a commit of several statements: COMMIT, END, PREPARE TRANSACTION, COMMIT PREPARED. */
export const endsTransaction = (text: string): boolean =>
  /(^|;)\s*(commit|end|prepare\s+transaction)\b/i.test(withoutComments(text))

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|--[^\n]*/g, ' ')
