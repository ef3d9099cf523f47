import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Look } from './look.js'

const hostile = (): unknown[] => {
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const traps = { get: boom, has: boom, getPrototypeOf: boom, ownKeys: boom }
  return [
    revoked.proxy,
    new Proxy(new Error('x'), traps),
    Object.create(null),
    Object.defineProperty(new Error('x'), 'message', { get: boom }),
    Object.defineProperty({}, 'constructor', { get: boom }),
    { toString: boom },
    Symbol('x'),
    10n,
    Object.assign(() => 1, { errors: revoked.proxy }),
  ]
}

function boom(): never {
  throw new Error('boom')
}

test('nothing that is thrown makes a look at it throw', () => {
  for (const value of hostile()) {
    const look = Look.at(value)
    for (const key of ['message', 'code', 'errors', 'constructor', '__proto__']) {
      look.text(key)
      look.number(key)
      look.has(key)
      look.inner(key)
      expect(look.list(key)).toEqual([])
    }
    expect([typeof look.message, typeof look.kind, typeof String(look)]).toEqual([
      'string',
      'string',
      'string',
    ])
  }
})

test('a look shows texts and numbers as what they are, and nothing as something else', () => {
  fc.assert(
    fc.property(fc.anything(), fc.string(), (value, key) => {
      const look = Look.at({ [key]: value })
      expect(look.text(key)).toBe(typeof value === 'string' ? value.slice(0, 4000) : '')
      expect(look.number(key)).toBe(Number.isFinite(value) ? value : undefined)
    }),
  )
})

describe('a look', () => {
  test('knows the name of the constructor, which the name of a driver’s error may hide', () => {
    class SocketClosedError extends Error {}
    const look = Look.at(new SocketClosedError('x'))
    expect(look.kind).toBe('SocketClosedError')
    expect(look.is('Error')).toBe(true)
    expect(look.is('SocketClosedError')).toBe(true)
    expect(look.is('Other')).toBe(false)
  })

  test('at a look is that look', () => {
    const look = Look.at(new Error('x'))
    expect(Look.at(look)).toBe(look)
  })

  test('goes into causes and lists, of which it takes the first 32', () => {
    const errors = Array.from({ length: 40 }, (_, i) => new Error(String(i)))
    const look = Look.at(new AggregateError(errors, 'all', { cause: new Error('why') }))
    expect(look.inner('cause')?.message).toBe('why')
    expect(look.list('errors').map(one => one.message)).toEqual(
      Array.from({ length: 32 }, (_, i) => String(i)),
    )
    expect(look.inner('nothing')).toBeUndefined()
    expect(look.list('nothing')).toEqual([])
  })

  test('reads the first 4,000 characters of a message', () => {
    expect(Look.at(new Error('x'.repeat(9000))).message).toHaveLength(4000)
    expect(Look.at('x'.repeat(9000)).message).toHaveLength(4000)
  })

  test.each([
    ['thrown as a text', 'thrown as a text'],
    [42, '42'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{}, ''],
  ])('at %j, which is no error, has a message', (thrown, message) => {
    expect(Look.at(thrown).message).toBe(message)
  })
})
