import { describe, expect, test } from 'vitest'
import { MalformedError } from '../../wire/mysql.js'
import { classifyMysql } from './classify.js'

const error = (errno: number, message = 'as it is') => ({ errno, message })

describe('an error of the server', () => {
  test('is told by its number, with the message as it is', () => {
    expect(classifyMysql(error(1040, 'Too many connections'))).toEqual({
      reason: 'too-many-connections',
      code: '1040',
      message: 'Too many connections',
    })
  })

  test('1044 is a right that is missing in a session, and perhaps a database on the way to one', () => {
    expect(classifyMysql(error(1044))?.reason).toBe('database-not-found')
    expect(classifyMysql(error(1044), true)?.reason).toBe('access-denied')
  })

  test.each([
    [1047, 'wsrep_cluster_status'],
    [1129, 'FLUSH HOSTS'],
    [1130, 'CREATE USER'],
    [1698, 'mysql+unix://'],
    [1862, 'expired'],
    [3118, 'UNLOCK'],
    [3159, 'sslmode=require'],
    [3955, 'UNLOCK'],
    [4150, 'FLUSH PRIVILEGES'],
    [4151, 'UNLOCK'],
  ])('%i comes with advice that names %s', (errno, words) => {
    expect(classifyMysql(error(errno))?.advice).toContain(words)
  })

  test('1045 without a password says that none was given', () => {
    const denied = (using: string) => error(1045, `Access denied for user 'a'@'b' (using password: ${using})`)
    expect(classifyMysql(denied('NO'))?.advice).toContain('No password was given')
    expect(classifyMysql(denied('YES'))?.advice).toBeUndefined()
  })
})

test('bytes that are no packet are a mismatch', () => {
  expect(classifyMysql(new MalformedError('a field of 8 bytes, 2 left'))?.reason).toBe('protocol-mismatch')
})

test.each([
  undefined,
  null,
  'Error',
  {},
  { errno: -113 },
  { errno: '1045' },
  { errno: 2002 + 40_000 },
  new Error('x'),
])('what has no number of the server is left to the transport rules: %s', value => {
  expect(classifyMysql(value)).toBeUndefined()
})
