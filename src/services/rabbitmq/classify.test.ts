import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classifyRabbitmq, meaning } from './classify.js'

test.each<[number, string, ReasonId]>([
  [320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", 'connection-lost'],
  [402, 'INVALID_PATH - x', 'database-not-found'],
  [403, "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'app'", 'access-denied'],
  [406, "PRECONDITION_FAILED - inequivalent arg 'durable'", 'query-error'],
  [404, "NOT_FOUND - no queue 'q' in vhost '/'", 'query-error'],
  [501, 'FRAME_ERROR - x', 'protocol-mismatch'],
  [502, 'SYNTAX_ERROR - x', 'protocol-mismatch'],
  [503, 'COMMAND_INVALID - x', 'protocol-mismatch'],
  [504, "CHANNEL_ERROR - expected 'channel.open'", 'protocol-mismatch'],
  [505, 'UNEXPECTED_FRAME - x', 'protocol-mismatch'],
  [506, 'RESOURCE_ERROR - x', 'resource-exhausted'],
  [530, "NOT_ALLOWED - access to vhost '/' refused for user 'app'", 'access-denied'],
  [541, 'INTERNAL_ERROR - x', 'connection-lost'],
])('the code %i (%s) means %s', (code, text, reason) => {
  expect(meaning(code, text, false)).toMatchObject({ reason })
  expect(meaning(code, text, false)).not.toHaveProperty('byText')
})

describe('where one code has several meanings, the text tells that', () => {
  test.each<[number, string, ReasonId, string]>([
    [530, 'NOT_ALLOWED - vhost nosuch not found', 'database-not-found', 'add_vhost'],
    [
      530,
      "NOT_ALLOWED - access to vhost '/' refused for user 'app': connection limit (1) is reached",
      'too-many-connections',
      'set_vhost_limits',
    ],
    [
      530,
      "NOT_ALLOWED - connection refused for user 'app': user connection limit (1) is reached",
      'too-many-connections',
      'set_user_limits',
    ],
    [530, 'NOT_ALLOWED - number of channels opened (2) has reached', 'too-many-connections', 'limit'],
    [
      406,
      "PRECONDITION_FAILED - cannot declare queue 'q': queue limit in vhost '/' (1) is reached",
      'resource-exhausted',
      'set_vhost_limits',
    ],
    [541, "INTERNAL_ERROR - vhost '/' is down", 'server-not-ready', 'restart_vhost'],
  ])('%i %s', (code, text, reason, advice) => {
    const { advice: given, ...found } = meaning(code, text, true)
    expect(found).toEqual({ reason, byText: true })
    expect(given).toContain(advice)
  })

  test('unless the name of a virtual host or queue only looks like it', () => {
    const text = "NOT_ALLOWED - access to vhost 'disk' refused for user 'memory'"
    expect(meaning(530, text, true).reason).toBe('access-denied')
    const queue = "ACCESS_REFUSED - access to queue 'disk-usage' in vhost '/' refused for user 'app'"
    expect(meaning(403, queue, false).reason).toBe('access-denied')
  })
})

test('403 is a rejected login on the way in, and a missing right afterwards', () => {
  const text = "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'app'"
  expect(meaning(403, text, true).reason).toBe('authentication-failed')
  expect(meaning(403, text, false).advice).toContain('set_permissions')
})

test('an error with code and class is a close, and any other is left to others', () => {
  const message = 'Channel closed by server: 404 (NOT-FOUND) with message "x"'
  expect(classifyRabbitmq(Object.assign(new Error(message), { code: 404, classId: 50 }))).toEqual({
    reason: 'query-error',
    code: '404',
    message,
  })
  for (const other of [
    null,
    undefined,
    404,
    {},
    new Error(message),
    { code: 404, message },
    { code: 404, classId: 50 },
  ])
    expect(classifyRabbitmq(other)).toBeUndefined()
})
