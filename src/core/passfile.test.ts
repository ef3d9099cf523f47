import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Login, passwordIn } from './passfile.js'

const login: Login = { hosts: ['db'], port: 5432, database: 'app', user: 'me' }
const found = (text: string, other: Partial<Login> = {}) => passwordIn(text, { ...login, ...other })

describe('a password file', () => {
  test('gives the password of the first line that fits, with its number', () => {
    expect(
      found('# db:5432:app:me:none\n\nother:5432:app:me:no\ndb:5432:app:me:first\ndb:*:*:*:second\n'),
    ).toEqual({
      password: 'first',
      line: 4,
    })
  })

  test.each([
    ['db:5432:app:me:pw', 'pw'],
    ['*:*:*:*:pw', 'pw'],
    ['db:5432:app:me:a\\:b\\\\c', 'a:b\\c'],
    ['db:5432:app:me:a:b', 'a'],
    ['db:5432:app:me:a\\', 'a\\'],
    ['db:5432:app:me:pw with space ', 'pw with space '],
    ['db:5432:app:me:pw\r', 'pw'],
    ['db:5432:app:me:', ''],
    ['\\d\\b:5432:app:me:pw', 'pw'],
  ])('reads %j as the password %j', (text, password) => expect(found(text)?.password).toBe(password))

  test.each([
    'db:5432:app:me',
    'DB:5432:app:me:pw',
    ' db:5432:app:me:pw',
    '\\*:5432:app:me:pw',
    'd*:5432:app:me:pw',
  ])('has nothing in %j', text => expect(found(text)).toBeUndefined())

  test('takes the colons of an IPv6 address with and without backslashes', () => {
    const hosts = ['::1']
    expect(found('::1:5432:app:me:pw', { hosts })?.password).toBe('pw')
    expect(found('\\:\\:1:5432:app:me:pw', { hosts })?.password).toBe('pw')
  })

  test('gives back whatever was escaped into it', () => {
    const field = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter(text => !/[\r\n]/.test(text) && text !== '*')
    const escaped = (text: string) => text.replace(/[\\:]/g, '\\$&')
    fc.assert(
      fc.property(field, field, field, fc.nat(65_535), field, (host, database, user, port, password) => {
        const line = [host, String(port), database, user, password].map(escaped).join(':')
        fc.pre(!line.startsWith('#'))
        const text = `#${line}\n${line}\n`
        expect(passwordIn(text, { hosts: [host], port, database, user })).toEqual({ password, line: 2 })
      }),
    )
  })

  test('never throws, whatever stands in it', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void found(text)))
  })
})

test('a line of carriage returns without an end takes no time that grows with its square', () => {
  const login = { hosts: ['h'], port: 1, database: 'd', user: 'u' }
  const began = process.hrtime.bigint()
  expect(passwordIn(`${'\r'.repeat(2_000_000)}x\nh:1:d:u:secret\r\r`, login)).toEqual({
    password: 'secret',
    line: 2,
  })
  // Squared it would be an hour.
  expect(Number(process.hrtime.bigint() - began) / 1e9).toBeLessThan(60)
})
