import { shellWord } from '../../../core/quoting.js'
import type { Health } from '../../../core/service.js'
import type { Target } from '../../../core/target.js'
import { dependenciesOf } from '../../../io/packagefile.js'
import { originsOf } from '../../origins.js'
import type { Look, Subject } from '../subject.js'
import { type Difference, weighed } from './difference.js'
import { nodePostgres } from './nodepostgres.js'
import { postgresJs } from './postgresjs.js'
import { here } from './usual.js'

/** Where a driver will see this target otherwise than the probe did. */
export const drivers: Look = subject => driversFrom(subject)

export async function driversFrom(subject: Subject, folder = here()): Promise<Health> {
  const { target, env } = subject
  const differences = [
    ...(await nodePostgres(subject)),
    ...postgresJs(target),
    ...dialects(subject),
    ...redis(subject),
    ...mysql(subject),
  ]
  const dependencies = dependenciesOf(folder)
  const origin = originsOf(target, env).get('tls')
  const where = origin && !origin.startsWith('the default') ? origin : target.source
  return {
    facts: {},
    concerns: differences.map(one => ({ ...weighed(one, dependencies), target: target.name, where })),
  }
}

/** A scheme with a driver's name: SQLAlchemy's and its relatives'. */
function dialects({ target }: Subject): Difference[] {
  const text = target.given.reveal()
  const [, scheme = '', driver = ''] = /^([a-z0-9]+)\+([a-z0-9_]+):\/\//i.exec(text) ?? []
  if (!/^(postgres(ql)?|mysql|mariadb)$/i.test(scheme) || driver === 'unix') return []
  const found: Difference[] = [
    {
      id: 'dialect-scheme',
      level: 'info',
      message: `${scheme}+${driver}:// is SQLAlchemy's way to name a driver; libpq, JDBC and Node's drivers do not take it`,
      advice: `Give programs that are not built on SQLAlchemy the address with ${scheme}:// alone.`,
    },
  ]
  const mode = /[?&]sslmode=([\w-]+)/.exec(text)?.[1]
  if (/^asyncpg$/i.test(driver) && mode)
    found.unshift({
      id: 'asyncpg-sslmode',
      level: 'warning',
      message: `SQLAlchemy hands sslmode=${mode} on to asyncpg, whose connect() has no such argument and throws a TypeError`,
      advice: `Write ssl=${mode} for asyncpg.`,
      fix: `ssl=${mode}`,
    })
  return found
}

function redis({ target, verdict }: Subject): Difference[] {
  if (target.service !== 'redis') return []
  const found: Difference[] = []
  if (!verdict.ready && verdict.finding.reason === 'database-not-found')
    found.push({
      id: 'ioredis-database-zero',
      drivers: ['ioredis', 'bullmq'],
      level: 'error',
      message: `there is no database ${target.database}: ioredis only emits an error event, goes on in database 0, and writes there`,
      advice: 'Correct the number in the address before the program runs.',
    })
  const text = target.given.reveal()
  if (/^(redis|valkey):/i.test(text) && namesTls(target))
    found.push({
      id: 'redis-sslmode',
      drivers: ['ioredis', 'redis', 'bullmq'],
      level: 'warning',
      message: 'ioredis and node-redis read no sslmode: by redis:// they connect without TLS',
      advice: 'Write rediss:// instead of redis://.',
      fix: 'rediss://',
    })
  return found
}

function mysql({ target, verdict }: Subject): Difference[] {
  if (target.service !== 'mysql') return []
  const found: Difference[] = []
  if (namesTls(target))
    found.push({
      id: 'mysql2-sslmode',
      drivers: ['mysql2'],
      level: 'warning',
      message: 'mysql2 ignores sslmode in an address, with a warning, and connects without TLS',
      advice: 'Give mysql2 the option ssl, in an address as JSON.',
      fix: 'ssl={"rejectUnauthorized":true}',
    })
  const [host] = target.hosts
  if (host && 'path' in host)
    found.push({
      id: 'mysql2-socket',
      drivers: ['mysql2'],
      level: 'warning',
      message:
        'mysql2 takes the path of a socket by socketPath only: from this address it takes a name of a host',
      advice: 'Give mysql2 the path by socketPath.',
      fix: `socketPath=${shellWord(host.path)}`,
    })
  if (!verdict.ready && verdict.finding.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    found.push({
      id: 'mysql2-host-name',
      drivers: ['mysql2'],
      level: 'info',
      message:
        "mysql2 would connect: it does not compare the certificate's names with the host unless ssl.verifyIdentity is set",
      advice:
        'Correct the certificate or the host all the same: whoever has any certificate of that authority passes.',
    })
  return found
}

/** Does the address ask for TLS by libpq's word? */
const namesTls = ({ given }: Target): boolean =>
  /[?&]sslmode=(require|verify-ca|verify-full)/i.test(given.reveal())
