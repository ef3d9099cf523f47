import { mysqlLiteral, shellWord } from '../../../core/quoting.js'
import { plain } from '../../../core/redact.js'
import type { Target } from '../../../core/target.js'
import type { TlsMode } from '../../../core/tls.js'
import { originsOf, type Part } from '../../origins.js'
import { admin, changed, inert, operand, placeOf, psql, serverOptions } from '../edits.js'
import type { Subject } from '../subject.js'
import type { Adviser, Case } from './case.js'

/** Where a part of the address was set, in words. */
export function originOf({ target, env }: Pick<Subject, 'target' | 'env'>, part: Part): string {
  const origin = originsOf(target, env).get(part) ?? target.source
  const [, name] = /^configuration: (.*)$/.exec(origin) ?? []
  if (name) return `targets.${name}.url of the configuration`
  return origin === 'argument' ? 'the address on the command line' : origin.replace(/^env:/, '')
}

/** What sets a password, or shows how the server compares it. */
const SET_PASSWORD: Readonly<Record<string, (of: Case, user: string) => string | undefined>> = {
  // The server says the same for a wrong password and a missing role.
  postgres: ({ subject }, user) =>
    psql(subject, [
      // A $ would end the quotes.
      ...(user.includes('$')
        ? []
        : [`DO $$BEGIN CREATE ROLE ${name(user)} LOGIN; EXCEPTION WHEN duplicate_object THEN END$$`]),
      `\\password ${name(plain(user))}`,
    ]),
  mysql: ({ subject }, user) =>
    mysqlRoot(subject.target, `SELECT user, host, plugin FROM mysql.user WHERE user = ${mysqlLiteral(user)}`),
  redis: ({ subject }) => withPassword(subject),
}

/** The line that gives the address a password, with `PASSWORD` for it. */
function withPassword({ target, sources: [source] }: Subject): string | undefined {
  if (source && source.kind !== 'url') return "export DB_PASSWORD='PASSWORD'"
  const [, scheme, user = '', rest = ''] =
    /^(\w+:\/\/)(?:([^:@/]*)(?::\*\*\*)?@)?(.*)$/s.exec(target.address) ?? []
  if (!scheme || rest.includes('***')) return undefined
  const address = `${scheme}${user}:PASSWORD@${rest}`
  return source?.kind === 'url' ? `export ${source.variable}=${shellWord(address)}` : inert(address)
}

/** Where a server keeps the password that it compares with. */
const KEPT: Readonly<Record<string, (user: string) => string>> = {
  postgres: () => ' and set it there, for a role that may be missing',
  redis: user =>
    user === 'default'
      ? ' (requirepass in redis.conf, or ACL SETUSER default)'
      : ` (ACL SETUSER ${user}, which redis.conf or its aclfile may hold)`,
}

/** A rejected login: where its password came from, and how to set another. */
export const loginRejected: Adviser = of => {
  const { subject, verdict } = of
  const { code, message } = verdict.finding
  if (message.startsWith('not tried')) return undefined
  const { target } = subject
  const user = target.user ?? (target.service === 'postgres' ? '' : 'default')
  if (target.service === 'postgres' && code === '28000')
    return {
      message: `${message}; the name came from ${originOf(subject, 'user')}`,
      advice: 'Create the role, or correct its name where it is set.',
      fix: `createuser ${serverOptions(target)} ${admin(subject.env)} --pwprompt ${operand(user)}`,
    }
  const origin = target.password?.reveal() ? originOf(subject, 'password') : undefined
  const fix = SET_PASSWORD[target.service]?.(of, user)
  return {
    message: origin ? `${message}; the password came from ${origin}` : `${message}; no password was given`,
    advice: `${origin ? `Correct the password in ${origin}` : `Give a password (${target.service === 'postgres' ? 'PGPASSWORD, or ' : ''}in ${originOf(subject, 'host')})`}, or look at the server${KEPT[target.service]?.(user) ?? ''}${plaintextMysql(target) ? '; MariaDB says the same where it wants TLS, which sslmode=require gives' : ''}:`,
    ...(fix ? { fix } : {}),
  }
}

const plaintextMysql = ({ service, tls }: Subject['target']): boolean =>
  service === 'mysql' && tls.mode === 'disable'

/** A name in SQL. */
const name = (text: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`

/** pg_hba.conf quotes what it would otherwise take for a keyword or for several words. */
const hbaWord = (text: string): string =>
  /^[a-zA-Z_][\w.-]*$/.test(text) && !/^(all|sameuser|samerole|samegroup|replication)$/.test(text)
    ? text
    : `"${text.replaceAll('"', '""')}"`

/**
 * The line of pg_hba.conf that admits what the server's message says it rejected; undefined for another message. The
 * address is the one that the server saw. Source: PostgreSQL manual, 21.1.
 */
export function hbaLine(message: string, user: string, database: string): string | undefined {
  const [, from = ''] =
    /(?:no pg_hba\.conf entry|pg_hba\.conf rejects connection) for host "([^"]*)"/.exec(message) ?? []
  const words = `${hbaWord(database)} ${hbaWord(user)}`
  if (from === '[local]') return `local ${words} scram-sha-256`
  if (!/^[0-9A-Fa-f:.]+$/.test(from)) return undefined
  const encrypted = /SSL encryption|SSL on/.test(message)
  return `${encrypted ? 'hostssl' : 'host'} ${words} ${from}/${from.includes(':') ? 128 : 32} scram-sha-256`
}

