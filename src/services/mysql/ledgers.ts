import { mysqlLiteral } from '../../core/quoting.js'
import type { Row } from '../../core/service.js'
import type { Findings } from '../findings.js'
import { COLUMNS, type Dialect, ledgersIn, TABLES } from '../ledgers.js'
import { migrationHealth, missingMigration } from '../migrations.js'

const dialect: Dialect = {
  quote: name => `\`${name.replaceAll('`', '``')}\``,
  // Names and numbers need no backslash, which some SQL modes read as itself.
  literal: mysqlLiteral,
  text: expression => `CAST(${expression} AS CHAR)`,
}

const list = (names: readonly string[]): string => names.map(dialect.literal).join(', ')

/** More columns than all tools together have. */
const MOST = 100

/** Those of the session's database; without one, of every database that the account may see. */
const FIND = `SELECT table_schema, table_name, column_name FROM information_schema.columns
  WHERE table_schema = coalesce(DATABASE(), table_schema) AND lower(table_name) IN (${list(TABLES)})
    AND lower(column_name) IN (${list(COLUMNS)}) ORDER BY table_schema, table_name`

interface Asking {
  ask(text: string, most?: number): Promise<readonly Row[]>
}

/** A session's, which closes after it: nothing is written, and a table that a migration holds is not waited for. */
async function careful(session: Asking): Promise<void> {
  await session.ask('SET SESSION lock_wait_timeout = 1')
  await session.ask('SET SESSION TRANSACTION READ ONLY')
}

/** What is to be said of a migration that has not been applied. */
export async function lacking(migration: string, session: Asking): Promise<string[]> {
  await careful(session)
  const ask = (text: string) => session.ask(text)
  const ledgers = ledgersIn(await session.ask(FIND, MOST), dialect)
  const missing = await missingMigration(migration, ledgers, dialect, ask)
  return missing === undefined ? [] : [missing]
}

export async function migrations(session: Asking, findings: Findings): Promise<void> {
  await findings.allowed(() => careful(session))
  const rows = await findings.allowed(() => session.ask(FIND, MOST))
  if (rows) await migrationHealth(ledgersIn(rows, dialect), dialect, text => session.ask(text), findings)
}
