import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { findingOf, statusFinding } from './classify.js'

describe('a line that refuses', () => {
  test.each<[string, ReasonId, string]>([
    ['ERROR Too many open connections', 'too-many-connections', 'ERROR'],
    ['CLIENT_ERROR unauthenticated', 'authentication-failed', 'CLIENT_ERROR'],
    ['CLIENT_ERROR authentication failure', 'authentication-failed', 'CLIENT_ERROR'],
    ['SERVER_ERROR out of memory storing object', 'resource-exhausted', 'SERVER_ERROR'],
    ['SERVER_ERROR out of memory writing stats', 'resource-exhausted', 'SERVER_ERROR'],
    ['SERVER_ERROR backend failure', 'server-not-ready', 'SERVER_ERROR'],
    ['SERVER_ERROR Connection refused', 'server-not-ready', 'SERVER_ERROR'],
    ['SERVER_ERROR unavailable', 'server-not-ready', 'SERVER_ERROR'],
    ['SERVER_ERROR Connection reset by peer', 'server-not-ready', 'SERVER_ERROR'],
    ['SERVER_ERROR', 'server-not-ready', 'SERVER_ERROR'],
    ['SERVER_ERROR object too large for cache', 'query-error', 'SERVER_ERROR'],
    ['CLIENT_ERROR bad data chunk', 'query-error', 'CLIENT_ERROR'],
    ['ERROR', 'query-error', 'ERROR'],
    ['NOT_STORED', 'query-error', 'NOT_STORED'],
  ])('"%s" means %s', (line, reason, code) => {
    expect(findingOf(line)).toMatchObject({ reason, code, message: line })
  })

  test('has no code where its word is not known: it may be a secret', () =>
    expect(findingOf('STOREDSECRET').code).toBeUndefined())
})

test.each<[number, ReasonId]>([
  [0x08, 'database-not-found'],
  [0x20, 'authentication-failed'],
  [0x21, 'authentication-failed'],
  [0x24, 'access-denied'],
  [0x81, 'query-error'],
  [0x82, 'resource-exhausted'],
  [0x85, 'server-not-ready'],
  [0x86, 'server-not-ready'],
])('status %i means %s', (status, reason) => {
  const code = `0x${status.toString(16).padStart(2, '0')}`
  expect(statusFinding(status, 'as it says')).toEqual({ reason, code, message: 'as it says' })
  expect(statusFinding(status, '').message).toContain(code)
})
