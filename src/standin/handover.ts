import { urlOf } from '../gate/discover.js'
import { DB_VARIABLES, PG_VARIABLES, type Source } from '../gate/variables.js'

export type Env = Readonly<Record<string, string | undefined>>

/** What COMMAND gets for one target. */
export interface Handover {
  /** The target's name, for HOLDFAST_TARGET_NAME. */
  readonly name: string
  readonly decision: 'real' | 'stand-in' | 'skip'
  readonly reason?: string
  /** The rung of a stand-in: `system-postgres`. */
  readonly with?: string
  /** Every place in the environment that names it. */
  readonly sources: readonly Source[]
  /** The variable that takes the address where no source does. */
  readonly fallback?: string | undefined
  /** Where the stand-in is, in libpq's keywords; with the password. */
  readonly address?: ReadonlyMap<string, string>
  /** The real one's address as it was given, where no variable holds it; or that of a stand-in that is a file. */
  readonly url?: string
  /** The scheme where no variable says another, like `postgres`. */
  readonly scheme: string
}

/** The variable that tells COMMAND what became of a target; `_REASON` behind it is the one that tells why. */
export const targetVariable = (name: string): string =>
  `HOLDFAST_TARGET_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`

/** The environment with every variable that names a target pointing at what was chosen, or gone on skip. */
export function handOver(env: Env, handovers: readonly Handover[]): Record<string, string> {
  const result = new Map(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  for (const one of handovers) {
    const key = targetVariable(one.name)
    result.set(key, one.decision)
    for (const [suffix, value] of [
      ['REASON', one.reason],
      ['WITH', one.with],
    ] as const) {
      if (value) result.set(`${key}_${suffix}`, value)
      else result.delete(`${key}_${suffix}`)
    }
    if (one.decision === 'stand-in' && one.scheme === 'postgres') forgetTls(result)
    const sources =
      one.sources.length > 0 || !one.fallback
        ? one.sources
        : [{ kind: 'url', variable: one.fallback } as const]
    if (one.decision === 'skip') for (const source of sources) clear(result, source)
    else if (one.url && one.decision === 'stand-in') pointAtFile(result, sources, one.url, one.fallback)
    else if (one.url && one.fallback) result.set(one.fallback, one.url)
    else if (one.address) for (const source of sources) point(result, source, one.address, one.scheme)
  }
  return Object.fromEntries(result)
}

/** libpq takes these for every address that is silent: what they ask belongs to the server that was replaced. */
function forgetTls(env: Map<string, string>): void {
  for (const [variable, keyword] of Object.entries(PG_VARIABLES)) {
    if (OF_THE_OLD_SERVER.has(keyword) && keyword !== 'options' && keyword !== 'hostaddr')
      env.delete(variable)
  }
}

function clear(env: Map<string, string>, source: Source): void {
  if (source.kind === 'url') env.delete(source.variable)
  else
    for (const variable of source.kind === 'pg'
      ? Object.keys(PG_VARIABLES)
      : [...Object.keys(DB_VARIABLES), SOCKET])
      env.delete(variable)
}

/** Variables that hold an address get it as it is. A family of variables cannot say it, and goes. */
function pointAtFile(
  env: Map<string, string>,
  sources: readonly Source[],
  url: string,
  fallback: string | undefined,
): void {
  for (const source of sources) clear(env, source)
  const variables = sources.flatMap(source => (source.kind === 'url' ? [source.variable] : []))
  for (const variable of variables.length > 0 ? variables : fallback ? [fallback] : []) env.set(variable, url)
}

/** Laravel prefers it to DB_HOST. */
export const SOCKET = 'DB_SOCKET'

/** Settings that belong to the server that was replaced; the rest of a family may stay. */
const OF_THE_OLD_SERVER = new Set([
  'service',
  'hostaddr',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'require_auth',
  'channel_binding',
  'target_session_attrs',
  'options',
])

/** Schemes that ask for TLS or a Unix socket, which stand-ins do not speak, and what to write instead. */
const PLAIN: Readonly<Record<string, string>> = {
  rediss: 'redis',
  valkeys: 'valkey',
  'redis+unix': 'redis',
  'mysql+unix': 'mysql',
  'mariadb+unix': 'mariadb',
  clickhouses: 'clickhouse',
  'clickhouse+https': 'clickhouse+http',
  https: 'http',
}

function point(
  env: Map<string, string>,
  source: Source,
  address: ReadonlyMap<string, string>,
  scheme: string,
): void {
  if (source.kind === 'url') {
    // A dialect such as postgresql+asyncpg is what the program's library goes by.
    const kept = /^([a-z][a-z0-9+.-]*):\/\//i.exec(env.get(source.variable) ?? '')?.[1]
    env.set(source.variable, urlOf(PLAIN[kept?.toLowerCase() ?? ''] ?? kept ?? scheme, address))
    return
  }
  if (source.kind === 'db') env.delete(SOCKET)
  for (const [variable, keyword] of Object.entries(source.kind === 'pg' ? PG_VARIABLES : DB_VARIABLES)) {
    const value = address.get(keyword)
    if (value !== undefined) env.set(variable, value)
    else if (OF_THE_OLD_SERVER.has(keyword)) env.delete(variable)
  }
}
