import { dirname, join } from 'node:path'
import type { Concern } from '../core/concern.js'
import { HoldfastError, nearest } from '../core/errors.js'
import type { Host } from '../core/hosts.js'
import { type FoundPassword, passwordIn } from '../core/passfile.js'
import { shellWord } from '../core/quoting.js'
import { Secret } from '../core/redact.js'
import { type Setting, serviceIn } from '../core/servicefile.js'
import { type ParseOptions, parseTarget, type Target } from '../core/target.js'
import { homeOf, readPasswordFile } from '../io/libpqfiles.js'
import { textOf } from '../io/text.js'
import type { Env } from './variables.js'

/** Where libpq's files are looked for. */
export interface Places {
  readonly env: Env
  /** The user's home. */
  readonly home: string | undefined
  /** The password file that is read where none is named. */
  readonly passfile?: string
}

/** Where libpq would look for this user's. */
export function placesOf(env: Env): Places {
  const home = homeOf(env)
  return { env, home, ...(home ? { passfile: join(home, '.pgpass') } : {}) }
}

/** Where distributions build libpq to look for pg_service.conf: Debian, PGDG's RPMs, Alpine, from source. */
const SYSCONFDIRS = [
  '/etc/postgresql-common',
  '/etc/sysconfig/pgsql',
  '/etc/postgresql',
  '/usr/local/pgsql/etc',
]

/** The directories of libpq's own socket, whose password stands under `localhost`: Debian's, and from source. */
const SOCKET_DIRS = ['/var/run/postgresql', '/run/postgresql', '/tmp']

/**
 * The target with what its connection service and the password file add: the address comes first, then the service,
 * then `options.defaults` (the environment), then the password file. Source: PostgreSQL manual, sections 34.16 and 34.17.
 * @throws HoldfastError (config) for a service that is not there or cannot be read.
 */
export function fromFiles(target: Target, options: ParseOptions, places: Places): Target {
  const name = target.params.get('service')?.reveal()
  return withPassword(name ? withService(target, name, options, places) : target, places)
}

function withService(target: Target, name: string, options: ParseOptions, places: Places): Target {
  const { path, settings } = findService(name, places)
  const values = [...settings].map(([key, { value }]) => [key, value] as const)
  const file = shortened(path, places)
  try {
    return {
      ...parseTarget(target.given.reveal(), {
        ...options,
        name: target.name,
        source: target.source,
        defaults: new Map([...(options.defaults ?? []), ...values]),
      }),
      origins: new Map(
        [...settings].map(([key, { line }]) => [key, `service file ${file} [${name}] line ${line}`]),
      ),
    }
  } catch (error) {
    if (!HoldfastError.is(error)) throw error
    throw new HoldfastError('config', `${error.message} (with the service "${name}" of ${file})`)
  }
}

/** The environment's defaults with what the service adds that PGSERVICE names; a service that is not there adds nothing. */
export function withServiceOf(
  defaults: ReadonlyMap<string, string>,
  places: Places,
): ReadonlyMap<string, string> {
  const name = places.env.PGSERVICE
  try {
    const { settings } = findService(name ?? '', places)
    return new Map([...defaults, ...[...settings].map(([key, { value }]) => [key, value] as const)])
  } catch {
    return defaults
  }
}

/** The first file that has the service: PGSERVICEFILE or ~/.pg_service.conf, then the system's. */
function findService(name: string, places: Places): { path: string; settings: ReadonlyMap<string, Setting> } {
  const { env, home } = places
  const fail = (what: string) => new HoldfastError('config', what)
  const own = env.PGSERVICEFILE || (home ? join(home, '.pg_service.conf') : undefined)
  const shared = env.PGSYSCONFDIR ? [env.PGSYSCONFDIR] : SYSCONFDIRS
  const paths = [...(own ? [own] : []), ...shared.map(folder => join(folder, 'pg_service.conf'))]
  const known: string[] = []
  for (const path of paths) {
    const text = textOf(path)
    if (text === undefined) {
      if (path === env.PGSERVICEFILE) throw fail(`PGSERVICEFILE: the file "${path}" cannot be read`)
      continue
    }
    const found = serviceIn(text, name)
    if (found && 'problem' in found)
      throw fail(`${shortened(path, places)} line ${found.line}: ${found.problem}`)
    if (found) return { path, settings: found.settings }
    known.push(...[...text.matchAll(/^\s*\[([^\]\n]+)\]/gm)].map(([, section = '']) => section))
  }
  const near = nearest(name, known)
  const hint = near
    ? `did you mean ${near}?`
    : known.length > 0
      ? `there are ${known.join(', ')}`
      : `write [${name}] with its host, port and dbname into ${shortened(own ?? paths[0] ?? '', places)}`
  throw fail(
    `the connection service "${name}" is in none of ${paths.map(path => shortened(path, places)).join(', ')}; ${hint}`,
  )
}

