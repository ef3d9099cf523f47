import { byNumber } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { MalformedError } from '../../wire/mysql.js'
import { adviceFor } from './advice.js'

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

/** Is it a number of the server's, and no other? */
export const isServers = (errno: number): boolean => errno >= 1000 && errno < 10_000

/** What the server's errno means on the way to a session, or `connected`, once there is one. */
export function meaning(errno: number, message: string, connected: boolean): Omit<Finding, 'message'> {
  // Without a right on the database the server does not tell whether there is one.
  if (errno === 1044)
    return {
      reason: connected ? 'access-denied' : 'database-not-found',
      advice: 'The database does not exist, or the user has no right to it: create it, or GRANT.',
    }
  if (errno === 1290 && /--(secure|skip)/.test(message)) return { reason: 'query-error', byText: true }
  const reason = BY_ERRNO.get(errno)
  // The storage engine's message carries the errno of the operating system: no space, no descriptors.
  if (!reason && /\berr(or|no:?) "?(23|24|28|122)\b/i.test(message))
    return { reason: 'resource-exhausted', byText: true }
  return { reason: reason ?? 'query-error', ...adviceFor(errno, message) }
}

/** What an error of the server means, by its errno; undefined where it has none. */
export function classifyMysql(error: unknown, connected = false): Finding | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if (error instanceof MalformedError) return { reason: 'protocol-mismatch', message: error.message }
  const { errno, message = '' } = error as { errno?: unknown; message?: string }
  if (typeof errno !== 'number' || !isServers(errno)) return undefined
  return { code: String(errno), message, ...meaning(errno, message, connected) }
}
