import type { Concern } from '../../../core/concern.js'
import type { Health } from '../../../core/service.js'
import type { Target } from '../../../core/target.js'
import { originsOf } from '../../origins.js'
import type { Look, Subject } from '../subject.js'
import { nodePostgres } from './nodepostgres.js'

/** Where a driver will see this target otherwise than the probe did. */
export const drivers: Look = async (subject): Promise<Health> => {
  const concerns = [
    ...(await nodePostgres(subject)),
    ...dialects(subject),
    ...redis(subject),
    ...mysql(subject),
  ]
  const where = originsOf(subject.target, subject.env).get('tls')
  return {
    facts: {},
    concerns: concerns.map(concern => ({
      ...concern,
      target: subject.target.name,
      where: where && !where.startsWith('the default') ? where : subject.target.source,
    })),
  }
}

/** A scheme with a driver's name: SQLAlchemy's and its relatives'. */
function dialects({ target }: Subject): Concern[] {
  const text = target.given.reveal()
  const [, scheme = '', driver = ''] = /^([a-z0-9]+)\+([a-z0-9_]+):\/\//i.exec(text) ?? []
  if (!/^(postgres(ql)?|mysql|mariadb)$/i.test(scheme) || driver === 'unix') return []
  const found: Concern[] = [
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

function redis({ target, verdict }: Subject): Concern[] {
  if (target.service !== 'redis') return []
  const found: Concern[] = []
  if (!verdict.ready && verdict.finding.reason === 'database-not-found')
    found.push({
      id: 'ioredis-database-zero',
      level: 'error',
      message: `there is no database ${target.database}: ioredis only emits an error event, goes on in database 0, and writes there`,
      advice: 'Correct the number in the address before the program runs.',
    })
  const text = target.given.reveal()
  if (/^(redis|valkey):/i.test(text) && namesTls(target))
    found.push({
      id: 'redis-sslmode',
      level: 'warning',
      message: 'ioredis and node-redis read no sslmode: by redis:// they connect without TLS',
      advice: 'Write rediss:// instead of redis://.',
      fix: 'rediss://',
    })
  return found
}

function mysql({ target, verdict }: Subject): Concern[] {
  if (target.service !== 'mysql') return []
  const found: Concern[] = []
  if (namesTls(target))
    found.push({
      id: 'mysql2-sslmode',
      level: 'warning',
      message: 'mysql2 ignores sslmode in an address, with a warning, and connects without TLS',
      advice: 'Give mysql2 the option ssl, in an address as JSON.',
      fix: 'ssl={"rejectUnauthorized":true}',
    })
  if (!verdict.ready && verdict.finding.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    found.push({
      id: 'mysql2-host-name',
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
