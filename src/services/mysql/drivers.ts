import { tlsAdvice } from '../../core/classify.js'
import type { Look } from '../../core/look.js'
import type { ReasonId } from '../../core/reasons.js'
import { byNumber, type Circumstances, isConnecting, type Rules, TIME_LIMIT } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { isServers, meaning } from './classify.js'

/** What MariaDB's driver numbers itself, 45001–45999; any other is a misuse. Source: its lib/misc/errors.js. */
const BY_CLIENT_ERRNO = byNumber({
  'connect-timeout': [45012, 45060, 45061],
  'connection-lost': [45001, 45004, 45009, 45013, 45019],
  'pool-exhausted': [45028],
  'tls-failure': [45008, 45023, 45056, 45057, 45059, 45062, 45063, 45064],
  'protocol-mismatch': [45011, 45014, 45015, 45020, 45024, 45025, 45032, 45047],
  'query-error': [45021, 45022, 45034, 45046],
})

/** mysql2's own codes. Source: where its lib/ sets `err.code`. */
const BY_OWN_CODE: Readonly<Record<string, ReasonId>> = {
  PROTOCOL_CONNECTION_LOST: 'connection-lost',
  PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR: 'connection-lost',
  PROTOCOL_ENQUEUE_AFTER_QUIT: 'client-misuse',
  PROTOCOL_SEQUENCE_TIMEOUT: 'statement-timeout',
  PROTOCOL_ERROR: 'protocol-mismatch',
  PROTOCOL_UNEXPECTED_PACKET: 'protocol-mismatch',
  HANDSHAKE_UNKNOWN_ERROR: 'protocol-mismatch',
  AUTH_SWITCH_PLUGIN_ERROR: 'protocol-mismatch',
  HANDSHAKE_NO_SSL_SUPPORT: 'tls-failure',
  HANDSHAKE_SSL_ERROR: 'tls-failure',
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: 'client-misuse',
  POOL_NOEXIST: 'client-misuse',
  POOL_NONEONLINE: 'pool-exhausted',
}

const isDrivers = (errno: number): boolean => errno > 45_000 && errno < 46_000

/** mysql2 puts the number of an unsolicited error, such as 4031, into `code`. */
function errnoOf(error: Look, named: boolean): number | undefined {
  const errno = error.number('errno') ?? error.number('code')
  if (errno === undefined || !(isServers(errno) || isDrivers(errno))) return undefined
  return error.number('errno') || named || errno === 4031 ? errno : undefined
}

const isConnected = (phase: Circumstances['phase']): boolean => phase === 'statement' || phase === 'commit'

function code(error: Look, { phase, named }: Circumstances): Finding | undefined {
  const { code: own, message } = error
  if (Object.hasOwn(BY_OWN_CODE, own)) {
    const reason = BY_OWN_CODE[own] as ReasonId
    return { reason, code: own, message, ...(own === 'HANDSHAKE_SSL_ERROR' ? tlsAdvice(own, message) : {}) }
  }
  const errno = errnoOf(error, named)
  if (errno === undefined) return undefined
  const base = { code: String(errno), message: error.text('sqlMessage') || message }
  if (isDrivers(errno)) {
    const late = [45026, 45039, 45042].includes(errno)
    if (late) return { ...base, reason: isConnecting(phase) ? 'connect-timeout' : 'statement-timeout' }
    return { ...base, reason: BY_CLIENT_ERRNO.get(errno) ?? 'client-misuse' }
  }
  return { ...base, ...meaning(errno, base.message, isConnected(phase)) }
}

/** mysql2 and mariadb. Source of the texts: where mysql2's lib/ creates errors without a code. */
export const mysqlRules: Rules = {
  drivers: ['mysql2', 'mariadb', 'mysql', 'mysql2/promise', 'mariadb/callback'],
  behind: error => ([45028, 45060, 45061].includes(error.number('errno') ?? 0) ? ['cause'] : []),
  code,
  classes: {},
  texts: [
    [/ in closed state$/, 'connection-lost'],
    [/^No connections available\.$|^Queue limit reached\.$/, 'pool-exhausted'],
    [/^Pool is closed\.$/, 'client-misuse'],
    [/^Server requests authentication using unknown plugin/, 'protocol-mismatch'],
    [/connection config property must be a string$|^Unknown (charset|SSL profile) '/, 'client-misuse'],
    [/^Bind parameters must|^error parsing connection string/, 'client-misuse'],
    [/^No Connection available for '|^No node have been added to cluster/, 'pool-exhausted'],
    [/^Query inactivity timeout$/, TIME_LIMIT],
  ],
  // 1180 and 1196: an error during COMMIT, an incomplete ROLLBACK.
  rejected: (error, { reason }) => {
    const errno = errnoOf(error, true)
    return (
      errno !== undefined && isServers(errno) && reason !== 'connection-lost' && ![1180, 1196].includes(errno)
    )
  },
}
