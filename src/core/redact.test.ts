import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plain, redactAddress, Secret, scrub } from './redact.js'

describe('a secret', () => {
  const secret = new Secret('hunter22')

  test('is shown by no printer', () => {
    const shown = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ deep: [secret] }, { showHidden: true }),
      inspect(new Map([['a', secret]])),
      JSON.stringify(Object.entries(secret)),
      JSON.stringify(Object.getOwnPropertyNames(secret)),
    ]
    for (const text of shown) expect(text).not.toContain('hunter22')
    expect(shown.slice(0, 3)).toEqual(['***', '***', '{"secret":"***"}'])
  })

  test('is told to whoever asks by name', () => expect(secret.reveal()).toBe('hunter22'))
})

describe('an address for a reader', () => {
  test.each([
    ['postgres://app:pw@db:5432/app', 'postgres://app:***@db:5432/app'],
    ['postgres://app@db/app', 'postgres://app@db/app'],
    ['postgres://db/app', 'postgres://db/app'],
    ['postgres://', 'postgres://'],
    ['redis://:pw@cache', 'redis://:***@cache'],
    ['postgres://u:p:q@h', 'postgres://u:***@h'],
    ['postgres://me@corp:pw@h/d', 'postgres://me@corp:***@h/d'],
    ['postgres://u:pw@a:1,[::1]:2/d', 'postgres://u:***@a:1,[::1]:2/d'],
    ['postgres://::1:5432/d', 'postgres://::1:5432/d'],
    ['postgres://fe80::10:5432/d', 'postgres://fe80::10:5432/d'],
    ['postgres://@h/d', 'postgres://@h/d'],
    ['redis+unix://u:pw@/run/redis.sock', 'redis+unix://u:***@/run/redis.sock'],
  ])('has its password hidden: %s', (text, shown) => expect(redactAddress(text)).toBe(shown))

  test.each([
    ['https://token@host/x', 'https://***@host/x'],
    ['HTTPS://token@host/x', 'HTTPS://***@host/x'],
    ['http://user:pw@host/x', 'http://***:***@host/x'],
    ['nats://token@host', 'nats://***@host'],
    ['mqtt://token@host', 'mqtt://***@host'],
    ['nats+tls://token@host', 'nats+tls://***@host'],
    ['nats://host?user=token', 'nats://host?user=***'],
    ['mqtt://host?topic=t&user=token', 'mqtt://host?topic=t&user=***'],
    ['mqtts://user:pw@host', 'mqtts://***:***@host'],
  ])('has a token in the place of the user hidden: %s', (text, shown) =>
    expect(redactAddress(text)).toBe(shown),
  )

  test.each([
    [
      'postgres://h/d?sslmode=require&x=y&sslpassword=pw',
      'postgres://h/d?sslmode=require&x=***&sslpassword=***',
    ],
    ['postgres://h/d?SSLMODE=require', 'postgres://h/d?SSLMODE=require'],
    ['postgres://u:@h?user=me@corp', 'postgres://u:***@h?user=me@corp'],
    ['postgres://u:p@[::1]?user=me@corp', 'postgres://u:***@[::1]?user=me@corp'],
    ['http://h/x?=v', 'http://h/x?=***'],
    ['postgres://h/d?user=me@corp&password=p@w', 'postgres://h/d?user=me@corp&password=***'],
    ['postgres://h/d?sslmode=require;password=pw', 'postgres://h/d?sslmode=require;password=***'],
    ['postgres://h/d?password=a;sslmode=b', 'postgres://h/d?password=***'],
    ['http://h/x?abcdef', 'http://h/x?***'],
    ['http://h/x?key=', 'http://h/x?key=***'],
    ['http://h/x?a=b=c&&d', 'http://h/x?a=***&&***'],
    ['http://h/x?', 'http://h/x'],
  ])('has the values of unknown parameters hidden: %s', (text, shown) =>
    expect(redactAddress(text)).toBe(shown),
  )

  test('loses its fragment', () => {
    expect(redactAddress('http://h/x?a=b#status=200&body=c')).toBe('http://h/x?a=***')
    expect(redactAddress('http://h/x#body=a@b')).toBe('http://h/x')
  })

  test.each([
    ['postgres://u:p/w@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:p?w@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:p#w@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:p@w/v@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:p?a=w@h/d', 'postgres://u:***@h/d'],
    ['postgres://u/v:p@h/d', 'postgres://***:***@h/d'],
    ['postgres:///:p@h', 'postgres://***:***@h'],
    ['redis://:p/w@h', 'redis://:***@h'],
    ['nats://to/ken@h', 'nats://***@h'],
    ['postgres://to/ken@h', 'postgres://***@h'],
    ['postgres://app:pw', 'postgres://app:***'],
    ['postgres://app:pw/rest?x=y', 'postgres://app:***'],
  ])('has a password hidden that was not encoded, or whose host is missing: %s', (text, shown) =>
    expect(redactAddress(text)).toBe(shown),
  )

  test.each([
    ['host=db password=pw dbname=app', 'host=db password=*** dbname=app'],
    ["host=db password='p w' user=u", 'host=db password=*** user=u'],
    ["password='it\\'s' host=db", 'password=*** host=db'],
    ["password=it's host=db", 'password=*** host=db'],
    ['password = pw', 'password = ***'],
    ['PASSWORD=pw HOST=db', 'PASSWORD=*** HOST=db'],
    ['host=db password=p w', 'host=db password=*** …'],
    ["host=db password='p w", 'host=db …'],
    ['host=db password=pw ', 'host=db password=***'],
    ['secret_thing=pw host=db', 'secret_thing=*** host=db'],
    ['user=x dbname=postgres://u:pw@h/d', 'user=x dbname=postgres://u:***@h/d'],
    ['password=x://pw host=db', 'password=*** host=db'],
    ['user=host=://u:pw@h port=1', 'user=host=***@h port=1'],
    ['sslmode=port=://x', 'sslmode=port=://x'],
  ])('that is a connection string shows the values of known keys: %s', (text, shown) =>
    expect(redactAddress(text)).toBe(shown),
  )

  test.each([
    ['exec:psql -c "SELECT 1"', 'exec:psql …'],
    ['exec:true', 'exec:true'],
    ['exec: true ', 'exec: true'],
    ['exec:PGPASSWORD=pw psql', 'exec:PGPASSWORD=*** …'],
    ['EXEC:curl token', 'EXEC:curl …'],
    ['exec:=pw curl', 'exec:=*** …'],
  ])('that is a command shows the program alone: %s', (text, shown) =>
    expect(redactAddress(text)).toBe(shown),
  )

  test.each([
    ['db=postgres://u:pw@h', 'db=postgres://u:***@h'],
    ['1db=redis://:pw@h', '1db=redis://:***@h'],
    ['job=exec:curl token', 'job=exec:curl …'],
    ['env:DATABASE_URL', 'env:DATABASE_URL'],
    ['db', 'db'],
    ['localhost:5432', 'localhost:5432'],
    ['app:pw@db:5432/app', '***@db:5432/app'],
    ['app:p=w@db', '***@db'],
    ['app:pw', 'app:***'],
    ['jdbc:postgresql://h/d?user=u&password=pw', 'jdbc:postgresql://h/d?user=***'],
    ['', ''],
  ])('with a name, or of no known form, hides as well: %j', (text, shown) =>
    expect(redactAddress(text)).toBe(shown),
  )
})