/** libpq asks the password file for each host by itself. */
function withPassword(target: Target, places: Places): Target {
  const path = target.params.get('passfile')?.reveal() || places.passfile
  if (target.password?.reveal() || !path) return target
  const file = readPasswordFile(path)
  const shown = shortened(path, places)
  if (!file) return target.params.has('passfile') ? { ...target, concerns: [absentFile(shown)] } : target
  if ('ignored' in file) return { ...target, concerns: [ignored(file.ignored, shown, path)] }
  const found = target.hosts.map(host => passwordFor(host, target, file.text))
  const [first] = found
  if (found.every(one => one === undefined)) return { ...target, concerns: [noLine(target, shown)] }
  if (found.every(one => one?.password === first?.password))
    return first
      ? withOrigin(target, new Secret(first.password), `password file ${shown} line ${first.line}`)
      : target
  const lines = found.flatMap(one => (one ? [one.line] : []))
  return {
    ...withOrigin(target, undefined, `password file ${shown} lines ${lines.join(', ')}`),
    hosts: target.hosts.map((host, i) => {
      const own = found[i]
      return own ? { ...host, password: new Secret(own.password) } : host
    }),
  }
}

const withOrigin = (target: Target, password: Secret | undefined, origin: string): Target => ({
  ...target,
  ...(password ? { password } : {}),
  origins: new Map([...(target.origins ?? []), ['password', origin]]),
})

function passwordFor(
  host: Host,
  { user = 'postgres', database }: Target,
  text: string,
): FoundPassword | undefined {
  const path = 'path' in host ? host.path : undefined
  const folder = path === undefined ? undefined : dirname(path)
  const names =
    folder === undefined
      ? 'host' in host
        ? [host.host]
        : []
      : SOCKET_DIRS.includes(folder)
        ? ['localhost', folder]
        : [folder]
  const port = 'port' in host ? host.port : Number(/\d+$/.exec(path ?? '')?.[0])
  return passwordIn(text, { hosts: names, port, database: database ?? user, user })
}

function ignored(why: 'not a plain file' | 'open to others', shown: string, path: string): Concern {
  const others = why === 'open to others'
  return {
    id: 'password-file-ignored',
    level: 'warning',
    message: `the password file ${shown} is ignored, as libpq does: ${others ? 'group or others have access to it' : 'it is no plain file'}`,
    advice: others
      ? `Run chmod 600 ${shown}, or put the password into the address or PGPASSWORD.`
      : 'Name a plain file by PGPASSFILE.',
    ...(others ? { fix: `chmod 600 ${shellWord(path)}` } : {}),
    where: shown,
  }
}

const absentFile = (shown: string): Concern => ({
  id: 'password-file-missing',
  level: 'warning',
  message: `the password file ${shown} is named, and cannot be read`,
  advice: `Correct PGPASSFILE or passfile, or create ${shown}.`,
  where: shown,
})

function noLine(target: Target, shown: string): Concern {
  const [host] = target.hosts
  const { user = 'postgres', database = user } = target
  const place =
    host && 'host' in host ? [host.host, String(host.port)] : [host ? dirname(host.path) : '*', '*']
  const line = [...place, database, user].map(field => field.replace(/[\\:]/g, '\\$&')).join(':')
  return {
    id: 'password-file-without-line',
    level: 'warning',
    message: `no line of the password file ${shown} fits ${line}`,
    advice: `Add the line ${line}:PASSWORD to ${shown}, or put the password into the address or PGPASSWORD.`,
    where: shown,
  }
}

/** A path with ~ for the user's home. */
const shortened = (path: string, { home }: Places): string =>
  home && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
