import type { Scheme } from '../../core/target.js'
import { USUAL_VARIABLES } from '../../gate/discover.js'
import { DB_VARIABLES, PG_VARIABLES, URL_VARIABLES } from '../../gate/variables.js'
import type { Kind } from '../../model/images.js'
import { type Project, serversOf } from './project.js'

export type Schemes = ReadonlyMap<string, Scheme>

/** A service that the program connects to, and by which variables. */
export interface Need {
  /** The target's name. */
  readonly name: string
  readonly kind: Kind
  /** A variable with its address, or libpq's or Django's family. */
  readonly by:
    | { readonly url: string }
    | { readonly family: 'pg' | 'db'; readonly variables: readonly string[] }
  /** The services of the Compose file that serve it. */
  readonly service?: string
}

/** The variable for an address where the project has none: its one SQL database has the name that frameworks read. */
const USUAL: Readonly<Record<string, string>> = {
  ...USUAL_VARIABLES,
  mysql: 'DATABASE_URL',
  mariadb: 'DATABASE_URL',
  valkey: 'REDIS_URL',
}

const BY_NAME: Readonly<Record<string, Kind>> = Object.fromEntries(
  URL_VARIABLES.filter(name => name !== 'DATABASE_URL').map(name => [name, kindByName(name)]),
)

function kindByName(name: string): Kind {
  const [word = ''] = name.toLowerCase().split('_')
  return ({ postgresql: 'postgres', amqp: 'rabbitmq' } as Record<string, Kind>)[word] ?? (word as Kind)
}

const SQL: readonly Kind[] = ['postgres', 'mysql', 'mariadb']

/** Two kinds that one wire serves. */
export const wireOf = (kind: Kind): Kind =>
  kind === 'mariadb' ? 'mysql' : kind === 'valkey' ? 'redis' : kind

/** What the project connects to: from its variables, else from its servers and drivers. */
export function needsOf(project: Project, schemes: Schemes): Need[] {
  const servers = project.compose ? [...serversOf(project.tree, project.compose.model)] : []
  const wanted = [...servers.map(([, { kind }]) => kind), ...project.languages.flatMap(({ needs }) => needs)]
  const sql = wanted.find(kind => SQL.includes(kind)) ?? 'postgres'
  const names = [...project.variables.keys()]
  const needs: Omit<Need, 'name'>[] = []
  const addresses = new Set<string>()
  for (const [variable, value] of project.variables) {
    const known = (URL_VARIABLES as readonly string[]).includes(variable)
    const kind =
      kindOf(value, schemes) ?? (known && !value.includes('://') ? (BY_NAME[variable] ?? sql) : undefined)
    if (!kind || (value.includes('://') && addresses.has(value))) continue
    addresses.add(value)
    needs.push({ kind, by: { url: variable }, ...serviceOf(kind, value, servers) })
  }
  const covered = (kind: Kind) => needs.some(need => wireOf(need.kind) === wireOf(kind))
  const family = (by: 'pg' | 'db', kind: Kind, table: object, key: string) => {
    if (!names.includes(key) || covered(kind)) return
    const variables = names.filter(name => name in table)
    const host = project.variables.get(key) ?? ''
    needs.push({ kind, by: { family: by, variables }, ...serviceOf(kind, host, servers) })
  }
  family('pg', 'postgres', PG_VARIABLES, 'PGHOST')
  family('db', sql, DB_VARIABLES, 'DB_HOST')
  for (const kind of wanted) {
    const taken = needs.some(need => 'url' in need.by && need.by.url === USUAL[kind])
    if (covered(kind)) continue
    const url = (!taken && USUAL[kind]) || `${kind.toUpperCase()}_URL`
    needs.push({ kind, by: { url }, ...serviceOf(kind, '', servers) })
  }
  return named(needs)
}

function kindOf(value: string, schemes: Schemes): Kind | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase()
  if (!scheme) return undefined
  const service = (schemes.get(scheme) ?? schemes.get(scheme.split('+')[0] ?? ''))?.service
  return service && service in USUAL ? (service as Kind) : undefined
}

function serviceOf(
  kind: Kind,
  value: string,
  servers: readonly (readonly [string, { kind: Kind }])[],
): { service?: string } {
  const fitting = servers.filter(([, server]) => wireOf(server.kind) === wireOf(kind)).map(([name]) => name)
  const service =
    fitting.find(name => mentions(value, name)) ?? (fitting.length === 1 ? fitting[0] : undefined)
  return service === undefined ? {} : { service }
}

/** Whether a value is a host, or an address with that host. */
export function mentions(value: string, host: string): boolean {
  const name = host.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(^|[/@,])${name}(:\\d+)?($|[/,?])`).test(value)
}

function named(needs: readonly Omit<Need, 'name'>[]): Need[] {
  const taken = new Set<string>()
  return needs.map(need => {
    const base = need.service ?? need.kind
    let name = base
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`
    taken.add(name)
    return { name, ...need }
  })
}
