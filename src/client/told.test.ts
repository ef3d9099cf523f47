import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { classify } from '../services/classify.js'
import { failure, told } from './told.js'

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
