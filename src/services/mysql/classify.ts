import { tlsAdvice } from '../../core/classify.js'
import type { Look } from '../../core/look.js'
import type { ReasonId } from '../../core/reasons.js'
import { byNumber, type Circumstances, isConnecting, type Rules, TIME_LIMIT } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/**
 * The server's errno → reason; any other is an error of the statement. Sources: MySQL's share/messages_to_clients.txt
 * (mysqld_error.h), MariaDB's errmsg-utf8.txt. 1–999 and 2000–2999 are the storage engine's and libmysql's.
 * Never by `code`: each driver has the names of one of the two servers, which use the numbers above 1900 differently.
 */
const BY_ERRNO = byNumber({
  'connection-lost': [
    1053, 1077, 1078, 1079, 1080, 1152, 1154, 1155, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 2055,
    3169, 4031,
  ],
  'server-not-ready': [1047, 3032, 3168],
  'too-many-connections': [1040, 1203, 1226],
  'resource-exhausted': [
    1021, 1037, 1038, 1041, 1114, 1135, 1197, 1637, 1878, 3015, 3019, 3044, 3170, 3675, 3985,
  ],
  'authentication-failed': [1045, 1275, 1698, 1820, 1862, 1873, 3118, 3955, 4150, 4151],
  'access-denied': [1042, 1095, 1129, 1130, 1142, 1143, 1227, 1370, 3879],
  'database-not-found': [1049],
  'tls-failure': [3159],
  'protocol-mismatch': [1043, 1156, 1157, 1251, 1835],
  'read-only': [1290, 1792, 1836, 1874, 3989],
  'statement-timeout': [1028, 1317, 1969, 3024],
  'transaction-conflict': [
    1020, 1180, 1205, 1206, 1213, 1402, 1412, 1613, 1614, 1689, 3058, 3101, 3132, 3133, 3572,
  ],
})

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

const isServers = (errno: number): boolean => errno >= 1000 && errno < 10_000
const isDrivers = (errno: number): boolean => errno > 45_000 && errno < 46_000

/** mysql2 puts the number of an unsolicited error, such as 4031, into `code`. */
function errnoOf(error: Look, named: boolean): number | undefined {
  const errno = error.number('errno') ?? error.number('code')
  if (errno === undefined || !(isServers(errno) || isDrivers(errno))) return undefined
  return error.number('errno') || named || errno === 4031 ? errno : undefined
}

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
  return { ...base, ...meaning(errno, base.message, phase) }
}

function meaning(errno: number, message: string, phase: Circumstances['phase']): Omit<Finding, 'message'> {
  // Without a right on the database the server does not tell whether there is one.
  if (errno === 1044)
    return {
      reason: phase === 'statement' || phase === 'commit' ? 'access-denied' : 'database-not-found',
      advice: 'The database does not exist, or the user has no right to it: create it, or GRANT.',
    }
  if (errno === 1290 && /--(secure|skip)/.test(message)) return { reason: 'query-error', byText: true }
  if (errno === 1153)
    return { reason: 'query-error', advice: 'Send less at once, or raise max_allowed_packet.' }
  const reason = BY_ERRNO.get(errno)
  // The storage engine's message carries the errno of the operating system: no space, no descriptors.
  if (!reason && /\berr(or|no:?) "?(23|24|28|122)\b/i.test(message))
    return { reason: 'resource-exhausted', byText: true }
  return { reason: reason ?? 'query-error' }
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
