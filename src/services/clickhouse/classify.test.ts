import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classifyClickHouse } from './classify.js'

describe('an exception', () => {
  test.each<[number, ReasonId]>([
    [60, 'query-error'],
    [81, 'database-not-found'],
    [159, 'statement-timeout'],
    [164, 'read-only'],
    [193, 'authentication-failed'],
    [202, 'resource-exhausted'],
    [241, 'resource-exhausted'],
    [291, 'access-denied'],
    [497, 'access-denied'],
    [516, 'authentication-failed'],
  ])('of code %i means %s, in the format of old servers and of new ones', (code, reason) => {
    for (const message of [
      `Code: ${code}, e.displayText() = DB::Exception: what it says, e.what() = DB::Exception\n`,
      `Code: ${code}. DB::Exception: what it says (SOME_NAME) (version 24.8.4.13 (official build))\n`,
      `Code: ${code}. DB::NetException: what it says`,
    ])
      expect(classifyClickHouse({ message })).toMatchObject({
        reason,
        code: String(code),
        message: 'what it says',
      })
  })

  test('that is newer is known by its name', () => {
    const message =
      'Code: 700. DB::Exception: too many sessions. (USER_SESSION_LIMIT_EXCEEDED) (version 24.8.1.1)'
    expect(classifyClickHouse({ message })).toMatchObject({ reason: 'too-many-connections', code: '700' })
  })

  test('of a database that is missing says how to get it', () => {
    const message =
      "Code: 81, e.displayText() = DB::Exception: Database x doesn't exist, e.what() = DB::Exception"
    expect(classifyClickHouse({ message })?.advice).toContain('CREATE DATABASE')
  })
})

test.each([null, undefined, 'Code: 81', {}, { message: 7 }, { message: 'Code: x. DB::Exception: y' }])(
  'what is no exception of ClickHouse, %j, is left to others',
  error => expect(classifyClickHouse(error)).toBeUndefined(),
)
