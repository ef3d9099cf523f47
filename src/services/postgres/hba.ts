import { BlockList, isIP } from 'node:net'
import type { Row } from '../../core/service.js'

/** A line of pg_hba.conf as pg_hba_file_rules shows it. */
export interface Rule {
  readonly line: number
  readonly type: string
  readonly databases: readonly string[]
  readonly users: readonly string[]
  readonly address: string | null
  readonly netmask: string | null
  readonly method: string
  readonly error: string | null
}

/** What a login showed. */
export interface Login {
  readonly database: string
  readonly user: string
  /** Every role that the user is a member of. */
  readonly roles: readonly string[]
  /** Of the client, as the server sees it; undefined over the Unix socket. */
  readonly address: string | undefined
  readonly encrypted: boolean
}

export const HBA = `SELECT line_number, type, array_to_json(database), array_to_json(user_name), address, netmask,
  auth_method, error FROM pg_hba_file_rules ORDER BY line_number`

const names = (json: string | null | undefined): string[] => {
  const list: unknown = JSON.parse(json ?? '[]')
  return Array.isArray(list) ? list.map(String) : []
}

export const rulesOf = (rows: readonly Row[]): Rule[] =>
  rows.map(([line, type, databases, users, address, netmask, method, error]) => ({
    line: Number(line),
    type: type ?? '',
    databases: names(databases),
    users: names(users),
    address: address ?? null,
    netmask: netmask ?? null,
    method: method ?? '',
    error: error ?? null,
  }))

/** The line as the file has it. */
export const shown = ({ type, databases, users, address, netmask, method }: Rule): string =>
  [
    type,
    databases.join(','),
    users.join(','),
    address && netmask ? `${address}/${bits(netmask)}` : address,
    method,
  ]
    .filter(Boolean)
    .join(' ')

/** The line that admits a login: the first that fits. Undefined where a line before it cannot be judged from here. */
export function admitting(rules: readonly Rule[], login: Login): Rule | undefined {
  for (const rule of rules) {
    if (rule.error !== null) continue
    const fits = [
      fitsType(rule, login),
      fitsName(rule.databases, login, login.database),
      fitsName(rule.users, login, login.user),
      fitsAddress(rule, login.address),
    ]
    if (fits.includes(false)) continue
    return fits.includes(undefined) ? undefined : rule
  }
  return undefined
}

/** Admits whoever says a name, from another machine. */
export const trustsNetwork = (rule: Rule): boolean =>
  rule.method === 'trust' && rule.type.startsWith('host') && !isLoopback(rule)

const isLoopback = ({ address, netmask }: Rule): boolean =>
  address === 'samehost' ||
  address === 'localhost' ||
  (/^127\./.test(address ?? '') && bits(netmask ?? '') >= 8) ||
  (address === '::1' && bits(netmask ?? '') === 128)

function fitsType({ type }: Rule, { address, encrypted }: Login): boolean {
  if (type === 'local') return address === undefined
  if (address === undefined) return false
  // What is asked over GSSAPI never comes from a probe.
  return type === 'host' || type === 'hostnogssenc' || type === (encrypted ? 'hostssl' : 'hostnossl')
}

/** Source: PostgreSQL manual, section 21.1. */
function fitsName(wanted: readonly string[], { user, database, roles }: Login, name: string) {
  let unknown = false
  for (const one of wanted) {
    if (one === 'all' || one === name || (one === 'sameuser' && user === database)) return true
    if ((one === 'samerole' || one === 'samegroup') && roles.includes(database)) return true
    if (one.startsWith('+') && roles.includes(one.slice(1))) return true
    if (one.startsWith('/')) unknown = true
  }
  return unknown ? undefined : false
}

function fitsAddress({ type, address, netmask }: Rule, client: string | undefined): boolean | undefined {
  if (type === 'local' || address === 'all') return true
  if (client === undefined) return false
  if (address === null || !isIP(address) || !netmask) return undefined
  const family = isIP(address)
  if (family !== isIP(client)) return false
  const list = new BlockList()
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(address, bits(netmask), kind)
  return list.check(client, kind)
}

/** The length of a netmask. */
function bits(mask: string): number {
  if (isIP(mask) === 4) return mask.split('.').reduce((sum, part) => sum + ones(Number(part)), 0)
  const [head = '', tail = ''] = mask.split('::')
  return [...head.split(':'), ...tail.split(':')].reduce(
    (sum, part) => sum + ones(Number.parseInt(part || '0', 16)),
    0,
  )
}

const ones = (value: number): number => value.toString(2).replaceAll('0', '').length
