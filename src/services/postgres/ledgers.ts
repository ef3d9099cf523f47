import { sqlLiteral } from '../../core/quoting.js'
import type { Row } from '../../core/service.js'
import type { Findings } from '../findings.js'
import { COLUMNS, type Dialect, ledgersIn, TABLES } from '../ledgers.js'
import { migrationHealth, missingMigration } from '../migrations.js'

export const dialect: Dialect = {
  quote: name => `"${name.replaceAll('"', '""')}"`,
  literal: sqlLiteral,
  text: expression => `CAST(${expression} AS text)`,
}

const list = (names: readonly string[]): string => names.map(dialect.literal).join(', ')

/** Those of the schemas that the session looks into come first. */
const FIND = `SELECT table_schema, table_name, column_name FROM information_schema.columns
  WHERE lower(table_name) IN (${list(TABLES)}) AND lower(column_name) IN (${list(COLUMNS)})
    AND table_schema NOT IN ('pg_catalog', 'information_schema')
  ORDER BY array_position(current_schemas(false), table_schema::name), table_schema, table_name`

type Ask = (text: string) => Promise<readonly Row[]>

/** What is to be said of a migration that has not been applied. */
export async function lacking(migration: string, ask: Ask): Promise<string[]> {
  const missing = await missingMigration(migration, ledgersIn(await ask(FIND), dialect), dialect, ask)
  return missing === undefined ? [] : [missing]
}

export async function migrations(ask: Ask, findings: Findings): Promise<void> {
  const rows = await findings.allowed(() => ask(FIND))
  if (rows) await migrationHealth(ledgersIn(rows, dialect), dialect, ask, findings)
}
