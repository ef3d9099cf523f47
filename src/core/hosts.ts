import { type Address, parsePort } from './address.js'
import type { Secret } from './redact.js'

/** Where a target may be reached. */
export type Host = (
  | /** `address`, libpq's hostaddr, is where to go; TLS verifies the name all the same. */
  { readonly host: string; readonly port: number; readonly address?: string }
  | { readonly path: string }
) & {
  /** Where libpq's password file has another one for each host. */
  readonly password?: Secret
}

/** Names of this machine for itself. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|::1)$/i

/** The same for two addresses that lead to the same place by different names of the loopback. */
export const placeOf = (host: Host): string =>
  'path' in host ? host.path : `${LOOPBACK.test(host.host) ? 'localhost' : host.host}:${host.port}`

/** A path without its percent signs. */
export function decodePath(path: string, bad: (what: string) => Error): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw bad('a % in its path is not followed by two hexadecimal digits; write a plain % as %25')
  }
}

/** The hosts of an address; `get` knows its parameters and what holds where it is silent. */
export function hostsOf(
  url: Address,
  scheme: { readonly service: string; readonly port?: number },
  get: (key: string) => string | undefined,
  bad: (what: string) => Error,
): Host[] {
  const web = scheme.service === 'http'
  if (url.scheme.endsWith('unix')) {
    if (url.path === '') throw bad('it needs the path of a socket, like redis+unix:///run/redis.sock')
    return [{ path: decodePath(url.path, bad) }]
  }
  const listed = web ? undefined : url.query.get('host')
  const names = listed !== undefined ? listed.split(',').map(host => ({ host })) : url.hosts
  const ports = (web ? undefined : get('port'))?.split(',')
  const given: readonly { host: string; port?: number }[] =
    names.length > 0 ? names : (get('host') ?? '').split(',').map(host => ({ host }))
  if (ports && ports.length > 1 && ports.length !== given.length) {
    throw bad(`it has ${given.length} hosts and ${ports.length} ports; give one port, or one for each host`)
  }
  const addresses = web ? undefined : get('hostaddr')?.split(',')
  return given.map(({ host, port }, i) => {
    const text = ports?.[ports.length === 1 ? 0 : i]
    const named = text ? parsePort(text, bad) : undefined
    // As in libpq, what the query says comes first, what PGPORT says last.
    const chosen = (url.query.has('port') ? named : undefined) ?? port ?? named ?? scheme.port
    if (chosen === undefined) throw bad('it needs a port, like tcp://host:8080')
    if (/[\s@;]|:\/\//.test(host)) throw bad('its host holds a character that no host has')
    // libpq: a host that begins with a slash is the directory of the socket.
    if (host.startsWith('/'))
      return { path: scheme.service === 'postgres' ? `${host.replace(/\/$/, '')}/.s.PGSQL.${chosen}` : host }
    const address = addresses?.[i]
    return {
      host: host.replace(/^\[(.*)\]$/, '$1') || address || 'localhost',
      port: chosen,
      ...(address ? { address } : {}),
    }
  })
}
