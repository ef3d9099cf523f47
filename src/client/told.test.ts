import { inspect } from 'node:util'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { classify } from '../services/classify.js'
import { failure, isTold, retold, suppress, told } from './told.js'

const unique = () =>
  Object.assign(new pg.DatabaseError('duplicate key', 1, 'error'), { code: '23505', severity: 'ERROR' })

describe('an error that a helper has told of', () => {
  test("stays the driver's own", () => {
    const error = unique()
    expect(told(error, { driver: 'pg', phase: 'statement', sent: true })).toBe(error)
    expect(Object.keys(error)).not.toContain('holdfast')
    expect(error).toMatchObject({ code: '23505', holdfast: { reason: 'query-error', outcome: 'rejected' } })
  })

  test('keeps what was told first', () => {
    const error = told(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), {
      phase: 'commit',
      sent: true,
    })
    expect(told(error, { phase: 'idle' }).holdfast).toMatchObject({ phase: 'commit', outcome: 'unknown' })
  })

  test('is classified by what was told, also within what wraps it', () => {
    const error = told(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), {
      phase: 'statement',
      sent: false,
    })
    for (const seen of [error, new Error('no coupon', { cause: error })])
      expect(classify(seen)).toMatchObject({
        reason: 'connection-lost',
        phase: 'statement',
        outcome: 'not-sent',
        httpStatus: 503,
      })
  })

  test("hides the statement's values from loggers, and leaves them readable", () => {
    const sql = "INSERT INTO card VALUES ('4111111111111111')"
    const command = { name: 'set', args: ['card', '4111111111111111'] }
    const error = Object.assign(new Error('failed'), { sql, command, errno: 1062 })
    expect(told(error, { driver: 'mysql2', phase: 'statement', sent: true })).toBe(error)
    expect(inspect(error) + JSON.stringify(error)).not.toContain('4111')
    expect(inspect(error)).toContain('1062')
    expect([error.sql, error.command]).toEqual([sql, command])
    const aborted = told(new Error('EXECABORT Transaction discarded'), { driver: 'ioredis' })
    Object.assign(aborted, { previousErrors: [new Error("unknown command, with args '4111'")] })
    expect(inspect(aborted)).not.toContain('4111')
  })

  test('is one whatever the getters and proxies of what was thrown do', () => {
    const evil = (): never => {
      throw new Error('evil')
    }
    const getters = Object.defineProperties(new Error('x'), {
      holdfast: { get: evil },
      suppressed: { get: evil },
    })
    const traps = { get: evil, has: evil, getPrototypeOf: evil, defineProperty: evil, isExtensible: evil }
    for (const thrown of [getters, new Proxy(new Error('x'), traps), new Proxy({}, traps)]) {
      expect(isTold(thrown)).toBe(false)
      expect(isTold(told(thrown, { phase: 'statement' }))).toBe(true)
      expect(suppress(thrown, new Error('later')) === thrown).toBe(true)
    }
  })

  test('is told anew once it is known that nothing took effect', () => {
    const lost = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    for (const sent of [true, false]) {
      const error = told(Object.assign(new Error('', { cause: lost })), { phase: 'statement', sent })
      retold(error, 'rejected')
      expect(classify(error)).toMatchObject({
        ...{ reason: 'connection-lost', phase: 'statement', outcome: 'rejected', httpStatus: 500 },
        ...{ code: 'ECONNRESET', advice: expect.not.stringContaining('not known') },
      })
    }
    expect(() => retold(Object.freeze(told(new Error('x'), {})), 'rejected')).not.toThrow()
  })

  test('is one also where it cannot take a property, or is no error', () => {
    for (const thrown of [Object.freeze(new Error('frozen')), 'a text', null])
      expect(told(thrown, { phase: 'statement' }).holdfast.reason).toBe('unknown')
  })
})

test('a failure of ours has a code and the reason that it is made for', () => {
  const error = failure('pool-exhausted', 'none is free', { phase: 'acquire', sent: false })
  expect(error).toMatchObject({
    code: 'POOL_EXHAUSTED',
    holdfast: { reason: 'pool-exhausted', outcome: 'not-sent', httpStatus: 503 },
  })
  expect(classify(error).reason).toBe('pool-exhausted')
})
