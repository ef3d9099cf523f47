import { expect, test } from 'vitest'
import { REASONS, type Reason, type ReasonId } from './reasons.js'

type Row = [Reason['heals'], Reason['retry'], Reason['absent'], Reason['http'], Reason['severity']]

/** The table of the design, written down a second time on purpose. */
const EXPECTED: Readonly<Record<string, Row>> = {
  'dns-failure': ['soon', 'yes', 'yes', 503, 'error'],
  'connection-refused': ['soon', 'yes', 'yes', 503, 'error'],
  'host-unreachable': ['slowly', 'yes', 'yes', 503, 'error'],
  'connect-timeout': ['slowly', 'yes', 'yes', 504, 'error'],
  'connection-lost': ['soon', 'if-unsent', 'yes', 503, 'error'],
  'server-not-ready': ['soon', 'yes', 'after-wait', 503, 'warning'],
  'too-many-connections': ['slowly', 'yes', 'no', 503, 'error'],
  'pool-exhausted': ['soon', 'yes', 'no', 503, 'warning'],
  'resource-exhausted': ['slowly', 'yes', 'no', 503, 'critical'],
  'authentication-failed': ['never', 'no', 'no', 500, 'critical'],
  'access-denied': ['never', 'no', 'no', 500, 'critical'],
  'database-not-found': ['slowly', 'no', 'no', 500, 'critical'],
  'schema-missing': ['soon', 'no', 'no', 500, 'error'],
  unmet: ['soon', 'no', 'no', 500, 'error'],
  'tls-failure': ['never', 'no', 'no', 500, 'critical'],
  'protocol-mismatch': ['never', 'no', 'no', 500, 'critical'],
  'read-only': ['slowly', 'on-primary', 'no', 503, 'error'],
  'statement-timeout': ['slowly', 'if-unsent', 'no', 504, 'warning'],
  'transaction-conflict': ['soon', 'transaction', 'no', 503, 'info'],
  'client-misuse': ['never', 'no', 'no', 500, 'error'],
  'query-error': ['never', 'no', 'no', 500, 'info'],
  unknown: ['slowly', 'no', 'no', 500, 'error'],
}

test.each(Object.entries(EXPECTED))(
  '%s heals, repeats, descends and answers as the table says',
  (id, row) => {
    const { heals, retry, absent, http, severity } = REASONS[id as ReasonId]
    expect([heals, retry, absent, http, severity]).toEqual(row)
  },
)

test('there is no reason beside those of the table', () => {
  expect(Object.keys(REASONS).sort()).toEqual(Object.keys(EXPECTED).sort())
})

test.each(Object.entries(REASONS))(
  '%s says what it means and, in a sentence, what to do next',
  (_, reason) => {
    expect(reason.meaning).toMatch(/^[^A-Z].*[^.]$/)
    expect(reason.next).toMatch(/^[A-Z].*\.$/)
  },
)
