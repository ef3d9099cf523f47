/** The tables in which migration tools write down what they have applied. */
import type { Row } from '../core/service.js'

/** How a database writes SQL. */
export interface Dialect {
  quote(name: string): string
  literal(text: string): string
  /** An expression as text. */
  text(expression: string): string
}

export type Condition = (column: (name: string) => string) => string

interface Tool {
  readonly tool: string
  /** In small letters, as are the columns. */
  readonly table: string
  /** Those that tell it from other tools with a table of that name. */
  readonly columns: readonly string[]
  /** A table that stands beside it. */
  readonly beside?: string
  /** What a migration may be called; the parts of a name are joined by a dot. The first is how it is shown. */
  readonly names: readonly (readonly string[])[]
  /** The last one has the greatest; of several columns the first that is there counts. */
  readonly order: readonly string[]
  readonly applied?: Condition
  /** What stopped half-way, and the tool's word for it. */
  readonly broken?: { readonly when: Condition; readonly word: string }
  /** It keeps where it is, as a number, and not what it applied on the way. */
  readonly position?: true
  /** It keeps no names: the migrations are counted. */
  readonly counted?: true
  /** Of ClickHouse: rows replace each other when they are merged. */
  readonly final?: true
}

/** Sources: each tool's own CREATE TABLE. Of two rows for one table the first that fits counts. */
// biome-ignore format: a table, one row a tool
const TOOLS: readonly Tool[] = [
  { tool: 'Flyway', table: 'flyway_schema_history', columns: ['version', 'script', 'installed_rank', 'success'],
    names: [['version'], ['script']], order: ['installed_rank'], applied: c => c('success'),
    broken: { when: c => `NOT ${c('success')}`, word: 'failed' } },
  { tool: 'Liquibase', table: 'databasechangelog', columns: ['id', 'orderexecuted', 'exectype'],
    names: [['id']], order: ['orderexecuted'], applied: c => `${c('exectype')} NOT IN ('FAILED', 'SKIPPED')` },
  { tool: 'golang-migrate', table: 'schema_migrations', columns: ['version', 'dirty'],
    names: [['version']], order: ['sequence', 'version'], position: true,
    broken: { when: c => c('dirty'), word: 'dirty' } },
  { tool: 'dbmate', table: 'schema_migrations', columns: ['version', 'ts', 'applied'],
    names: [['version']], order: ['version'], applied: c => c('applied'), final: true },
  { tool: 'Rails', table: 'schema_migrations', columns: ['version'], beside: 'ar_internal_metadata',
    names: [['version']], order: ['version'] },
  { tool: 'Ecto', table: 'schema_migrations', columns: ['version', 'inserted_at'],
    names: [['version']], order: ['version'] },
  { tool: 'dbmate', table: 'schema_migrations', columns: ['version'], names: [['version']], order: ['version'] },
  { tool: 'Django', table: 'django_migrations', columns: ['app', 'name'],
    names: [['app', 'name'], ['name']], order: ['id'] },
  { tool: 'Alembic', table: 'alembic_version', columns: ['version_num'],
    names: [['version_num']], order: ['version_num'] },
  { tool: 'Prisma', table: '_prisma_migrations', columns: ['migration_name', 'finished_at', 'rolled_back_at'],
    names: [['migration_name']], order: ['started_at'],
    applied: c => `${c('finished_at')} IS NOT NULL AND ${c('rolled_back_at')} IS NULL`,
    broken: { when: c => `${c('finished_at')} IS NULL AND ${c('rolled_back_at')} IS NULL`, word: 'unfinished' } },
  { tool: 'Knex', table: 'knex_migrations', columns: ['name', 'batch'], names: [['name']], order: ['id'] },
  { tool: 'TypeORM', table: 'migrations', columns: ['timestamp', 'name'],
    names: [['name'], ['timestamp']], order: ['timestamp'] },
  { tool: 'Laravel', table: 'migrations', columns: ['migration', 'batch'], names: [['migration']], order: ['id'] },
  { tool: 'node-pg-migrate', table: 'pgmigrations', columns: ['name', 'run_on'], names: [['name']], order: ['id'] },
  { tool: 'Sequelize', table: 'sequelizemeta', columns: ['name'], names: [['name']], order: ['name'] },
  { tool: 'Drizzle', table: '__drizzle_migrations', columns: ['hash', 'created_at'],
    names: [['hash'], ['name']], order: ['created_at'], counted: true },
  { tool: 'goose', table: 'goose_db_version', columns: ['version_id', 'is_applied'],
    names: [['version_id']], order: ['version_id'], applied: c => c('is_applied') },
  { tool: 'Kysely', table: 'kysely_migration', columns: ['name', 'timestamp'], names: [['name']], order: ['name'] },
  { tool: 'Entity Framework', table: '__efmigrationshistory', columns: ['migrationid'],
    names: [['migrationid']], order: ['migrationid'] },
]

export const unique = (names: readonly string[]): string[] => [...new Set(names)]

/** The names to look for in a catalog, in small letters. */
export const TABLES = unique(TOOLS.flatMap(({ table, beside }) => (beside ? [table, beside] : [table])))
export const COLUMNS = unique([
  ...TOOLS.flatMap(({ columns, names, order }) => [...columns, ...names.flat(), ...order]),
  // Of ar_internal_metadata.
  'key',
])

/** A tool's table that was found. */
export interface Ledger extends Tool {
  /** As it is written in a statement. */
  readonly from: string
  readonly column: (name: string) => string | undefined
}

/** The tables that rows of schema, table and column show, in their order. */
export function ledgersIn(rows: readonly Row[], { quote }: Dialect): Ledger[] {
  const tables = new Map<string, { schema: string; table: string; columns: Map<string, string> }>()
  for (const [schema, table, column] of rows) {
    if (!schema || !table || !column) continue
    const key = JSON.stringify([schema, table])
    const found = tables.get(key) ?? { schema, table, columns: new Map() }
    found.columns.set(column.toLowerCase(), column)
    tables.set(key, found)
  }
  return [...tables.values()].flatMap(({ schema, table, columns }) => {
    const stands = (name: string) =>
      [...tables.values()].some(other => other.schema === schema && other.table.toLowerCase() === name)
    const tool = TOOLS.find(
      it =>
        it.table === table.toLowerCase() &&
        it.columns.every(name => columns.has(name)) &&
        (!it.beside || stands(it.beside)),
    )
    if (!tool) return []
    const column = (name: string) => {
      const exact = columns.get(name)
      return exact === undefined ? undefined : quote(exact)
    }
    return [{ ...tool, from: `${quote(schema)}.${quote(table)}${tool.final ? ' FINAL' : ''}`, column }]
  })
}
