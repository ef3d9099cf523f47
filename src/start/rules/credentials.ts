import { relative } from 'node:path'
import type { Level } from '../../core/concern.js'
import { farthest } from '../../core/near.js'
import type { Target } from '../../core/target.js'
import { isWellKnown } from '../passwords.js'
import type { Flaw, Rule } from '../rule.js'
import type { Checked, CheckedTarget } from '../subject.js'

/** Services that ask who is there; nats, mqtt, kafka and memcached often have nobody to ask for. */
const LOGIN = /^(postgres|mysql|redis|clickhouse|mongodb|rabbitmq)$/

/** Where no user is named. Source: each service's manual. */
const USUAL_USER: Readonly<Record<string, string>> = {
  redis: 'default',
  clickhouse: 'default',
  rabbitmq: 'guest',
}

const userOf = ({ user, service }: Target): string | undefined => user ?? USUAL_USER[service]

const passwordOf = (target: Target): string | undefined => {
  const text = target.password?.reveal()
  // RabbitMQ's clients say guest for both.
  return text === undefined && target.service === 'rabbitmq' && !target.user ? 'guest' : text
}

/** Variables by which official images and their kind set a password of the server's. */
const SERVER_PASSWORDS = [
  'POSTGRES_PASSWORD POSTGRESQL_PASSWORD PGPASSWORD MYSQL_PASSWORD MYSQL_ROOT_PASSWORD MARIADB_PASSWORD',
  'MARIADB_ROOT_PASSWORD REDIS_PASSWORD VALKEY_PASSWORD MONGO_INITDB_ROOT_PASSWORD RABBITMQ_DEFAULT_PASS',
  'CLICKHOUSE_PASSWORD DB_PASSWORD',
].flatMap(names => names.split(' '))

/** Why a password is no secret, without showing it. */
function known(password: string, { user, database }: Pick<Target, 'user' | 'database'>): string | undefined {
  const [word, name, base] = [password, user, database].map(text => text?.toLowerCase())
  if (name && word === name) return 'its password is the name of its user'
  if (base && word === base) return 'its password is the name of its database'
  return isWellKnown(password) ? 'its password is one that everybody knows' : undefined
}

const about = ({ target, where }: CheckedTarget) => ({ target: target.name, where })

/** A certificate, a password file, or a socket whose server knows who connects. */
function otherwise({ target }: CheckedTarget, { env }: Checked): boolean {
  const socket = target.hosts.every(host => 'path' in host)
  return socket || target.tls.cert !== undefined || (target.service === 'postgres' && Boolean(env.PGPASSFILE))
}

