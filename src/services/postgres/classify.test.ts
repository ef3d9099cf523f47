import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { Fields } from '../../wire/postgres.js'
import { classifyPostgres, fromPgBouncer } from './classify.js'

const fromServer = { routine: 'auth_failed', severity: 'FATAL' }

describe('a SQLSTATE', () => {
  const states: [ReasonId, string[]][] = [
    ['server-not-ready', ['57P03']],
    ['connection-lost', ['57P01', '57P02', '57P05', '25P03', '25P04', '08000', '08003', '08006', '08007']],
    ['too-many-connections', ['53300']],
    ['resource-exhausted', ['53000', '53100', '53200', '53400', '58000', '58030', '58P01']],
    ['authentication-failed', ['28P01']],
    ['access-denied', ['28000']],
    ['database-not-found', ['3D000', '57P04']],
    ['read-only', ['25006']],
    ['statement-timeout', ['57014']],
    ['transaction-conflict', ['40000', '40001', '40P01', '40002', '55P03']],
    ['protocol-mismatch', ['08P01']],
    ['query-error', ['42601', '42P01', '3F000', '22012', '23505', '25001', '57P06', 'XX000', 'P0001']],
  ]
  test.each(states.flatMap(([reason, list]) => list.map(code => [code, reason] as const)))(
    '%s means %s',
    (code, reason) => {
      expect(classifyPostgres({ code, message: 'as it is', ...fromServer })).toEqual({
        reason,
        code,
        message: 'as it is',
      })
    },
  )

  test('28000 is a rejected login where the role does not exist', () => {
    const error = { code: '28000', message: 'role "x" does not exist', severity: 'FATAL' }
    expect(classifyPostgres({ ...error, routine: 'InitializeSessionUserId' })?.reason).toBe(
      'authentication-failed',
    )
    expect(classifyPostgres({ ...error, routine: 'ClientAuthentication' })?.reason).toBe('access-denied')
    expect(classifyPostgres(error)?.reason).toBe('access-denied')
  })

  test.each<[string, ReasonId]>([
    ['42501', 'access-denied'],
    ['55000', 'access-denied'],
    ['42704', 'client-misuse'],
  ])('%s ends a login as %s, and is an error of the statement later', (code, reason) => {
    expect(classifyPostgres({ code, severity: 'FATAL' })?.reason).toBe(reason)
    expect(classifyPostgres({ code, severity: 'PANIC' })?.reason).toBe(reason)
    expect(classifyPostgres({ code, severity: 'ERROR' })?.reason).toBe('query-error')
  })

  test('comes with the server’s detail', () => {
    expect(classifyPostgres({ code: '53300', message: 'sorry', detail: 'all in use' })?.message).toBe(
      'sorry (all in use)',
    )
  })
})

describe('PgBouncer’s 08P01', () => {
  const texts: [string, ReasonId][] = [
    ['no more connections allowed (max_client_conn)', 'too-many-connections'],
    ['no such database: nosuch', 'database-not-found'],
    ['FATAL: database "nosuch" does not exist', 'database-not-found'],
    ['password authentication failed for user "app"', 'authentication-failed'],
    ['SASL authentication failed', 'authentication-failed'],
    ['auth failed', 'authentication-failed'],
    ['query_wait_timeout', 'pool-exhausted'],
    ['the database system is starting up', 'server-not-ready'],
    ['bouncer config error: database "x" is disabled', 'server-not-ready'],
    ['query timeout', 'statement-timeout'],
    ['query_timeout', 'statement-timeout'],
    ['idle transaction timeout', 'statement-timeout'],
    ['idle_transaction_timeout', 'statement-timeout'],
    ['client_idle_timeout', 'connection-lost'],
    ['server conn crashed?', 'connection-lost'],
    ['database removed', 'connection-lost'],
    ['unsupported startup parameter: statement_timeout', 'client-misuse'],
    ['something new', 'connection-lost'],
  ]
  test.each(texts)('with the text "%s" means %s', (message, reason) => {
    expect(classifyPostgres({ code: '08P01', message, severity: 'FATAL' })).toMatchObject({
      reason,
      code: '08P01',
      message,
      byText: true,
    })
  })

  test('comes with advice, where its configuration has to be corrected', () => {
    const refused = { code: '08P01', message: 'no such database: nosuch', severity: 'FATAL' }
    expect(classifyPostgres(refused)?.advice).toContain('pgbouncer.ini')
  })

  test('is known by the routine that is missing', () => {
    expect(fromPgBouncer({ code: '08P01' })).toBe(true)
    expect(fromPgBouncer({ code: '08P01', routine: 'ProcessStartupPacket' })).toBe(false)
    expect(fromPgBouncer({ code: '28P01' })).toBe(false)
  })
})

test('bytes that the protocol does not allow are another protocol', () => {
  const malformed = (() => {
    try {
      return new Fields(new Uint8Array()).byte()
    } catch (error) {
      return error
    }
  })()
  expect(classifyPostgres(malformed)).toMatchObject({ reason: 'protocol-mismatch' })
})

test.each([
  null,
  undefined,
  'text',
  {},
  { code: 5432 },
  { code: 'EPIPE' },
  { code: 'ECONNREFUSED' },
  { code: '5730' },
])('what has no SQLSTATE, %j, is left to the transport rules', error =>
  expect(classifyPostgres(error)).toBeUndefined(),
)
