import { describe, expect, test } from 'vitest'
import { Look } from '../../core/look.js'
import type { ReasonId } from '../../core/reasons.js'
import type { Phase } from '../../core/rules.js'
import { classify } from '../classify.js'
import { mysqlRules } from './drivers.js'

const failed = (errno: number, message = 'as it is', more: object = {}) =>
  Object.assign(new Error(message), { errno, sqlMessage: message, ...more })

const reasonOf = (error: unknown, phase?: Phase) =>
  classify(error, { driver: 'mysql2', ...(phase ? { phase } : {}) }).reason

describe('an errno of the server', () => {
  const numbers: [ReasonId, number[]][] = [
    ['connection-lost', [1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 3169, 4031]],
    ['server-not-ready', [1047, 3032, 3168]],
    ['too-many-connections', [1040, 1203, 1226]],
    ['resource-exhausted', [1021, 1037, 1038, 1041, 1114, 1135, 3675]],
    ['authentication-failed', [1045, 1698, 1820, 1862, 3118, 3955, 4150, 4151]],
    ['access-denied', [1129, 1130, 1142, 1227]],
    ['database-not-found', [1044, 1049]],
    ['tls-failure', [3159]],
    ['protocol-mismatch', [1043, 1251]],
    ['read-only', [1290, 1792, 1836, 1874]],
    ['statement-timeout', [1028, 1317, 1969, 3024]],
    ['transaction-conflict', [1020, 1180, 1205, 1206, 1213, 3101, 3572]],
    ['query-error', [1048, 1062, 1064, 1146, 1153, 3819, 4025]],
  ]
  test.each(numbers.flatMap(([reason, list]) => list.map(errno => [errno, reason] as const)))(
    '%i means %s, whatever the driver calls it',
    (errno, reason) => {
      for (const code of [undefined, 'UNKNOWN', 'ER_UNUSED_1', 'ER_BULK_PARSER_INCOMPLETE_ESCAPE_SEQUENCE'])
        expect(classify(failed(errno, 'x', { code }))).toMatchObject({ reason, code: String(errno) })
    },
  )

  test('1044 is a right that is missing once there is a session; before, the database may be missing', () => {
    for (const phase of ['acquire', 'connect'] as const) {
      expect(reasonOf(failed(1044), phase)).toBe('database-not-found')
    }
    for (const phase of ['statement', 'commit'] as const)
      expect(reasonOf(failed(1044), phase)).toBe('access-denied')
    expect(classify(failed(1044)).advice).toContain('GRANT')
  })

  test('1290 names the option, and only some make the server read-only', () => {
    expect(reasonOf(failed(1290, 'The server is running with the --read-only option'))).toBe('read-only')
    expect(reasonOf(failed(1290, 'The server is running with the --secure-file-priv option'))).toBe(
      'query-error',
    )
  })

  test('of the storage engine names what of the operating system is used up', () => {
    expect(reasonOf(failed(1030, 'Got error 28 "No space left on device" from storage engine'))).toBe(
      'resource-exhausted',
    )
    expect(reasonOf(failed(1016, "Can't open file: 't.ibd' (errno: 24)"))).toBe('resource-exhausted')
    expect(reasonOf(failed(1030, 'Got error 168 from storage engine'))).toBe('query-error')
  })

  test('may come as the code of an unsolicited error', () => {
    expect(classify(Object.assign(new Error('gone'), { code: 4031 }))).toMatchObject({
      reason: 'connection-lost',
      code: '4031',
    })
    expect(reasonOf(Object.assign(new Error('gone'), { code: 1053 }))).toBe('connection-lost')
    expect(classify(Object.assign(new Error('gone'), { code: 1053 })).reason).toBe('unknown')
  })

  test('that is Node’s is left to the transport rules', () => {
    const error = Object.assign(new Error('connect EHOSTUNREACH'), { code: 'EHOSTUNREACH', errno: -113 })
    expect(reasonOf(error)).toBe('host-unreachable')
  })
})

test.each<[number, ReasonId]>([
  [45001, 'connection-lost'],
  [45009, 'connection-lost'],
  [45011, 'protocol-mismatch'],
  [45012, 'connect-timeout'],
  [45013, 'connection-lost'],
  [45023, 'tls-failure'],
  [45026, 'statement-timeout'],
  [45027, 'client-misuse'],
  [45028, 'pool-exhausted'],
  [45044, 'client-misuse'],
  [45046, 'query-error'],
  [45056, 'tls-failure'],
])('%i of MariaDB’s driver means %s', (errno, reason) => {
  expect(classify(failed(errno), { driver: 'mariadb' }).reason).toBe(reason)
})

test('a socket time-out on the way to the session is one of the connection', () => {
  expect(reasonOf(failed(45026), 'connect')).toBe('connect-timeout')
})

test.each([45028, 45060, 45061])('%i hides the reason in its cause, if it has one', errno => {
  const cause = failed(1045)
  expect(classify(Object.assign(failed(errno), { cause }), { driver: 'mariadb' })).toMatchObject({
    reason: 'authentication-failed',
    code: '1045',
  })
})

test.each<[string, ReasonId]>([
  ['PROTOCOL_CONNECTION_LOST', 'connection-lost'],
  ['PROTOCOL_SEQUENCE_TIMEOUT', 'statement-timeout'],
  ['PROTOCOL_ERROR', 'protocol-mismatch'],
  ['HANDSHAKE_NO_SSL_SUPPORT', 'tls-failure'],
  ['HANDSHAKE_UNKNOWN_ERROR', 'protocol-mismatch'],
  ['POOL_NONEONLINE', 'pool-exhausted'],
])('mysql2’s own code %s means %s', (code, reason) => {
  expect(classify(Object.assign(new Error('x'), { code, syscall: 'query' }))).toMatchObject({ reason, code })
})

test('a failed TLS handshake is told by what mysql2 leaves of it', () => {
  const error = Object.assign(new Error('self-signed certificate'), { code: 'HANDSHAKE_SSL_ERROR' })
  expect(classify(error)).toMatchObject({
    reason: 'tls-failure',
    advice: expect.stringContaining('The authority is not trusted'),
  })
})

test.each<[string, ReasonId]>([
  ["Can't add new command when connection is in closed state", 'connection-lost'],
  ["Can't write in closed state", 'connection-lost'],
  ['No connections available.', 'pool-exhausted'],
  ['Queue limit reached.', 'pool-exhausted'],
  ['Pool is closed.', 'client-misuse'],
  ['Bind parameters must not contain undefined', 'client-misuse'],
])('"%s" means %s, and is flagged as text', (message, reason) => {
  expect(classify(new Error(message))).toMatchObject({ reason, byText: true })
})

test('an error of the server is a rejection, unless it is about the connection or about a COMMIT', () => {
  const rejected = (errno: number, reason: ReasonId) =>
    mysqlRules.rejected(Look.at(failed(errno)), { reason, message: '' })
  expect(rejected(1062, 'query-error')).toBe(true)
  expect(rejected(1213, 'transaction-conflict')).toBe(true)
  expect(rejected(1053, 'connection-lost')).toBe(false)
  expect(rejected(1180, 'transaction-conflict')).toBe(false)
  expect(rejected(45013, 'connection-lost')).toBe(false)
})
