import type { Concern } from '../../../core/concern.js'
import { placeOf } from '../../../core/hosts.js'
import { parseTarget, type Target } from '../../../core/target.js'
import { SCHEMES } from '../../../services/registry.js'
import { KEYWORDS_OF, PARTS, type Part } from '../../origins.js'
import { DB_VARIABLES, PG_VARIABLES, URL_VARIABLES } from '../../variables.js'
import type { Subject } from '../subject.js'

/** Variables of the same environment that lead elsewhere than the one that counts here. */
export function disagreements(subject: Subject): Concern[] {
  const { target } = subject
  // What was asked for by hand, or is written in the configuration, is meant to differ.
  if (!target.source.startsWith('env:')) return []
  return [...families(subject), ...urls(subject)]
}

/** PGHOST and DB_HOST with their families, one concern each. */
function* families({ target, env }: Subject): Iterable<Concern> {
  const { source, service } = target
  const own = source === 'env:DB_HOST' ? DB_VARIABLES : PG_VARIABLES
  for (const family of [PG_VARIABLES, DB_VARIABLES]) {
    if (family === own && !/_UR[LI]$/.test(source)) continue
    if (family === PG_VARIABLES ? service !== 'postgres' : !/^(postgres|mysql)$/.test(service)) continue
    const said = Object.entries(family).flatMap(([variable, keyword]) => {
      const part = PARTS.find(one => KEYWORDS_OF[one].includes(keyword))
      const value = env[variable]
      return part && part !== 'tls' && keyword !== 'hostaddr' && value ? [{ variable, part, value }] : []
    })
    // Another database's own family, most likely.
    const elsewhere = said.filter(({ part, value }) => differs(target, part, value))
    if (elsewhere.length > 0)
      yield concern(
        source,
        elsewhere.map(one => ({ ...one, here: shown(target, one.part) })),
      )
  }
}

/** Other variables with a URL of the same database at another place. */
function* urls({ target, sources, env }: Subject): Iterable<Concern> {
  const known = new Set(sources.flatMap(one => (one.kind === 'url' ? [one.variable] : [])))
  for (const variable of URL_VARIABLES) {
    const text = env[variable]
    if (!text || known.has(variable) || target.source === `env:${variable}`) continue
    const other = parsed(text)
    if (other?.service !== target.service || !other.database || other.database !== target.database) continue
    const parts = (['host', 'port', 'user', 'password'] as const).filter(part => {
      const value = raw(other, part)
      return value !== undefined && differs(target, part, value)
    })
    if (parts.length === 0) continue
    yield concern(
      target.source,
      parts.map(part => ({ variable, part, value: shown(other, part), here: shown(target, part) })),
    )
  }
}

function concern(
  source: string,
  differences: readonly { variable: string; part: Part; value: string; here: string }[],
): Concern {
  const here = source.replace(/^env:/, '')
  const words = differences.map(({ variable, part, value, here: ours }) =>
    part === 'password'
      ? `${variable} holds another password than ${here}`
      : `${here} says ${part} ${ours}, ${variable} says ${word(value)}`,
  )
  const variables = [...new Set(differences.map(({ variable }) => variable))]
  return {
    id: 'sources-disagree',
    level: 'warning',
    message: words.join('; '),
    advice: `Keep one of them: a program that reads ${variables.join(', ')} is not the one that was examined.`,
    where: `env:${variables[0]}`,
    fix: `unset ${variables.join(' ')}`,
  }
}

function differs(target: Target, part: Part, value: string): boolean {
  if (part === 'host') {
    return !target.hosts.some(host =>
      'path' in host
        ? host.path.startsWith(value)
        : placeOf({ host: value, port: host.port }) === placeOf(host),
    )
  }
  const ours = raw(target, part)
  return ours !== undefined && ours !== value
}

/** Undefined where the target has none: then nothing disagrees. */
function raw(target: Target, part: Part): string | undefined {
  const [host] = target.hosts
  switch (part) {
    case 'host':
      return host && ('path' in host ? host.path : host.host)
    case 'port':
      return host && 'port' in host ? String(host.port) : undefined
    case 'user':
      return target.user
    case 'password':
      return target.password?.reveal()
    case 'database':
      return target.database
    case 'tls':
      return target.tls.mode
  }
}

/** A value that is none of its kind may hold a password. */
export const word = (value: string): string =>
  /[?=\s]|:\/\/|:.*@|^[^:/]+:(?!\d+$)[^:]+$/.test(value) ? '***' : value

const shown = (target: Target, part: Part): string =>
  part === 'password' ? '***' : (raw(target, part) ?? 'nothing')

function parsed(text: string): Target | undefined {
  try {
    return parseTarget(text, { schemes: SCHEMES })
  } catch {
    return undefined
  }
}
