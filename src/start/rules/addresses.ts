import { placeOf } from '../../core/hosts.js'
import type { Target } from '../../core/target.js'
import { identity } from '../../gate/discover.js'
import type { Rule } from '../rule.js'
import type { CheckedTarget } from '../subject.js'

const isAddress = ({ sources }: CheckedTarget): boolean => sources.some(({ kind }) => kind === 'url')

/** How two targets differ, or undefined where one of them leaves that open. */
function difference(one: Target, other: Target): string | undefined {
  const [here, there] = [one, other].map(({ hosts }) => hosts.map(placeOf).join(','))
  if (one.service !== other.service) return `${one.service} and ${other.service}`
  if (here !== there) return `${here} and ${there}`
  if (!one.database || !other.database || one.database === other.database) return undefined
  return `the databases "${one.database}" and "${other.database}" at ${here}`
}

/** Where two addresses without a path mean the same. */
const COMPARABLE = /^(postgres|mysql|redis|mongodb|rabbitmq|clickhouse|nats|kafka|mqtt|memcached)$/

export const addresses: readonly Rule[] = [
  {
    id: 'addresses-differ',
    stage: 'config',
    level: 'warning',
    title: 'the environment names two different databases for one program',
    why: 'DATABASE_URL beside PGHOST or DB_HOST: which one counts depends on the program, the framework and the tool, so that a migration may go to another database than the server.',
    advice: 'Keep one of them, or make them agree.',
    bad: { env: { DATABASE_URL: 'postgres://app@localhost/app', PGHOST: 'db', PGDATABASE: 'app' } },
    good: { env: { DATABASE_URL: 'postgres://app@localhost/app', PGHOST: 'localhost', PGDATABASE: 'app' } },
    *check({ found, env }) {
      const main = found.find(({ where }) => where === 'env:DATABASE_URL')
      if (!main) return
      for (const family of found.filter(one => !isAddress(one))) {
        const variable = family.where.replace('env:', '')
        // libpq's family is about PostgreSQL alone, and without PGDATABASE about no database in particular.
        if (variable === 'PGHOST' && main.target.service !== 'postgres') continue
        const named = variable !== 'PGHOST' || env.PGDATABASE
        const { database: _, ...anywhere } = family.target
        const differ = difference(main.target, named ? family.target : anywhere)
        if (differ) yield { message: `DATABASE_URL and ${variable} differ: ${differ}`, where: family.where }
      }
    },
  },
  {
    id: 'same-target',
    stage: 'config',
    level: 'warning',
    title: 'two targets lead to the same database',
    why: 'Often one of them was copied and not changed. Info where they log in as different users, which may be meant.',
    advice: 'Correct the one that was copied, or remove it.',
    bad: {
      config: 'targets:\n  orders: postgres://app@localhost/app\n  users: postgres://app@localhost/app\n',
    },
    good: {
      config:
        'targets:\n  orders: postgres://app@localhost/orders\n  users: postgres://app@localhost/users\n',
    },
    *check({ targets }) {
      const comparable = targets.filter(({ target }) => COMPARABLE.test(target.service))
      const first = new Map<string, CheckedTarget>()
      for (const one of comparable) {
        const key = identity(one.target)
        const same = first.get(key)
        if (!same) {
          first.set(key, one)
          continue
        }
        yield {
          level: same.target.user === one.target.user ? 'warning' : 'info',
          message: `"${one.target.name}" leads to the same database as "${same.target.name}": ${one.target.address}`,
          target: one.target.name,
          where: one.where,
        }
      }
    },
  },
]
