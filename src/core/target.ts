import { type Address, isDsn, parseDsn, parseUrl } from './address.js'
import type { Concern } from './concern.js'
import { nearest, usage } from './errors.js'
import { decodePath, type Host, hostsOf } from './hosts.js'
import { isKeyword, KEYWORDS, unknownKeyword } from './keywords.js'
import { redactAddress, Secret } from './redact.js'
import { type TlsMode, type TlsSettings, tlsOf } from './tls.js'
import { fromMongodb } from './words.js'

/** One service's address, credentials and expectations, under a name. Prints without secrets. */
export interface Target {
  readonly name: string
  readonly service: string
  /** As it may be printed. */
  readonly address: string
  readonly hosts: readonly Host[]
  /** The service whose SRV records take the place of the one host. */
  readonly srv?: string
  readonly user?: string
  /** For HTTP `user:password`, since a user alone is a token there. */
  readonly password?: Secret
  readonly database?: string
  readonly tls: TlsSettings
  /** Other parameters. Values of unknown ones are secrets. */
  readonly params: ReadonlyMap<string, Secret>
  /** The path and query of an HTTP address, the command line of an `exec:`. */
  readonly location?: Secret
  /** The address as it was given. */
  readonly given: Secret
  /** Where the address came from: `argument`, `env:DATABASE_URL`, a file. */
  readonly source: string
  /** Where libpq's files gave something, by libpq's keyword: `password file ~/.pgpass line 3`. */
  readonly origins?: ReadonlyMap<string, string>
  /** What is wrong with where it came from. */
  readonly concerns?: readonly Concern[]
}

/** What a scheme stands for. */
export interface Scheme {
  readonly service: string
  readonly port?: number
  /** The TLS mode where the address names none; `disable` by default. */
  readonly tls?: TlsMode
}

export interface ParseOptions {
  readonly schemes: ReadonlyMap<string, Scheme>
  readonly name?: string
  readonly source?: string
  /** libpq keywords that hold where the address is silent, as libpq takes them from `PG*`. */
  readonly defaults?: ReadonlyMap<string, string>
}

const NAMED = /^([A-Za-z][\w.-]*)=((?:[a-z][a-z0-9+.-]*:\/\/|env:|exec:)[\s\S]*)$/i

/** Splits `NAME=URL`. */
export function splitName(text: string): { name?: string; address: string } {
  const match = /^[\w.-]+=/.test(text) ? NAMED.exec(text) : undefined
  return match?.[1] && match[2] ? { name: match[1], address: match[2] } : { address: text }
}

/**
 * Parses one address: a URL of any known scheme, `exec:COMMAND`, or a libpq connection string.
 * @throws HoldfastError (usage) with one message that names what is wrong and shows no secret.
 */
export function parseTarget(text: string, options: ParseOptions): Target {
  if (/^exec:/i.test(text)) return execTarget(text, options)
  if (isDsn(text)) return build(fromDsn(text), schemeOf('postgres', text, options), text, options)
  if (!text.includes('://')) {
    // The value of a variable that is no address may be a secret as a whole.
    const what = options.source?.startsWith('env:') ? options.source : redactAddress(text)
    throw usage(
      `${what}: not a target. Write a URL like postgres://app@db:5432/app, env:VARIABLE or exec:COMMAND`,
    )
  }
  const url = parseUrl(text)
  const scheme = schemeOf(url.scheme, text, options)
  return build(scheme.service === 'mongodb' ? mongodbAddress(url, text) : url, scheme, text, options)
}

function mongodbAddress(url: Address, text: string): Address {
  const bad = (what: string) => usage(`${redactAddress(text)}: ${what}`)
  const srv = url.scheme.endsWith('+srv')
  if (srv && (url.hosts.length !== 1 || url.hosts[0]?.port !== undefined))
    throw bad('by SRV records it has one host and no port')
  return { ...url, query: fromMongodb(url.query, srv, bad) }
}

function schemeOf(scheme: string, text: string, { schemes }: ParseOptions): Scheme {
  // Other ecosystems append a driver: postgresql+asyncpg. What asks for TLS is no driver's name.
  const [base = '', driver = ''] = scheme.split('+')
  const wantsTls = /tls|ssl|secure|https|wss?$/.test(driver)
  const found = schemes.get(scheme) ?? (wantsTls ? undefined : schemes.get(base))
  if (found) return found
  if (wantsTls && schemes.has(base)) {
    const secure = [`${base}s`, `${base}+tls`, `${base}+ssl`].find(one => schemes.has(one))
    throw usage(
      `${redactAddress(text)}: scheme "${scheme}" is not known. For TLS write ${secure ? `${secure}://` : `${base}://…?sslmode=verify-full`}`,
    )
  }
  const known = [...schemes.keys()]
  const near = nearest(scheme, known)
  throw usage(
    `${redactAddress(text)}: scheme "${scheme}" is not known. ${near ? `Did you mean ${near}://? ` : ''}Known: ${known.join(', ')}`,
  )
}

