import { isDsn } from '../../core/address.js'
import { placeOf } from '../../core/hosts.js'
import { parseTarget, type Target } from '../../core/target.js'
import { engine, urlOf } from '../../gate/discover.js'
import { DB_VARIABLES, type Env, keywords, PG_VARIABLES } from '../../gate/variables.js'
import { SCHEMES } from '../../services/registry.js'
import { SOCKET } from '../../standin/handover.js'
import { ownEnvironment } from '../environment.js'
import type { Address } from './address.js'

/** A server, and what in the environment led to it. */
export interface Origin {
  readonly url: string
  /** The variables that name it, as they are now. */
  readonly env?: Env | undefined
}

/** What of libpq's would lead elsewhere than the address. */
const ASTRAY = Object.keys(PG_VARIABLES).filter(name => !/^PG(SSL|APPNAME|OPTIONS)/.test(name))

const isPg = (name: string) => Object.hasOwn(PG_VARIABLES, name)
const isDb = (name: string) => Object.hasOwn(DB_VARIABLES, name) || name === SOCKET

/**
 * What must change in the environment so that everything in it that leads to the origin's database leads to the address:
 * variables that name the target, whatever they are called; others that hold an address of the same database, also through
 * another port, as for a pooler; libpq's; DB_*. With `all` no DB_* is left that leads elsewhere. Undefined: it is unset.
 */
export function changesFor(
  address: Address,
  origin: Origin,
  env: Env,
  all: boolean = false,
): Record<string, string | undefined> {
  const { env: named = {} } = origin
  const base = { ...env, ...named }
  const own = ownEnvironment()
  const before = Object.keys(named).flatMap(name => databaseOf(own[name]) ?? [])
  const origins = [...before, databaseOf(origin.url) ?? []].flat()
  const same = (text: string) => {
    const found = databaseOf(text)
    return found !== undefined && origins.some(one => isSame(one, found))
  }
  const changes: Record<string, string | undefined> = {}
  for (const name of ASTRAY) if (base[name] !== undefined) changes[name] = undefined
  for (const [name, value] of Object.entries(base)) {
    if (!value || isPg(name) || isDb(name)) continue
    if ((name in named && databaseOf(value)) || same(value)) changes[name] = inFormOf(value, address)
  }
  const names = Object.keys(base).filter(name => isDb(name) && base[name] !== undefined)
  const led = names.some(name => name in named)
  const byParts = names.length > 0 && engine(base) === 'postgres'
  if (led || (byParts && (all || same(urlOf('postgres', keywords(base, DB_VARIABLES)))))) {
    const parts = keywords(address.env, PG_VARIABLES)
    for (const [name, keyword] of Object.entries(DB_VARIABLES))
      if (keyword !== 'sslmode') changes[name] = parts.get(keyword)
    changes[SOCKET] = undefined
  }
  return { ...changes, ...address.env }
}

/** The environment with these changes. */
export const changed = (env: Env, changes: Env): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries({ ...env, ...changes }).filter(([, value]) => value !== undefined))

const JDBC = /^jdbc:(?=postgresql:)/i

function databaseOf(text = ''): Target | undefined {
  if (!text.includes('://') && !isDsn(text)) return undefined
  try {
    const target = parseTarget(text.replace(JDBC, ''), { schemes: SCHEMES })
    return target.service === 'postgres' ? target : undefined
  } catch {
    return undefined
  }
}

function isSame(one: Target, other: Target): boolean {
  const [hosts, others] = [one, other].map(({ hosts }) =>
    hosts.map(host => ('path' in host ? 'localhost' : placeOf(host).replace(/:\d+$/, ''))),
  )
  const name = ({ database, user }: Target) => database ?? user
  return name(one) === name(other) && hosts?.some(host => others?.includes(host)) === true
}

/** A dialect such as postgresql+asyncpg is what the program's library goes by; JDBC's has the login behind it. */
function inFormOf(value: string, { url, env }: Address): string {
  if (JDBC.test(value)) {
    const [place = '', query] = url.replace(/^[^:]*:\/\/[^@]*@/, '').split('?')
    const login = new URLSearchParams({ user: env.PGUSER ?? '', password: env.PGPASSWORD ?? '' })
    return `jdbc:postgresql://${place}?${login}${query ? `&${query}` : ''}`
  }
  const scheme = /^[a-z][a-z0-9+.-]*(?=:\/\/)/i.exec(value)?.[0] ?? 'postgres'
  return url.replace(/^[^:]*/, scheme)
}
