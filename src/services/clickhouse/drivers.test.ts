import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classify } from '../classify.js'

class ClickHouseError extends Error {}

const modern = (code: number, type = 'SOME_ERROR') =>
  Object.assign(new ClickHouseError('as it is'), { code: String(code), type })

const of = (error: unknown, phase?: 'connect' | 'statement') =>
  classify(error, { driver: '@clickhouse/client', ...(phase ? { phase } : {}) })

describe('a code', () => {
  const numbers: [ReasonId, number[]][] = [
    ['connection-lost', [95, 96, 209, 210]],
    ['server-not-ready', [225, 253, 279, 999]],
    ['resource-exhausted', [173, 201, 202, 241, 243, 252]],
    ['authentication-failed', [192, 193, 194, 516]],
    ['access-denied', [195, 291, 497]],
    ['database-not-found', [81]],
    ['read-only', [164, 242]],
    ['statement-timeout', [159, 160, 394]],
    ['query-error', [46, 47, 60, 62, 115, 1002]],
  ]
  test.each(numbers.flatMap(([reason, list]) => list.map(code => [code, reason] as const)))(
    '%i means %s, in the modern format and in the old one',
    (code, reason) => {
      const old = new Error(`Code: ${code}, e.displayText() = DB::Exception: x, e.what() = DB::Exception\n`)
      for (const error of [modern(code), old])
        expect(classify(error)).toMatchObject({ reason, code: String(code), byText: false })
    },
  )

  test('that is newer is known by its name', () => {
    expect(classify(modern(2100, 'USER_SESSION_LIMIT_EXCEEDED')).reason).toBe('too-many-connections')
    expect(classify(modern(2101, 'SERVER_OVERLOADED')).reason).toBe('resource-exhausted')
  })

  test('in the middle of a body that was to be JSON is found in the parser’s complaint', () => {
    const error = new SyntaxError(`Unexpected token 'C', "Code: 159."... is not valid JSON`)
    expect(classify(error)).toMatchObject({ reason: 'statement-timeout', code: '159', byText: true })
  })
})

test('"Timeout error." is of the connection or of the statement, as the phase says', () => {
  const error = new Error('Timeout error.')
  expect(of(error, 'connect').reason).toBe('connect-timeout')
  expect(of(error, 'statement').reason).toBe('statement-timeout')
  expect(of(error).reason).toBe('statement-timeout')
})

test.each<[number, ReasonId]>([
  [401, 'authentication-failed'],
  [403, 'access-denied'],
  [404, 'protocol-mismatch'],
  [429, 'resource-exhausted'],
  [502, 'server-not-ready'],
  [503, 'server-not-ready'],
  [504, 'server-not-ready'],
])('a proxy’s page titled %i means %s', (status, reason) => {
  const page = `<html><head><title>${status} something</title></head><body>nginx</body></html>`
  expect(of(new Error(page))).toMatchObject({ reason, byText: true })
})

test.each<[string, ReasonId]>([
  ['Service Unavailable', 'server-not-ready'],
  ['upstream connect error or disconnect/reset before headers', 'server-not-ready'],
  ['', 'server-not-ready'],
  [
    'Port 9000 is for clickhouse-client program.\r\nYou must use port 8123 for HTTP.\r\n',
    'protocol-mismatch',
  ],
  ['ClickHouse URL is malformed. Expected format: http[s]://…', 'client-misuse'],
  ['Unknown URL parameters: x', 'client-misuse'],
])('"%s" means %s', (message, reason) => {
  expect(of(new Error(message))).toMatchObject({ reason, byText: true })
})

test('a message that is empty tells something only where the driver is named', () => {
  expect(classify(new Error('')).reason).toBe('unknown')
})

test('a request that finds no server is refused in every phase: there was no session to lose', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
  expect(of(error, 'statement').reason).toBe('connection-refused')
})

test('what stops an INSERT half-way is no rejection, since there are no transactions', () => {
  expect(of(modern(159), 'statement').outcome).toBe('unknown')
  expect(of(modern(241), 'statement').outcome).toBe('unknown')
  expect(of(modern(60), 'statement').outcome).toBe('rejected')
  expect(of(modern(497), 'statement').outcome).toBe('rejected')
})
