import type { Concern } from '../../../core/concern.js'
import type { Health } from '../../../core/service.js'
import type { Target } from '../../../core/target.js'
import { originsOf, PARTS, type Part } from '../../origins.js'
import type { Look, Subject } from '../subject.js'
import { disagreements, word } from './disagreements.js'
import { localhostInContainer } from './localhost.js'

/** Where each part of the target came from, and what is wrong with those places. */
export const origins: Look = subject => originsFrom(subject)

export async function originsFrom(subject: Subject, root = '/'): Promise<Health> {
  const { target, env } = subject
  if (target.service === 'exec') return { facts: {}, concerns: [] }
  const from = originsOf(target, env)
  const facts = Object.fromEntries(
    PARTS.filter(part => shownOf(target, part) !== undefined).map(part => [
      part,
      `${part === 'user' || part === 'database' ? word(shownOf(target, part) ?? '') : shownOf(target, part)} (${from.get(part)})`,
    ]),
  )
  const concerns = [
    ...(target.concerns ?? []).filter(({ id }) => id === 'password-file-ignored' || !subject.verdict.ready),
    ...disagreements(subject),
    ...emptyPassword(subject, from),
    ...(await localhostInContainer(subject, from, root)),
  ]
  return { facts, concerns: concerns.map(concern => ({ ...concern, target: target.name })) }
}

/** As it may be printed; undefined where the service has no such part. */
function shownOf(target: Target, part: Part): string | undefined {
  const { hosts, user, password, database, tls, service } = target
  const login = user ?? (service === 'postgres' ? 'postgres' : undefined)
  switch (part) {
    case 'host':
      return list(hosts.map(host => ('path' in host ? host.path : host.host)))
    case 'port':
      return list(hosts.flatMap(host => ('path' in host ? [] : [String(host.port)])))
    case 'user':
      // A user alone is a token there.
      return user && /^(nats|mqtt)$/.test(service) && !password ? 'set' : login
    case 'password':
      return password?.reveal() || hosts.some(host => host.password) ? 'set' : 'none'
    case 'database':
      return database ?? (service === 'postgres' ? login : undefined)
    case 'tls':
      return tls.mode
  }
}

const list = (values: readonly string[]): string | undefined =>
  values.length > 0 ? [...new Set(values)].join(', ') : undefined

/** Variables that hold a password, by service family. */
const PASSWORDS = ['PGPASSWORD', 'DB_PASSWORD']

/** A password that is there and empty is most often a secret that did not arrive. */
function emptyPassword({ target, env, verdict }: Subject, from: ReadonlyMap<Part, string>): Concern[] {
  if (target.password?.reveal() || target.hosts.some(host => host.password)) return []
  const { source } = target
  const inUrl = /^[^:/]+:\/\/[^/@]*:@|[?&]password=(&|$)/.test(target.given.reveal())
  const variable = PASSWORDS.find(
    name => env[name] === '' && (name === 'DB_PASSWORD') === (source === 'env:DB_HOST'),
  )
  const where = inUrl && source !== 'env:DB_HOST' ? source : variable && `env:${variable}`
  if (!where || (variable && !inUrl && target.service !== 'postgres' && source !== 'env:DB_HOST')) return []
  return [
    {
      id: 'empty-password',
      level: verdict.ready ? 'info' : 'warning',
      message: `the password in ${where} is there, but empty`,
      advice: 'Look where it is filled in: a secret that is not set leaves it empty.',
      where: from.get('password') === 'nowhere' ? where : (from.get('password') ?? where),
    },
  ]
}
