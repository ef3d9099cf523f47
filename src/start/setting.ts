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

/** What goes before a parameter, decided when the line is pasted: another one may have been pasted before it. */
const joint = (variable: string): string => `$(case "$${variable}" in (*\\?*) echo '&';; (*) echo '?';; esac)`

/** Parameters whose value is a list, to which another element is added behind the separator. */
const LISTS: Readonly<Record<string, string>> = { options: ' ' }

/**
 * A line for the shell that adds a parameter to the address where it is set, or undefined where no line can. Several such
 * lines can be pasted in any order.
 */
export function adding(
  { sources: [source], target }: CheckedTarget,
  parameter: string,
  value: string,
): string | undefined {
  if (!source) return undefined
  const list = LISTS[parameter]
  if (source.kind !== 'url') {
    const variable = VARIABLE[source.kind][parameter]
    if (list !== undefined && target.params.has(parameter))
      return variable && `export ${variable}="$${variable}${list}${value}"`
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
  if (new RegExp(`[?&]${parameter}=`).test(given)) {
    const [pattern, by] =
      list === undefined
        ? [`\\([?&]${parameter}=\\)[^&]*`, `\\1${encoded}`]
        : [`\\([?&]${parameter}=[^&]*\\)`, `\\1${encodeURIComponent(list)}${encoded}`]
    return `export ${variable}="$(printf %s "$${variable}" | sed 's/${pattern}/${by}/')"`
  }
  return `export ${variable}="$${variable}${given.includes('?') ? '&' : joint(variable)}${parameter}=${encoded}"`
}
