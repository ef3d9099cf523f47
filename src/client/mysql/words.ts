/** What a statement does to its transaction, by its text, and what the server said of it afterwards. */

/** Comments and brackets before the first word. `/*!` and `/*M!` are executed. */
const BEFORE = /^(?:\s|\(|--(?=\s|$)[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\/\*(?!M?!)[\s\S]*?\*\/)+/

const startOf = (sql: string): string => sql.replace(BEFORE, '')

/** The word by which a statement ends a transaction; a return to a savepoint does not. */
export function endIn(sql: string): 'commit' | 'rollback' | undefined {
  const word = /^(commit|rollback)\b(?!(\s+work)?\s+to\b)/i.exec(startOf(sql))?.[1]
  return word?.toLowerCase() as 'commit' | 'rollback' | undefined
}

const STAYS =
  /^(select|insert|update|delete|replace|with|values|do|show|explain|desc|describe|use|savepoint|release\s+savepoint|rollback(\s+work)?\s+to|set\b(?![\s\S]*\b(autocommit|password|statement)\b))\b/i

/**
 * True where a statement cannot commit. What is not known may: CALL, DDL, several statements in one text.
 * Source: MySQL's manual, "Statements That Cause an Implicit Commit".
 */
export const staysWithin = (sql: string): boolean => STAYS.test(startOf(sql)) && !/;\s*\S/.test(sql)

interface Header {
  readonly serverStatus?: number
}

/** The server's last word in what mysql2 resolves with. Rows have none; of several results the headers have no fields. */
export function statusOf(result: unknown): number | undefined {
  if (!Array.isArray(result)) return undefined
  const [found, fields] = result as [unknown, unknown]
  if (fields === undefined) return (found as Header | null | undefined)?.serverStatus
  if (!Array.isArray(fields) || !Array.isArray(found)) return undefined
  const last = fields.lastIndexOf(undefined)
  return last < 0 ? undefined : (found[last] as Header | undefined)?.serverStatus
}

/** SERVER_STATUS_IN_TRANS, SERVER_STATUS_AUTOCOMMIT. Source: MySQL's include/mysql_com.h. */
export const IN_TRANSACTION = 1
export const AUTOCOMMIT = 2