test.each([
  ['postgres://other/app%3Fpassword%3DLEAK', 'postgres://other/***'],
  ['postgres://h/postgres%3A%2F%2Fapp%3ALEAK%40db', 'postgres://h/***'],
  ['postgres://y%3ALEAK%40db@h/app', 'postgres://***@h/app'],
  ['postgres://me%40company@h/app', 'postgres://me%40company@h/app'],
])('%s, which a variable for a name became a part of, is shown as %s', (text, shown) => {
  expect(redactAddress(text)).toBe(shown)
})

describe('text from elsewhere', () => {
  const hide = (text: string, ...secrets: string[]) =>
    scrub(
      text,
      secrets.map(secret => new Secret(secret)),
      ['postgres', undefined],
    )

  test('loses every occurrence of a secret', () => {
    expect(hide('a hunter22 b hunter22hunter22', 'hunter22')).toBe('a *** b ******')
  })

  test('loses it percent-encoded, in either case of digits, decoded, and inside JSON', () => {
    expect(hide('p%2Fw%C3%A9 p%2fw%c3%a9 p/wé', 'p/wé')).toBe('*** *** ***')
    expect(hide('p/w! p%2Fw!', 'p%2Fw!')).toBe('*** ***')
    expect(hide(JSON.stringify('say "hi"\n'), 'say "hi"\n')).toBe('"***"')
  })

  test('loses the longer secret first, so that no rest of it stays', () => {
    expect(hide('abcdefgh', 'abcd', 'abcdefgh')).toBe('***')
  })

  test('keeps a secret of fewer than four characters, which would garble every message', () => {
    expect(hide('the cat', 'the')).toBe('the cat')
    expect(hide('that cat', 'that')).toBe('*** cat')
  })

  test('keeps a password that is also the name of user, database or host', () => {
    expect(hide('role "postgres"', 'postgres')).toBe('role "postgres"')
  })

  test('is searched also for secrets that cannot be encoded or decoded', () => {
    expect(hide('x \ud800abc y', '\ud800abc')).toBe('x *** y')
    expect(hide('x 100%abc y', '100%abc')).toBe('x *** y')
  })
})

describe('one line of an outsider', () => {
  test.each([
    ['a\nb\r\n\tc', 'a b c'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]8;;http://x\u001b\\link', 'link'],
    ['\u001b]0;never closed', ''],
    ['\u001b[?25lhidden', 'hidden'],
    ['a\u0000b\u007fc\u0085d', 'a b c d'],
    ['left\u202eright', 'left right'],
    ['a\u2028b\u2029c', 'a b c'],
    ['zero\u200bwidth', 'zero width'],
    ['  x  ', 'x'],
    ['naïve 日本 🔑', 'naïve 日本 🔑'],
  ])('%j becomes %j', (text, line) => expect(plain(text)).toBe(line))

  test('holds no control or format character, whatever it was', () => {
    const text = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\u001b[', '\u001b]', '\u009b', '\u0007', '31m', '\u001b\\'),
      ),
    )
    fc.assert(
      fc.property(text, parts => {
        expect(plain(parts.join(''))).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }),
      { numRuns: 2000 },
    )
  })

  test('is cut at its limit', () => {
    expect(plain('x'.repeat(500))).toBe('x'.repeat(500))
    expect(plain('x'.repeat(501))).toBe(`${'x'.repeat(500)}…`)
    expect(plain('abcdef', 3)).toBe('abc…')
  })
})
