import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classify } from '../classify.js'

describe('an error of pg, pg-pool or postgres.js', () => {
  test.each<[string, ReasonId]>([
    ['timeout expired', 'connect-timeout'],
    ['Connection terminated due to connection timeout', 'connect-timeout'],
    ['timeout exceeded when trying to connect', 'pool-exhausted'],
    ['Connection terminated unexpectedly', 'connection-lost'],
    ['Connection terminated', 'connection-lost'],
    ['Client has encountered a connection error and is not queryable', 'connection-lost'],
    ['Client was closed and is not queryable', 'client-misuse'],
    ['Query read timeout', 'statement-timeout'],
    ['The server does not support SSL connections', 'tls-failure'],
    ['There was an error establishing an SSL connection', 'tls-failure'],
    ['SASL: Mechanism SCRAM-SHA-256-PLUS requires a certificate', 'tls-failure'],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', 'client-misuse'],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: nonce missing', 'protocol-mismatch'],
    ['SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match', 'authentication-failed'],
    ['Received unexpected parseComplete message from backend.', 'protocol-mismatch'],
    ['received invalid response: 48', 'protocol-mismatch'],
    ['Cannot use a pool after calling end on the pool', 'client-misuse'],
    ['Called end on pool more than once', 'client-misuse'],
  ])('with the text "%s" means %s, and is flagged so', (message, reason) => {
    expect(classify(new Error(message))).toMatchObject({ reason, byText: true })
  })

  test.each<[string, ReasonId]>([
    ['CONNECT_TIMEOUT', 'connect-timeout'],
    ['CONNECTION_CLOSED', 'connection-lost'],
    ['CONNECTION_DESTROYED', 'connection-lost'],
    ['CONNECTION_ENDED', 'client-misuse'],
    ['UNDEFINED_VALUE', 'client-misuse'],
  ])('with the code %s means %s', (code, reason) => {
    expect(classify(Object.assign(new Error('x'), { code, errno: code }))).toMatchObject({ reason, code })
  })

  test('that postgres.js makes by writing to an ended connection counts where the driver is named', () => {
    const error = new TypeError("Cannot read properties of null (reading 'write')")
    expect(classify(error, { driver: 'postgres' }).reason).toBe('connection-lost')
    expect(classify(error).reason).toBe('unknown')
  })

  test.each<[string, ReasonId]>([
    ['client connections exceeded (max_db_client_connections)', 'too-many-connections'],
    ['client_login_timeout (server down)', 'connect-timeout'],
    ['server login has been failing, cached error: connect failed (server_login_retry)', 'server-not-ready'],
    ['server login has been failing, cached error: password authentication failed', 'authentication-failed'],
    ['the database system is shutting down', 'server-not-ready'],
    ['no memory for authentication pool', 'resource-exhausted'],
    ['SSL required', 'tls-failure'],
    ['login rejected', 'access-denied'],
    ['old V2 protocol not supported', 'protocol-mismatch'],
    ['prepared statement did not exist', 'query-error'],
    ['query_wait_timeout', 'pool-exhausted'],
    ['something new', 'connection-lost'],
  ])('of PgBouncer with the text "%s" means %s', (message, reason) => {
    expect(classify({ code: '08P01', message, severity: 'FATAL' })).toMatchObject({ reason, byText: true })
  })

  test('that ends a login is about what the client sent', () => {
    expect(classify({ code: '22023', severity: 'FATAL' }).reason).toBe('client-misuse')
    expect(classify({ code: '0A000', severity: 'FATAL' }).reason).toBe('protocol-mismatch')
    expect(classify({ code: '22023', severity: 'ERROR' }).reason).toBe('query-error')
  })

  test('that Prisma numbered is no SQLSTATE', () => {
    expect(classify(Object.assign(new Error('x'), { code: 'P1001' })).reason).toBe('unknown')
  })

  test('while connecting is a login’s, where the severity is in another language', () => {
    const error = { code: '42501', severity: 'ВАЖНО', message: 'x' }
    expect(classify(error, { phase: 'connect' }).reason).toBe('access-denied')
    expect(classify({ ...error, severity: 'ОШИБКА' }, { phase: 'connect' }).reason).toBe('query-error')
  })

  test('without an entry of pg_hba.conf comes with advice', () => {
    const refused = (how: string) =>
      classify({ code: '28000', severity: 'FATAL', message: `no pg_hba.conf entry for host "::1", ${how}` })
        .advice
    expect(refused('no encryption')).toContain('only with TLS')
    expect(refused('SSL encryption')).toContain('Add a line')
  })
})

describe('what became of the statement', () => {
  const outcome = (error: object, phase: 'statement' | 'commit' = 'statement') =>
    classify(error, { driver: 'pg', phase }).outcome

  test('is known where the server answered ERROR, in any of its languages', () => {
    for (const severity of ['ERROR', 'FEHLER', 'ERREUR', 'ОШИБКА']) {
      expect(outcome({ code: '23505', severity })).toBe('rejected')
      expect(outcome({ code: '40001', severity }, 'commit')).toBe('rejected')
      expect(outcome({ code: '57014', severity })).toBe('rejected')
    }
    expect(outcome({ code: '23505' })).toBe('rejected')
  })

  test('is not known after a FATAL, a word that is no ERROR, class 08 or PgBouncer', () => {
    for (const phase of ['statement', 'commit'] as const) {
      expect(outcome({ code: '57P01', severity: 'FATAL' }, phase)).toBe('unknown')
      expect(outcome({ code: '57P02', severity: 'WARNING' }, phase)).toBe('unknown')
      expect(outcome({ code: 'XX000', severity: 'PANIC' }, phase)).toBe('unknown')
      expect(outcome({ code: '08006', severity: 'ERROR' }, phase)).toBe('unknown')
      expect(outcome({ code: '08P01', severity: 'FATAL', message: 'query_timeout' }, phase)).toBe('unknown')
      expect(outcome({ code: '40003', severity: 'ERROR' }, phase)).toBe('unknown')
      expect(outcome(new Error('Connection terminated unexpectedly'), phase)).toBe('unknown')
    }
  })

  test('is not known where the client itself says that it was cancelled', () => {
    expect(outcome(Object.assign(new Error('57014: canceling'), { code: '57014' }))).toBe('unknown')
  })
})
