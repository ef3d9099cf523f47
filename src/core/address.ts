import { usage } from './errors.js'
import { endOfUser, redactAddress } from './redact.js'

/** What an address says, before any service gives it a meaning. */
export interface Address {
  readonly scheme: string
  readonly user?: string
  readonly password?: string
  readonly hosts: readonly { readonly host: string; readonly port?: number }[]
  /** Path, query and fragment as they stand. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
  readonly rawQuery: string
  readonly fragment: ReadonlyMap<string, string>
}

/** Schemes whose path is not ours to judge. */
const MAY_HOLD_AT = /^https?$|unix$/i

/** Parses `scheme://user:password@host:port,host/path?query#fragment`, with IPv6 literals in brackets. */
export function parseUrl(text: string): Address {
  const bad = (what: string) => usage(`${redactAddress(text)}: ${what}`)
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text)
  if (!match) throw bad('not an address. Write scheme://host:port, like postgres://app@db:5432/app')
  const [whole, scheme = '', authority = '', path = '', rawQuery = '', fragment = ''] = match
  const end = endOfUser(whole.slice(scheme.length + '://'.length))
  if (end >= authority.length && !MAY_HOLD_AT.test(scheme)) {
    throw bad(
      'an @ comes after the first / ? or #. In a user or password write / as %2F, ? as %3F and # as %23; elsewhere write @ as %40',
    )
  }
  const at = authority.lastIndexOf('@')
  const decode = (part: string, what: string) => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw bad(`a % in its ${what} is not followed by two hexadecimal digits; write a plain % as %25`)
    }
  }
  const pairs = (part: string, what: string) =>
    new Map(
      part
        .split('&')
        .filter(Boolean)
        .map(pair => {
          const sign = pair.indexOf('=')
          const [key, value] = sign < 0 ? [pair, ''] : [pair.slice(0, sign), pair.slice(sign + 1)]
          return [decode(key, what), decode(value, what)] as const
        }),
    )
  const userinfo = at < 0 ? undefined : authority.slice(0, at)
  const colon = userinfo?.indexOf(':') ?? -1
  const user = colon < 0 ? userinfo : userinfo?.slice(0, colon)
  const password = colon < 0 ? undefined : userinfo?.slice(colon + 1)
  const hosts = splitHosts(authority.slice(at + 1), bad).map(({ host, port }) => ({
    host: decode(host, 'host'),
    ...(port === undefined ? {} : { port }),
  }))
  return {
    scheme: scheme.toLowerCase(),
    ...(user ? { user: decode(user, 'user') } : {}),
    ...(password === undefined ? {} : { password: decode(password, 'password') }),
    hosts,
    path,
    query: pairs(rawQuery, 'query'),
    rawQuery,
    fragment: pairs(fragment, 'fragment'),
  }
}

function splitHosts(list: string, bad: (what: string) => Error): { host: string; port?: number }[] {
  if (list === '') return []
  return list.split(',').map(entry => {
    const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(entry)
    // Not repeated here: where the host is missing, it is a password.
    if (!match) throw bad('its host cannot be read. Put an IPv6 address in brackets, like [::1]:5432')
    const [, v6, name = '', port] = match
    if (v6 !== undefined && !/^(?=.*:)[0-9a-f:.]+(%[\w.~%-]+)?$/i.test(v6))
      throw bad('what is in brackets is not an IPv6 address')
    if (port && !/^\d+$/.test(port)) throw bad('what follows its host is not a port')
    return { host: v6 ?? name, ...(port ? { port: parsePort(port, bad) } : {}) }
  })
}

export function parsePort(text: string, bad: (what: string) => Error): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw bad(`port "${text}" is not a number from 1 to 65535`)
  return port
}

/** A libpq connection string, `host=db dbname='my app'`. Source: PostgreSQL manual, section 34.1.1.1. */
export function parseDsn(text: string): Map<string, string> {
  const pairs = new Map<string, string>()
  const pattern =
    /\s*([A-Za-z_]\w*)\s*=\s*(?:'((?:\\[\s\S]|[^'\\])*)'|((?!')(?:\\[\s\S]|[^\s\\])*))(?=\s|$)\s*/y
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (!match) {
      throw usage(
        `${redactAddress(text)}: not a connection string. Write key=value pairs, with values in '…' where they hold spaces`,
      )
    }
    const [, key = '', quoted, bare] = match
    pairs.set(key.toLowerCase(), (quoted ?? bare ?? '').replace(/\\([\s\S])/g, '$1'))
  }
  return pairs
}

/** True for `host=db dbname=app`, which no other form of a target looks like. */
export const isDsn = (text: string): boolean =>
  /^\s*[A-Za-z_]\w*\s*=/.test(text) && !/^[^\s='"]+=(\w[\w+.-]*:\/\/|env:|exec:)/i.test(text)
