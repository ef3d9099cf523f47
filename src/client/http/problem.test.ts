import { get } from 'node:http'
import fc from 'fast-check'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { REASONS, type ReasonId } from '../../core/reasons.js'
import { failure, told } from '../told.js'
import { checkErrorOptions, problemOf } from './problem.js'

const database = (code: string, severity = 'ERROR') =>
  Object.assign(new pg.DatabaseError('said by the server', 1, 'error'), { code, severity })

const bare = (fields: object) => Object.assign(new Error('mine'), fields)

const conflict = () => told(database('40001'), { driver: 'pg', phase: 'statement', sent: true })

describe('the answer to an error', () => {
  test.each(Object.keys(REASONS) as ReasonId[])('%s has the status of the table', reason => {
    const answer = problemOf(failure(reason, 'a message', { phase: 'connect', sent: false }))
    const { http, heals } = REASONS[reason]
    expect(answer).toMatchObject({ status: http, body: { status: http, reason, outcome: 'not-sent' } })
    const seconds = { soon: '1', slowly: '5', never: undefined }[heals]
    expect(answer?.headers['retry-after']).toBe(http === 503 ? seconds : undefined)
  })

  test.each(['statement', 'commit'] as const)('promises nothing where %s was lost', phase => {
    const error = told(database('57P03', 'FATAL'), { driver: 'pg', phase, sent: true })
    const answer = problemOf(error)
    expect(answer).toMatchObject({ body: { outcome: 'unknown' } })
    expect(answer?.headers).not.toHaveProperty('retry-after')
  })

  test('is also found in what wraps the error', () => {
    expect(problemOf(new Error('no order', { cause: conflict() }))).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { reason: 'transaction-conflict' },
    })
  })

  test.each([
    ['pg', database('40001'), 503],
    ["pg's socket", new Error('Connection terminated unexpectedly'), 500],
    ["pg-pool's wait", new Error('timeout exceeded when trying to connect'), 503],
    ['postgres.js', bare({ code: 'CONNECT_TIMEOUT', errno: 'CONNECT_TIMEOUT' }), 504],
    ['mysql2', bare({ code: 'ER_DUP_ENTRY', errno: 1062, sqlState: '23000' }), 500],
    ["mysql2's socket", bare({ code: 'ECONNREFUSED', errno: -111, syscall: 'connect', fatal: true }), 503],
    ['ioredis', new (class ReplyError extends Error {})('LOADING Redis is loading'), 503],
    ['mongodb', new (class MongoServerSelectionError extends Error {})('30000 ms'), 504],
  ])('is also found where nobody has told of it, by what only %s gives', (_, error, status) => {
    expect(problemOf(error)?.status).toBe(status)
  })

  test('of a bare socket is found where the driver is named, and no HTTP client tells it', () => {
    const refused = { code: 'ECONNREFUSED', syscall: 'connect' }
    expect(problemOf(bare(refused))).toBeUndefined()
    expect(problemOf(bare(refused), { driver: 'pg' })).toMatchObject({
      status: 503,
      body: { reason: 'connection-refused' },
    })
    expect(problemOf(bare({ ...refused, isAxiosError: true }), { driver: 'pg' })).toBeUndefined()
  })

  test('of a socket is none of ours though node:http really met it', async () => {
    const error = await new Promise(resolve => {
      get({ host: '127.0.0.1', port: 1 }).on('error', resolve)
    })
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    expect(problemOf(error)).toBeUndefined()
  })

  test('has of a pool its four numbers only', () => {
    const pool = {
      name: 'secret-host',
      max: 2,
      used: 2,
      idle: 0,
      waiting: 7,
      total: 2,
      holders: [{ stack: 'at' }],
    }
    const error = Object.assign(failure('pool-exhausted', 'none', { phase: 'acquire' }), { pool })
    expect(problemOf(error)?.body.pool).toEqual({ max: 2, used: 2, idle: 0, waiting: 7 })
    const odd = Object.assign(failure('pool-exhausted', 'none', { phase: 'acquire' }), { pool: { max: 'x' } })
    expect(problemOf(odd)?.body).not.toHaveProperty('pool')
  })
})

