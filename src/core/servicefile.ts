import { KEYWORDS } from './keywords.js'
import { strip } from './strip.js'

/** One setting of a service, with the line where it stands, counted from 1. */
export interface Setting {
  readonly value: string
  readonly line: number
}

/** The settings of a service by libpq's keywords, or what is wrong with them. */
export type ServiceSettings =
  | { readonly settings: ReadonlyMap<string, Setting> }
  | { readonly line: number; readonly problem: string }

/**
 * The section `[service]` of a connection service file; undefined where it has none. Of a keyword that stands there
 * twice the first counts. Source: PostgreSQL manual, section 34.17, and libpq's fe-connect.c, parseServiceFile.
 */
export function serviceIn(text: string, service: string): ServiceSettings | undefined {
  const settings = new Map<string, Setting>()
  let inside = false
  for (const [i, given] of text.split('\n').entries()) {
    const line = strip(given, ' \t\v\f\r')
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('[')) {
      if (inside) break
      inside = line.startsWith(`[${service}]`)
    } else if (inside) {
      const problem = problemOf(line)
      if (problem) return { line: i + 1, problem }
      const sign = line.indexOf('=')
      const key = line.slice(0, sign)
      if (!settings.has(key)) settings.set(key, { value: line.slice(sign + 1), line: i + 1 })
    }
  }
  return inside ? { settings } : undefined
}

/** Never with the line's text: what was not understood may be a password. */
function problemOf(line: string): string | undefined {
  if (line.startsWith('ldap')) return 'services are not looked up by LDAP; write the settings themselves'
  const [key = '', ...value] = line.split('=')
  if (value.length === 0) return 'a setting is written keyword=value'
  if (key === 'service') return 'a service cannot name another one'
  if (/\s$/.test(key)) return 'no space may stand before the ='
  if (!KEYWORDS.includes(key)) return 'it does not begin with a connection parameter of libpq'
  return undefined
}