/** Is there a place for a password, with nothing in it? */
function isEmpty({ target, sources: [source] }: CheckedTarget, { env }: Checked): boolean {
  if (source?.kind === 'pg') return env.PGPASSWORD === ''
  if (source?.kind === 'db') return env.DB_PASSWORD === ''
  return /^[^:]+:\/\/[^:@/?#]*:@/.test(target.given.reveal())
}

function* withoutPassword(subject: Checked): Iterable<Flaw> {
  for (const one of subject.targets) {
    const { target } = one
    const password = passwordOf(target)
    if (!LOGIN.test(target.service) || password || otherwise(one, subject)) continue
    const near = farthest(target)
    const empty = password === '' || isEmpty(one, subject)
    const level: Level = empty
      ? 'error'
      : target.service === 'redis' && /local|container/.test(near)
        ? 'info'
        : 'warning'
    const what = empty ? 'its password is empty' : 'it has no password'
    yield { level, message: what, ...about(one) }
  }
}

const SUPERUSER: Readonly<Record<string, readonly [RegExp, Level]>> = {
  postgres: [/^(postgres|root|admin|administrator|sa|superuser|rdsadmin|cloudsqlsuperuser)$/i, 'warning'],
  mysql: [/^(root|admin|sa|mysql)$/i, 'warning'],
  mongodb: [/^(root|admin|mongoadmin)$/i, 'warning'],
  clickhouse: [/^(default|admin|root)$/i, 'warning'],
  rabbitmq: [/^(guest|admin|root)$/i, 'warning'],
  redis: [/^(default|admin|root)$/i, 'info'],
}

export const credentials: readonly Rule[] = [
  {
    id: 'default-password',
    stage: 'deploy',
    level: 'error',
    title: 'a password that everybody knows',
    why: 'postgres, root, guest, changeme and their kind, the name of the user or of the database: these are tried first. Also looked at: the variables by which images set it (POSTGRES_PASSWORD, MYSQL_ROOT_PASSWORD, …). The password itself is never shown.',
    advice: 'Make one up, and set it at the server and here.',
    bad: { env: { DATABASE_URL: 'postgres://app:changeme@localhost/shop' } },
    good: { env: { DATABASE_URL: 'postgres://app:quu8Aic2eiTh@localhost/shop' } },
    *check({ targets, env }) {
      for (const one of targets) {
        const { target } = one
        const why = LOGIN.test(target.service)
          ? known(passwordOf(target) ?? '', { ...target, user: userOf(target) ?? '' })
          : undefined
        if (why) yield { message: why, fix: 'openssl rand -base64 24', ...about(one) }
      }
      for (const name of SERVER_PASSWORDS) {
        const where = `env:${name}`
        const used = targets.some(one => env[name] && one.target.password?.reveal() === env[name])
        if (!used && isWellKnown(env[name] ?? ''))
          yield {
            message: `${name} is a password that everybody knows`,
            fix: 'openssl rand -base64 24',
            where,
          }
      }
    },
  },
  {
    id: 'empty-password',
    stage: 'deploy',
    level: 'error',
    title: 'an empty password, or none at all',
    why: 'Whoever reaches the port is let in, or nobody is. Error where it is empty; warning where there is none (a password file, a client certificate, a Unix socket count as one); info for a Redis without one on this machine or under a name without a dot.',
    advice: 'Set a password at the server, and here.',
    bad: { env: { DATABASE_URL: 'postgres://app:@localhost/app' } },
    good: { env: { DATABASE_URL: 'postgres://app:quu8Aic2eiTh@localhost/app' } },
    check: withoutPassword,
  },
  {
    id: 'superuser-role',
    stage: 'deploy',
    level: 'warning',
    title: 'the program logs in as an administrator',
    why: 'By the usual names: postgres, root, sa, admin; default for ClickHouse. One injected statement may then do everything, and the connections that a server reserves for its administrator are used up by the program. Info for the user default of Redis.',
    advice: 'Create a role of its own, which owns its database and nothing else.',
    bad: { env: { DATABASE_URL: 'postgres://postgres:quu8Aic2eiTh@localhost/app' } },
    good: { env: { DATABASE_URL: 'postgres://app:quu8Aic2eiTh@localhost/app' } },
    *check({ targets }) {
      for (const one of targets) {
        const { target } = one
        const [pattern, level] = SUPERUSER[target.service] ?? []
        const user = userOf(target)
        // Without a name the user of Redis is always this one.
        if (!pattern || !user || !pattern.test(user) || (!target.user && target.service === 'redis')) continue
        const given = target.user ? '' : ', since it names no user'
        yield {
          level,
          message: `it logs in as "${user}"${given}`,
          fix:
            target.service === 'postgres'
              ? 'CREATE ROLE app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;'
              : undefined,
          ...about(one),
        }
      }
    },
  },
  {
    id: 'secret-in-clear',
    stage: 'deploy',
    level: 'warning',
    title: 'a password stands in the configuration file',
    why: 'The file is committed, and so is the password: everybody who may read the repository, its clones and its history has it.',
    advice: 'Put the address into a variable and refer to it, then change the password.',
    bad: { config: 'targets:\n  db: postgres://app:quu8Aic2eiTh@localhost/app\n' },
    good: {
      config: 'targets:\n  db: env:DATABASE_URL\n',
      env: { DATABASE_URL: 'postgres://app:quu8Aic2eiTh@localhost/app' },
    },
    *check({ config, targets, machine, file, placeOf }) {
      for (const name of Object.keys(config.targets ?? {})) {
        const one = targets.find(({ target }) => target.name === name)
        const password = one?.target.password?.reveal()
        if (!one || !password || !file || one.sources.length > 0) continue
        // A program may have put it together from the environment.
        const text = machine.text(file)
        if (text !== undefined && !text.includes(password) && !text.includes(encodeURIComponent(password)))
          continue
        const variable = `${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_URL`
        yield {
          message: `${relative(process.cwd(), file)} holds the password of "${name}"`,
          fix: `${name}: env:${variable}`,
          target: name,
          where: placeOf('targets', name),
        }
      }
    },
  },
]
