import { clickhouseLiteral } from '../../core/quoting.js'
import type { Row } from '../../core/service.js'
import type { Findings } from '../findings.js'
import { COLUMNS, type Dialect, ledgersIn, TABLES } from '../ledgers.js'
import { migrationHealth, missingMigration } from '../migrations.js'

const dialect: Dialect = {
  quote: name => `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``,
  literal: clickhouseLiteral,
  text: expression => `toString(${expression})`,
}

const list = (names: readonly string[]): string => names.map(dialect.literal).join(', ')

const FIND = `SELECT database, table, name FROM system.columns WHERE database = currentDatabase()
  AND lower(table) IN (${list(TABLES)}) AND lower(name) IN (${list(COLUMNS)}) ORDER BY table, name`

interface Asking {
  ask(text: string): Promise<readonly Row[]>
}

/** What is to be said of a migration that has not been applied. */
export async function lacking(migration: string, session: Asking): Promise<string[]> {
  const ask = (text: string) => session.ask(text)
  const missing = await missingMigration(migration, ledgersIn(await ask(FIND), dialect), dialect, ask)
  return missing === undefined ? [] : [missing]
}

export async function migrations(session: Asking, findings: Findings): Promise<void> {
  const rows = await findings.allowed(() => session.ask(FIND))
  if (rows) await migrationHealth(ledgersIn(rows, dialect), dialect, text => session.ask(text), findings)
}
