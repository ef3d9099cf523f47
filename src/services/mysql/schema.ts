import { mysqlLiteral } from '../../core/quoting.js'
import { type Expectation, ProbeError, type Row } from '../../core/service.js'

/** What of the expectation is not there, as far as the account may see. */
export async function missingFrom(
  { tables = [], columns = [], extensions = [] }: Expectation,
  ask: (text: string) => Promise<readonly Row[]>,
): Promise<string | undefined> {
  if (extensions.length > 0) {
    throw new ProbeError({
      reason: 'client-misuse',
      message: `MySQL has no extensions, and ${extensions.join(', ')} ${extensions.length > 1 ? 'are' : 'is'} expected`,
      advice:
        'Leave extensions out for this target; ask for a plugin with --query over information_schema.plugins.',
    })
  }
  const checks = [
    ...tables.map(name => [`table ${name}`, exists('tables', name.split('.'), [])] as const),
    ...columns.map(name => {
      const parts = name.split('.')
      return [`column ${name}`, exists('columns', parts.slice(0, -1), parts.slice(-1))] as const
    }),
  ]
  if (checks.length === 0) return undefined
  const [row] = await ask(`SELECT DATABASE(), ${checks.map(([, sql]) => sql).join(', ')}`)
  const [database, ...found] = row ?? []
  const missing = checks.filter((_, i) => found[i] !== '1').map(([what]) => what)
  if (missing.length === 0) return undefined
  const unnamed = database === null ? ' (the address names no database)' : ''
  return missing.join(', ') + unnamed
}

/** Names are compared as the server does it: by lower_case_table_names. */
function exists(what: 'tables' | 'columns', table: readonly string[], column: readonly string[]): string {
  const schema = table.length > 1 ? mysqlLiteral(table.slice(0, -1).join('.')) : 'DATABASE()'
  const named = column.map(name => ` AND column_name = ${mysqlLiteral(name)}`).join('')
  return `EXISTS (SELECT 1 FROM information_schema.${what} WHERE table_schema = ${schema} AND table_name = ${mysqlLiteral(table.at(-1) ?? '')}${named})`
}

/** Safe with and without NO_BACKSLASH_ESCAPES. */