function execTarget(text: string, options: ParseOptions): Target {
  const command = text.slice('exec:'.length).trim()
  if (!command) throw usage('exec: needs a command, like exec:"test -f /tmp/ready"')
  return {
    name: options.name ?? 'exec',
    service: 'exec',
    address: redactAddress(text),
    hosts: [],
    tls: { mode: 'disable', sni: false, direct: false },
    params: new Map(),
    location: new Secret(command),
    given: new Secret(text),
    source: options.source ?? 'argument',
  }
}

function fromDsn(text: string): Address {
  const query = parseDsn(text)
  const bad = (what: string) => usage(`${redactAddress(text)}: ${what}`)
  for (const key of query.keys()) if (!isKeyword(key)) throw bad(unknownKeyword(key))
  return { scheme: 'postgres', hosts: [], path: '', query, rawQuery: '', fragment: new Map() }
}

const TAKEN = new Set(
  'host hostaddr port user password dbname db sslmode ssl ssl-mode ssl-ca sslrootcert sslcert sslkey sslpassword sslsni sslnegotiation'.split(
    ' ',
  ),
)

function build(url: Address, scheme: Scheme, text: string, options: ParseOptions): Target {
  const bad = (what: string) => usage(`${redactAddress(text)}: ${what}`)
  const fallback = scheme.service === 'postgres' ? options.defaults : undefined
  const get = (key: string) => url.query.get(key) ?? fallback?.get(key)
  const web = scheme.service === 'http'
  // A driver's own parameters pass; one letter beside a keyword of libpq's is a slip that would weaken TLS unseen.
  const slip = web
    ? undefined
    : [...url.query.keys()].find(key => !isKeyword(key) && nearest(key, KEYWORDS, 1))
  if (slip) throw bad(unknownKeyword(slip))
  if (!web && /\?\w+=/.test(url.rawQuery)) throw bad('a second ? is in its query; write &')
  const user = web ? undefined : (url.query.get('user') ?? url.user ?? fallback?.get('user'))
  const password = web
    ? credentials(url)
    : (url.query.get('password') ?? (url.password || fallback?.get('password')))
  const inPath = url.scheme.endsWith('unix') ? '' : decodePath(url.path.slice(1), bad)
  const database = web
    ? undefined
    : (url.query.get('dbname') ?? url.query.get('db') ?? (inPath || fallback?.get('dbname')))
  if (database?.includes('://')) throw bad('its database is an address itself; give that one instead')
  const hosts = hostsOf(url, scheme, get, bad)
  const params = new Map(
    [...(fallback ?? []), ...(web ? [] : url.query), ...url.fragment]
      .filter(([key]) => !TAKEN.has(key))
      .map(([key, value]) => [key, new Secret(value)] as const),
  )
  return {
    name: options.name ?? scheme.service,
    service: scheme.service,
    address: shown(redactAddress(text), hosts, url, fallback ? [user, database] : []),
    hosts,
    ...(url.scheme === 'mongodb+srv' ? { srv: url.query.get('srvServiceName') ?? 'mongodb' } : {}),
    ...(user ? { user } : {}),
    ...(password === undefined ? {} : { password: new Secret(password) }),
    ...(database ? { database } : {}),
    // A web address' query belongs to the server.
    tls: tlsOf(scheme, web ? key => url.fragment.get(key) : get, bad),
    params,
    ...(web
      ? { location: new Secret(encoded((url.path || '/') + (url.rawQuery ? `?${url.rawQuery}` : ''))) }
      : {}),
    given: new Secret(text),
    source: options.source ?? 'argument',
  }
}

/** A request line takes no spaces and nothing beyond ASCII. */
const encoded = (path: string): string => path.replace(/[^\x21-\x7e]+/g, encodeURIComponent)

/** What HTTP's Basic authentication sends. */
function credentials({ user, password }: Address): string | undefined {
  return user || password ? `${user ?? ''}:${password ?? ''}` : undefined
}

/** Adds the host that the address left open, and user and database with it, so that the reader sees where it went. */
function shown(
  redacted: string,
  hosts: readonly Host[],
  url: Address,
  names: readonly (string | undefined)[],
): string {
  const silent = url.hosts.length === 0 && !url.query.has('host') && !url.scheme.endsWith('unix')
  if (!silent || !redacted.includes('://')) return redacted
  const list = hosts.map(host => ('path' in host ? host.path : `${host.host}:${host.port}`)).join(',')
  // What is no plain name may hold a password.
  const [user, base] = names.map(name => /^[\w.-]+$/.exec(name ?? ''))
  const end = base && !`${list}${url.path}`.includes('/') ? `/${base}` : ''
  return redacted.replace(/:\/\/([^/@]*@)?/, (_, own = user ? `${user}@` : '') => `://${own}${list}${end}`)
}

/** Gives every target a name of its own: `postgres`, `postgres-2`. A name that was given twice is an error. */
export function nameApart(targets: readonly { target: Target; named: boolean }[]): Target[] {
  const taken = new Set<string>()
  for (const { target, named } of targets) {
    if (named && taken.has(target.name))
      throw usage(`the name "${target.name}" is given twice; give each target its own`)
    if (named) taken.add(target.name)
  }
  return targets.map(({ target, named }) => {
    if (named) return target
    let name = target.name
    for (let n = 2; taken.has(name); n++) name = `${target.name}-${n}`
    taken.add(name)
    return { ...target, name }
  })
}
