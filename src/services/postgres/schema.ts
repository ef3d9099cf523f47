import { sqlLiteral } from '../../core/quoting.js'
import type { Expectation } from '../../core/service.js'
import { type Asking, carefully } from './careful.js'

/** What of the expectation is not there, as far as the role may see. */
export async function missingFrom(expected: Expectation, session: Asking): Promise<string | undefined> {
  const ask = carefully(session)
  const checks = [
    ...(expected.tables ?? []).map(name => [`table ${name}`, `${regclass(name)} IS NOT NULL`]),
    ...(expected.columns ?? []).map(name => [`column ${name}`, hasColumn(name)]),
    ...(expected.extensions ?? []).map(name => [
      `extension ${name}`,
      `EXISTS (SELECT FROM pg_extension WHERE extname = ${sqlLiteral(name)})`,
    ]),
  ] as const
  const [row] = checks.length > 0 ? await ask(`SELECT ${checks.map(([, sql]) => sql).join(', ')}`) : []
  const missing: string[] = checks.filter((_, i) => row?.[i] !== 't').map(([what = '']) => what)
  if (expected.migration !== undefined) {
    const { lacking } = await import('./ledgers.js')
    missing.push(...(await lacking(expected.migration, ask)))
  }
  return missing.length > 0 ? missing.join(', ') : undefined
}

function hasColumn(name: string): string {
  const dot = name.lastIndexOf('.')
  return `EXISTS (SELECT FROM pg_attribute WHERE attrelid = ${regclass(name.slice(0, dot))}
    AND attname = ${sqlLiteral(name.slice(dot + 1))} AND attnum > 0 AND NOT attisdropped)`
}

/** A relation by its name as SQL reads it, else exactly as it is written: "UserAccount" keeps its capitals. */
function regclass(name: string): string {
  const exact = name
    .split('.')
    .map(part => `"${part.replaceAll('"', '""')}"`)
    .join('.')
  return `coalesce(to_regclass(${sqlLiteral(name)}), to_regclass(${sqlLiteral(exact)}))`
}
