import type { Host } from '../../core/hosts.js'
import { shellWord } from '../../core/quoting.js'
import { plain } from '../../core/redact.js'
import type { Target } from '../../core/target.js'
import { originsOf } from '../origins.js'
import { DB_VARIABLES, type Env, PG_VARIABLES } from '../variables.js'
import type { Subject } from './subject.js'

type Part = 'host' | 'port' | 'sslmode'

/** The first host, where it has a name and a port. */
export function placeOf({
  hosts: [host],
}: Pick<Target, 'hosts'>): Extract<Host, { host: string }> | undefined {
  return host && 'host' in host ? host : undefined
}

/** A line for people that may land in a shell: as it is, or in quotes where a shell would run something of it. */
export const inert = (text: string): string =>
  /^[\w.:/@%+,*?=[\]~-]*$/.test(text) ? text : shellWord(plain(text, text.length))

/** What neither quotes nor a pattern need to be told of. */
const isPlain = (text: string): boolean => /^[\w.:@/=[\]-]*$/.test(text)

/** An operand of a program that would take `-rf` for options. */
export const operand = (text: string): string => `${text.startsWith('-') ? '-- ' : ''}${shellWord(text)}`

/** What `origins.ts` calls each part. */
const NAMED = { host: 'host', port: 'port', sslmode: 'tls' } as const

/**
 * The line that changes one part of an address where it is set: a shell's `export` for a variable, the line of a file,
 * else the address as it should read. No secret is in it: what a variable holds is changed in place.
 */
export function changed(
  { target, sources, env }: Pick<Subject, 'target' | 'sources' | 'env'>,
  part: Part,
  value: string,
): string {
  const [source] = sources
  const origin = originsOf(target, env).get(NAMED[part]) ?? ''
  const family = source?.kind === 'db' ? DB_VARIABLES : PG_VARIABLES
  const [, variable] = /^env:(\w+)$/.exec(origin) ?? []
  if (/^service file/.test(origin)) return `# ${plain(origin)}\n${part}=${shellWord(value)}`
  if (variable && family[variable])
    return `${variable === 'PGHOSTADDR' ? 'unset PGHOSTADDR; ' : ''}${exported(family, part, value)}`
  if (source && source.kind !== 'url') return exported(family, part, value)
  // What the address leaves open, libpq's variables say.
  if (part === 'host' && target.service === 'postgres' && /^the default/.test(origin))
    return exported(PG_VARIABLES, part, value)
  if (!source) return inert(replaced(target, target.address, part, value))
  const [from, to] = replacement(target, target.given.reveal(), part, value)
  if (![from ?? '', to].every(isPlain) && from !== undefined)
    return `# ${source.variable}: ${part}=${plain(value)}`
  if (from === undefined) return `export ${source.variable}="$${source.variable}${to}"`
  const pattern = from.replace(/[/[\]*?]/g, '\\$&')
  return `export ${source.variable}="\${${source.variable}/${pattern}/${to.replaceAll('/', '\\/')}}"`
}

function exported(variables: Readonly<Record<string, string>>, part: Part, value: string): string {
  const variable = Object.keys(variables).find(name => variables[name] === part)
  return `export ${variable}=${shellWord(value)}`
}

function replaced(target: Target, text: string, part: Part, value: string): string {
  const [from, to] = replacement(target, text, part, value)
  return from === undefined ? text + to : text.replace(from, () => to)
}

/** What to replace by what; nothing to replace where it is appended. */
function replacement(
  target: Target,
  text: string,
  part: Part,
  value: string,
): readonly [from: string | undefined, to: string] {
  if (part === 'sslmode') {
    const [mode] = /sslmode=[\w-]*/.exec(text) ?? []
    if (mode) return [mode, `sslmode=${value}`]
    if (!text.includes('://')) return [undefined, ` sslmode=${value}`]
    return [undefined, `${text.includes('?') ? '&' : '?'}sslmode=${value}`]
  }
  const place = placeOf(target)
  const host = place?.host.includes(':') ? `[${place.host}]` : (place?.host ?? '')
  if (!text.includes('://')) return [`${part}=${part === 'host' ? host : place?.port}`, `${part}=${value}`]
  // What comes before the host keeps a user or a password of the same name out of it.
  const before = text.includes(`@${host}`) ? '@' : '//'
  if (part === 'host' && !text.includes(`${before}${host}`)) return [`host=${place?.host}`, `host=${value}`]
  if (part === 'host') return [`${before}${host}`, `${before}${value.includes(':') ? `[${value}]` : value}`]
  const port = text.includes(`${before}${host}:${place?.port}`) ? `:${place?.port}` : ''
  return [`${before}${host}${port}`, `${before}${host}:${value}`]
}

/** The same for the host `old`, where it is the first; of several others an edit in place would not know which. */
export const otherHost = (
  subject: Pick<Subject, 'target' | 'sources' | 'env'>,
  old: string,
  name: string,
): string | undefined => (placeOf(subject.target)?.host === old ? changed(subject, 'host', name) : undefined)

/** The options of PostgreSQL's own programs that lead to the same server. */
export function serverOptions({ hosts: [host] }: Pick<Target, 'hosts'>): string {
  if (!host) return ''
  if ('host' in host) return `-h ${shellWord(host.host)} -p ${host.port}`
  const [, folder = '/', port] = /^(.*)\/\.s\.PGSQL\.(\d+)$/.exec(host.path) ?? []
  return `-h ${shellWord(folder)}${port ? ` -p ${port}` : ''}`
}

/**
 * The superuser that PostgreSQL's own programs log in as: POSTGRES_USER of the image where this environment has it, else
 * what PGADMIN says when the line is pasted, else `postgres`.
 */
export const admin = ({ POSTGRES_USER: name }: Env): string =>
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
  `-U ${name ? shellWord(name) : '"${PGADMIN:-postgres}"'}`

/** psql as the administrator of the target's server, in the database `postgres` or another. */
export const psql = (
  { target, env }: { readonly target: Pick<Target, 'hosts'>; readonly env: Env },
  statements: string | readonly string[],
  database = 'postgres',
): string =>
  [
    `psql ${serverOptions(target)} ${admin(env)} -d ${shellWord(database)}`,
    ...[statements].flat().map(one => `-c ${shellWord(one)}`),
  ].join(' ')

/** How the command line is told of the target. */
export function argumentOf({ target, sources }: Pick<Subject, 'target' | 'sources'>): string {
  const [source] = sources
  if (target.source.startsWith('configuration: ')) return shellWord(target.name)
  return source ? (source.kind === 'url' ? `env:${source.variable}` : '') : shellWord(target.address)
}