describe('what is left to the framework', () => {
  const own = (fields: object, message = 'mine') => Object.assign(new Error(message), fields)
  test.each([
    ['an error with a status of its own', own({ statusCode: 404 })],
    ["one that wraps a database's", own({ status: 409, cause: conflict() })],
    ['a plain error', new Error('mine')],
    ['a file that is not there', own({ code: 'ENOENT', syscall: 'open', path: '/x' })],
    ['a disk that is full', own({ code: 'ENOSPC', syscall: 'write' })],
    ['a stream that broke', own({ code: 'ERR_STREAM_PREMATURE_CLOSE' })],
    ['a request that its client ended', own({ code: 'ECONNRESET' }, 'aborted')],
    [
      'an upstream that fetch did not reach',
      new TypeError('fetch failed', { cause: own({ code: 'ECONNREFUSED', syscall: 'connect' }) }),
    ],
    ['a wait that was given up', new DOMException('The operation timed out', 'TimeoutError')],
    ['a time-out that anybody may have set', own({ code: 'ETIMEDOUT' }, 'timeout')],
    ["got's time-out", own({ name: 'TimeoutError', code: 'ETIMEDOUT', timings: {} })],
    ["p-timeout's", own({ name: 'TimeoutError' }, 'Promise timed out after 50 milliseconds')],
    ["axios' error", own({ isAxiosError: true, code: 'ECONNREFUSED' })],
    ['a queue of the program', own({}, 'Queue limit reached.')],
    ['a channel of a child', own({}, 'Channel closed')],
    ['a number of five digits', own({ code: '42501' })],
    ['an argument', own({ code: 'ERR_INVALID_ARG_TYPE' })],
    [
      'what throws when it is looked at',
      Object.defineProperty(own({}), 'holdfast', {
        get() {
          throw new Error('mine')
        },
      }),
    ],
    ['a text', 'read ECONNRESET'],
    ['nothing', undefined],
  ])('%s', (_, error) => {
    expect(problemOf(error)).toBeUndefined()
  })
})

test('what throws when it is looked at is left to the framework, too', () => {
  const evil = (): never => {
    throw new Error('evil')
  }
  const traps = { get: evil, has: evil, getPrototypeOf: evil }
  expect(problemOf(new Proxy(new Error('x'), traps))).toBeUndefined()
  expect(problemOf(Object.defineProperty(new Error('x'), 'holdfast', { get: evil }))).toBeUndefined()
})

describe('options', () => {
  test('a map answers in place of the table', () => {
    const map = ({ code = '' }) =>
      code === '40001' ? { status: 409, type: 'https://a.example/b', n: 1 } : undefined
    expect(problemOf(conflict(), { map })?.body).toEqual({
      status: 409,
      type: 'https://a.example/b',
      title: 'Conflict',
      n: 1,
    })
    expect(problemOf(database('23505'), { map })?.status).toBe(500)
  })

  test('a map that gives no status of an error is named, with the error as its cause', () => {
    const error = conflict()
    expect(() => problemOf(error, { map: () => ({ status: 200 }) })).toThrow(
      expect.objectContaining({ message: 'map: status 200 is not one from 400 to 599', cause: error }),
    )
  })

  test.each([
    [7, '7'],
    [0, undefined],
    [() => 3, '3'],
    [() => undefined, '1'],
  ])('retryAfterSeconds %s', (retryAfterSeconds, sent) => {
    expect(problemOf(conflict(), { retryAfterSeconds })?.headers['retry-after']).toBe(sent)
  })

  test('what nobody need know is left out', () => {
    expect(problemOf(conflict(), { expose: false, instance: 'urn:uuid:1' })?.body).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      instance: 'urn:uuid:1',
    })
  })

  test('types lead where you say', () => {
    const { body } = problemOf(conflict(), { typeBase: 'https://docs.example/problems/' }) ?? {}
    expect(body?.type).toBe('https://docs.example/problems/transaction-conflict')
  })

  test.each([
    [{ retryAfterSecond: 1 }, 'unknown option retryAfterSecond; did you mean retryAfterSeconds?'],
    [{ retryAfterSeconds: 1.5 }, 'retryAfterSeconds: 1.5 is not a whole number of seconds'],
    [{ map: 409 }, 'map: 409 is not a function'],
    [{ expose: 'no' }, 'expose: a string is not a boolean'],
  ])('%o is refused', (options, message) => {
    expect(() => checkErrorOptions('holdfastErrors', options)).toThrow(message)
  })
})

test('no text of an error comes into an answer, whatever it is and wherever it stands', () => {
  const secret = fc.string({ minLength: 6, maxLength: 30 }).map(text => `§${text}§`)
  const reasons = fc.constantFrom(...(Object.keys(REASONS) as ReasonId[]))
  const phases = fc.constantFrom('acquire', 'connect', 'idle', 'statement', 'commit')
  fc.assert(
    fc.property(
      secret,
      reasons,
      phases,
      fc.constantFrom('23505', '57P01', '28P01', ''),
      (text, reason, phase, code) => {
        const fields = {
          ...{ detail: text, hint: text, where: text, host: text, user: text, password: text, address: text },
          ...{ table: text, constraint: text, query: text, sql: text, hostname: text, routine: text },
        }
        const errors = [
          Object.assign(
            failure(reason, text, { phase, target: text, advice: text, cause: new Error(text) }),
            fields,
            {
              pool: {
                name: text,
                max: 1,
                used: 1,
                idle: 0,
                waiting: 1,
                holders: [{ millis: 1, stack: text }],
              },
            },
          ),
          told(Object.assign(new Error(text), fields, { code }), { driver: 'pg', phase, sent: true }),
          told(Object.assign(new Error(text), fields, { code: text }), { driver: 'pg', phase }),
          new Error(text, { cause: Object.assign(database('28P01', 'FATAL'), fields, { message: text }) }),
        ]
        for (const error of errors) {
          const answer = problemOf(error)
          expect(JSON.stringify([answer?.headers, answer?.body])).not.toContain('§')
        }
        expect(problemOf(errors[0])).toBeDefined()
      },
    ),
  )
})
