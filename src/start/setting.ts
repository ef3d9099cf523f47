import type { CheckedTarget } from './subject.js'

/** The variables of a family that stand for a parameter of libpq's. */
const VARIABLE: Readonly<Record<'pg' | 'db', Readonly<Record<string, string>>>> = {
  pg: {
    sslmode: 'PGSSLMODE',
    sslrootcert: 'PGSSLROOTCERT',
    connect_timeout: 'PGCONNECT_TIMEOUT',
    options: 'PGOPTIONS',
  },
  db: { sslmode: 'DB_SSL_MODE' },
}

/** A line for the shell that adds a parameter to the address where it is set, or undefined where no line can. */
export function adding(
  { sources: [source], target }: CheckedTarget,
  parameter: string,
  value: string,
): string | undefined {
  if (!source) return undefined
  if (source.kind !== 'url') {
    const variable = VARIABLE[source.kind][parameter]
    return variable && `export ${variable}='${value}'`
  }
  const { variable } = source
  const given = target.given.reveal()
  if (!given.includes('://'))
    return given.includes(`${parameter}=`)
      ? undefined
      : `export ${variable}="$${variable} ${parameter}='${value}'"`
  // What follows a # is no query.
  if (given.includes('#')) return undefined
  const encoded = encodeURIComponent(value)
  if (new RegExp(`[?&]${parameter}=`).test(given))
    return `export ${variable}="$(printf %s "$${variable}" | sed 's/\\([?&]${parameter}=\\)[^&]*/\\1${encoded}/')"`
  return `export ${variable}="$${variable}${given.includes('?') ? '&' : '?'}${parameter}=${encoded}"`
}
