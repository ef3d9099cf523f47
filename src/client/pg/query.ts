import pg from 'pg'
import type { ConnectionInternals, QueryInternals } from './internals.js'

/** pg's query, which knows whether a byte of it left. */
export class SentQuery extends (pg.Query as unknown as new (
  config: unknown,
  values: unknown,
) => QueryInternals) {
  sent = false
  /** True where its values failed while it was being sent: it is not executed, and the connection waits for its rest. */
  torn = false
  #submitting = false

  override submit(connection: ConnectionInternals): Error | null | undefined {
    this.sent = connection.stream.writable
    this.#submitting = true
    const error = super.submit(connection)
    this.#submitting = false
    if (error) this.sent = false
    return error
  }

  override handleError(error: Error, connection: ConnectionInternals): void {
    if (this.#submitting) {
      this.torn = true
      this.sent = false
    }
    super.handleError(error, connection)
  }
}

/** The phase of a statement: `commit` where a lost answer may hide one, also of several statements. */
export const phaseOf = ({ text }: { text?: string | undefined }): 'commit' | 'statement' =>
  ENDS.test(plain(String(text ?? ''))) ? 'commit' : 'statement'

/**
 * Whether something of it may stay although the server answered with an error: several statements with a COMMIT among
 * them, and outside of a transaction a procedure, a DO, or a command that commits by itself on its way.
 */
export function mayHaveCommitted(text: string, inTransaction: boolean): boolean {
  const bare = plain(text)
  if (LONE.test(bare)) return false
  return ENDS.test(bare) || (!inTransaction && BY_ITSELF.test(bare))
}

const ENDS = /(^|;)\s*(commit|end|prepare\s+transaction)\b/i
const LONE = /^\s*(commit|end|prepare\s+transaction)\b[^;]*;?\s*$/i
const BY_ITSELF = /(^|;)\s*(call|do|vacuum|cluster|reindex)\b|\bconcurrently\b/i
/** Comments, and what is quoted in any way: a commit in there is none of this statement. */
const ASIDE =
  /[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g

const plain = (text: string): string => text.replace(ASIDE, ' ')
