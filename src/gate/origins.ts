import { isDsn, parseDsn, parseUrl } from '../core/address.js'
import type { Target } from '../core/target.js'
import { DB_VARIABLES, type Env, PG_VARIABLES } from './variables.js'

export const PARTS = ['host', 'port', 'user', 'password', 'database', 'tls'] as const
export type Part = (typeof PARTS)[number]

/** What libpq calls each part. */
export const KEYWORDS_OF: Readonly<Record<Part, readonly string[]>> = {
  host: ['host', 'hostaddr'],
  port: ['port'],
  user: ['user'],
  password: ['password'],
  database: ['dbname', 'db'],
  tls: ['sslmode', 'ssl', 'tls'],
}

/**
 * Where each part of a target came from, in the order in which they count: `env:DATABASE_URL`, a service file with its
 * line, `env:PGUSER`, a password file with its line, a default. Labels only, never a value.
 */
export function originsOf(target: Target, env: Env): ReadonlyMap<Part, string> {
  const inAddress = partsOf(target)
  return new Map(
    PARTS.map(part => [
      part,
      (inAddress.has(part) ? addressOf(target, part, env) : undefined) ??
        fromFile(target, part) ??
        fromLibpq(target, part, env) ??
        usual(target, part),
    ]),
  )
}

/** The parts that the address itself names. */
function partsOf({ given, service, srv }: Target): ReadonlySet<Part> {
  const text = given.reveal()
  if (service === 'exec') return new Set()
  const url = isDsn(text) ? undefined : parseUrl(text)
  const query = url ? url.query : parseDsn(text)
  const web = service === 'http'
  const named = (part: Part) =>
    !web && KEYWORDS_OF[part].some(key => (part === 'password' ? query.get(key) : query.has(key)))
  const own: Readonly<Record<Part, unknown>> = {
    host: url?.hosts.some(({ host }) => host !== '') || url?.scheme.endsWith('unix'),
    port: srv || url?.hosts.some(({ port }) => port !== undefined),
    user: url?.user,
    password: url?.password,
    database: !web && !url?.scheme.endsWith('unix') && (url?.path.length ?? 0) > 1,
    tls: undefined,
  }
  return new Set(PARTS.filter(part => own[part] || named(part)))
}

function addressOf({ source }: Target, part: Part, env: Env): string {
  if (source !== 'env:DB_HOST') return source
  const variables = Object.entries(DB_VARIABLES).filter(([, keyword]) => KEYWORDS_OF[part].includes(keyword))
  // The one that counts where two have the same keyword is the later one.
  return `env:${variables.findLast(([variable]) => env[variable])?.[0] ?? 'DB_HOST'}`
}

function fromFile({ origins }: Target, part: Part): string | undefined {
  const key = KEYWORDS_OF[part].find(keyword => origins?.has(keyword))
  return key && origins?.get(key)
}

/** libpq's variables count for every address that is read with them. */
function fromLibpq({ service, source }: Target, part: Part, env: Env): string | undefined {
  if (service !== 'postgres' || source === 'env:DB_HOST') return undefined
  const found = Object.entries(PG_VARIABLES).find(
    ([variable, keyword]) => KEYWORDS_OF[part].includes(keyword) && env[variable],
  )
  return found && `env:${found[0]}`
}

function usual({ service, user }: Target, part: Part): string {
  if (part === 'user' && user && service === 'postgres') return "the system's user"
  if (part === 'database' && service === 'postgres') return "as the user's name"
  return part === 'password' ? 'nowhere' : `the default of ${service}`
}
