import type { Row } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import type { Greeting } from '../../wire/mysql.js'

const isMariadb = ({ version }: Greeting): boolean => /mariadb/i.test(version)

/** MariaDB 10 calls itself 5.5.5 for old replicas; what follows the number is the distribution's. */
const numberOf = ({ version }: Greeting): string | undefined =>
  /^(?:5\.5\.5-(?=\d))?(\d+(?:\.\d+)+)/.exec(version)?.[1]

const PROXIES: readonly (readonly [RegExp, string])[] = [
  [/proxysql/i, 'proxysql'],
  [/maxscale/i, 'maxscale'],
]

/** What the greeting tells. */
export function productOf(greeting: Greeting): Server {
  const version = numberOf(greeting)
  const via = PROXIES.find(([pattern]) => pattern.test(greeting.version))?.[1]
  return {
    product: isMariadb(greeting) ? 'MariaDB' : 'MySQL',
    ...(version ? { version } : {}),
    ...(via ? { via } : {}),
  }
}

/** Where global status variables are: MySQL moved them with 5.7. */
function statusTable(greeting: Greeting): string {
  const [major = 0, minor = 0] = (numberOf(greeting) ?? '').split('.').map(Number)
  const moved = !isMariadb(greeting) && (major > 5 || (major === 5 && minor >= 7))
  return `${moved ? 'performance_schema' : 'information_schema'}.GLOBAL_STATUS`
}

/**
 * Uptime counts from before recovery and loading. Longer than these take, as a rule, in milliseconds: of a younger
 * server nobody knows how much of its age it has served.
 */
const STARTUP_MS = 60_000

/**
 * Asks for connection, start and age in one statement. Uptime and UNIX_TIMESTAMP() are whole seconds that both count
 * from the moment at which the statement began, so their difference is exactly the second in which the server
 * started, the same in every answer of one life. Source: show_starttime() in MySQL's sql/mysqld.cc, and MariaDB's.
 */
export function inspection(greeting: Greeting): { text: string; read: (row: Row) => Server } {
  const server = productOf(greeting)
  return {
    text: `SELECT CONNECTION_ID(), UNIX_TIMESTAMP() - VARIABLE_VALUE, VARIABLE_VALUE, MICROSECOND(NOW(6)),
      MD5(CONCAT_WS(' ', @@hostname, @@port, @@datadir))
      FROM ${statusTable(greeting)} WHERE VARIABLE_NAME = 'UPTIME'`,
    read([connection, started, uptime, micros, place]) {
      // A proxy has connections of its own to the server.
      const same = Number(connection) % 2 ** 32 === greeting.thread
      const via = server.via ?? (same ? undefined : 'proxy')
      // The start is known to the second: an age that is too small only makes --stable wait longer.
      const ageMs = Math.max(0, (Number(uptime) - 1) * 1000 + Math.floor(Number(micros) / 1000))
      return {
        ...server,
        ...(started && place ? { incarnation: `${Math.round(Number(started))}-${place.slice(0, 8)}` } : {}),
        ...(uptime && Number.isFinite(ageMs) ? { ageMs, servingMs: ageMs < STARTUP_MS ? 0 : ageMs } : {}),
        ...(via ? { via } : {}),
      }
    },
  }
}
