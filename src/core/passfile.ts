import { stripEnd } from './strip.js'

/** What a password is looked up for. The names of the host are alternatives: libpq takes `localhost` for its own socket. */
export interface Login {
  readonly hosts: readonly string[]
  readonly port: number
  readonly database: string
  readonly user: string
}

export interface FoundPassword {
  readonly password: string
  /** Counted from 1. */
  readonly line: number
}

/**
 * The password of the first line `host:port:database:user:password` that fits; a field `*` fits all. Source: PostgreSQL
 * manual, section 34.16, and libpq's fe-connect.c, passwordFromFile.
 */
export function passwordIn(text: string, login: Login): FoundPassword | undefined {
  for (const [i, ended] of text.split('\n').entries()) {
    const line = stripEnd(ended, '\r')
    if (line.startsWith('#')) continue
    for (const host of login.hosts) {
      const rest = [host, String(login.port), login.database, login.user].reduce(after, line)
      if (rest !== undefined) return { password: unescaped(rest), line: i + 1 }
    }
  }
  return undefined
}

/**
 * What follows a field that is `*` or this value. The value decides where the field ends, so that the colons of an IPv6
 * address may stand without a backslash, as in libpq.
 */
function after(line: string | undefined, value: string): string | undefined {
  if (line === undefined) return undefined
  if (line.startsWith('*:')) return line.slice(2)
  let at = 0
  for (const char of value) {
    if (line[at] === '\\') at++
    if (!line.startsWith(char, at)) return undefined
    at += char.length
  }
  return line[at] === ':' ? line.slice(at + 1) : undefined
}

/** A password ends at a bare colon; a backslash at the very end is one. */
const unescaped = (rest: string): string =>
  (/^(?:\\[\s\S]|[^:\\]|\\$)*/.exec(rest)?.[0] ?? '').replace(/\\([\s\S])/g, '$1')