export const accessDenied: Adviser = async of => {
  const { subject, verdict } = of
  const { target } = subject
  const { code, message } = verdict.finding
  if (target.service === 'mysql') return mysqlDenied(of)
  if (target.service !== 'postgres') return undefined
  if (/no encryption|SSL off/.test(message) && (await onlyWithTls(of))) return tlsWanted(subject, message)
  const user = target.user ?? ''
  const database = target.database ?? user
  const line = hbaLine(message, user, database)
  if (line)
    return {
      message: `pg_hba.conf rejects this address: ${message}`,
      advice:
        'Add this line to pg_hba.conf (SHOW hba_file names it), above any that rejects, then SELECT pg_reload_conf():',
      // What a shell would run in quotes, if it were pasted there.
      ...(/[`$\\\n]/.test(line) ? {} : { fix: line }),
    }
  if (code === '42501')
    return {
      advice: 'Let the role connect to the database:',
      fix: psql(subject, `GRANT CONNECT ON DATABASE ${name(database)} TO ${name(user)}`),
    }
  return undefined
}

/** Is the same login let in, or at least further, under TLS? */
async function onlyWithTls({ subject, again }: Case): Promise<boolean> {
  const { target } = subject
  const verdict = await again({ ...target, tls: { ...target.tls, mode: 'require' } })
  return verdict.ready || !['access-denied', 'tls-failure'].includes(verdict.finding.reason)
}

const tlsWanted = (subject: Subject, message: string) => ({
  message: `the server requires TLS, and sslmode=${subject.target.tls.mode} gives none: ${message}`,
  advice: 'Set sslmode to require, or better to verify-full with sslrootcert.',
  fix: changed(subject, 'sslmode', 'require' satisfies TlsMode),
})

/** mysql as the administrator of the target's server. */
function mysqlRoot(target: Target, statement: string): string {
  const place = placeOf(target)
  return `mysql ${place ? `-h ${shellWord(place.host)} -P ${place.port} ` : ''}-u root -p -e ${shellWord(statement)}`
}

function mysqlDenied({ subject, verdict }: Case) {
  const { code, message } = verdict.finding
  const { target } = subject
  const [, host] = /Host '([\w.:-]+)'/.exec(message) ?? []
  const user = mysqlLiteral(target.user ?? 'root')
  if (code === '1130' && host)
    return {
      advice: 'No account may log in from this host; create one:',
      fix: mysqlRoot(target, `CREATE USER ${user}@'${host}' IDENTIFIED BY '…';`),
    }
  if (code !== '1044' || !target.database) return undefined
  return {
    advice: 'Grant the account the database:',
    fix: mysqlRoot(target, `GRANT ALL ON \`${target.database.replaceAll('`', '``')}\`.* TO ${user}@'%';`),
  }
}

/** TLS that one side wants and the other has not. */
export const tlsFailed: Adviser = ({ subject, verdict }) => {
  const { message, code } = verdict.finding
  if (code === '3159' || /^(SSL|TLS) required/.test(message)) return tlsWanted(subject, message)
  if (!/the server offers none/.test(message)) return undefined
  return {
    advice: 'Switch TLS on in the server (ssl=on), or go without:',
    fix: changed(subject, 'sslmode', 'prefer' satisfies TlsMode),
  }
}

const CREATE: Readonly<Record<string, (of: Case, database: string) => string>> = {
  postgres: ({ subject: { target, env } }, database) =>
    `createdb ${serverOptions(target)} ${admin(env)}${target.user ? ` -O ${shellWord(target.user)}` : ''} ${operand(database)}`,
  mysql: ({ subject: { target } }, database) => {
    const place = placeOf(target)
    return `mysqladmin ${place ? `-h ${shellWord(place.host)} -P ${place.port} ` : ''}-u root -p create ${operand(database)}`
  },
  clickhouse: (_, database) => `clickhouse-client --query ${shellWord(`CREATE DATABASE ${name(database)}`)}`,
  rabbitmq: (_, vhost) => `rabbitmqctl add_vhost ${operand(vhost)}`,
}

export const databaseMissing: Adviser = of => {
  const { target } = of.subject
  const database = target.database ?? target.user ?? ''
  const fix = database && CREATE[target.service]?.(of, database)
  return fix ? { advice: "Create it, or correct the database's name in the address:", fix } : undefined
}
