import { describe, expect, test } from 'vitest'
import { targetOf } from './address.js'

const refused = (text: unknown, env = {}, service = 'postgres') => {
  try {
    targetOf(text as string, service, env)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was taken')
}

describe('libpq’s variables', () => {
  const PG = { PGHOST: 'db', PGPORT: '6432', PGUSER: 'app', PGPASSWORD: 'pw', PGDATABASE: 'shop' }

  test('are read where env:PG* asks for them', () => {
    const target = targetOf('env:PG*', 'postgres', { ...PG, PGSSLMODE: 'require', PGOPTIONS: '-c a=b' })
    expect(target).toMatchObject({
      address: 'postgres://app@db:6432/shop',
      hosts: [{ host: 'db', port: 6432 }],
      ...{ user: 'app', database: 'shop', source: 'env:PG*', tls: { mode: 'require' } },
    })
    expect(target.password?.reveal()).toBe('pw')
    expect(target.params.get('options')?.reveal()).toBe('-c a=b')
  })

  test('are not read unasked, and one of them is no address', () => {
    expect(targetOf('postgres://', 'postgres', PG).hosts).toEqual([{ host: 'localhost', port: 5432 }])
    expect(refused('env:PGHOST', PG)).toBe(
      "env:PGHOST: is one part of an address; 'env:PG*' reads all of libpq's variables",
    )
    expect(refused('env:PG*')).toMatch(/^env:PG\*: none of PGHOST, .* is set$/)
  })
})

test.each([
  [undefined, /^an address is needed, like 'postgres:.*'env:PG\*' reads libpq's variables$/],
  ['', /^an address is needed/],
  ['env:', /^an address is needed/],
  [{ connectionString: 'postgres://a:pw@db/x' }, /^the first argument is the address, as text .* second$/],
  ['env:EMPTY', /^EMPTY: the variable is set, but empty; put an address like/],
  ['env:ABSENT', /^ABSENT: the variable is not set/],
  ['postgres://a:pw@db/x?sslmode=no-verify', /^sslmode=no-verify: write sslmode=require/],
  ['host=db sslmode=no-verify', /^sslmode=no-verify: write sslmode=require/],
  ['redis://db', /is an address of redis/],
])('%j is refused with what to write', (text, message) => {
  expect(refused(text, { EMPTY: '' })).toMatch(message)
  expect(refused(text, { EMPTY: '' })).not.toContain('pw')
})

test('an address of Redis is not told of libpq', () => {
  expect(refused('', {}, 'redis')).toBe("an address is needed, like 'redis://cache:6379/0' or 'env:VARIABLE'")
})
