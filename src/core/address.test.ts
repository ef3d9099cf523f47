import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isDsn, parseDsn, parseUrl } from './address.js'
import { HoldfastError } from './errors.js'

const refusal = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (HoldfastError.is(error) && error.kind === 'usage') return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a URL', () => {
  test('gives scheme, user, password, host, port, path, query and fragment', () => {
    const url = parseUrl('postgres://app:pw@db:5432/shop?sslmode=require&x=y#status=200')
    expect({ ...url, query: [...url.query], fragment: [...url.fragment] }).toEqual({
      scheme: 'postgres',
      user: 'app',
      password: 'pw',
      hosts: [{ host: 'db', port: 5432 }],
      path: '/shop',
      query: [
        ['sslmode', 'require'],
        ['x', 'y'],
      ],
      rawQuery: 'sslmode=require&x=y',
      fragment: [['status', '200']],
    })
  })

  test('of a scheme alone has nothing else', () => {
    const url = parseUrl('postgres://')
    expect(url).toMatchObject({ scheme: 'postgres', hosts: [], path: '', rawQuery: '' })
    expect('user' in url || 'password' in url).toBe(false)
  })

  test('has its scheme in lower case', () => expect(parseUrl('REDIS://h').scheme).toBe('redis'))

  test.each([
    ['x://u@h', 'u', undefined],
    ['x://u:@h', 'u', ''],
    ['x://:p@h', undefined, 'p'],
    ['x://@h', undefined, undefined],
    ['x://u:p:q@h', 'u', 'p:q'],
    ['x://u:p@q@h', 'u', 'p@q'],
    ['x://me@corp:p@h', 'me@corp', 'p'],
    ['x://a%40b:p%3Aq%2Fr@h', 'a@b', 'p:q/r'],
    ['x://u:%F0%9F%94%91@h', 'u', '🔑'],
    ['x://u:a+b@h', 'u', 'a+b'],
  ])('%s has user %j and password %j', (text, user, password) => {
    const url = parseUrl(text)
    expect([url.user, url.password]).toEqual([user, password])
    expect(url.hosts).toEqual([{ host: 'h' }])
  })

  test.each([
    ['x://h', [{ host: 'h' }]],
    ['x://h:1', [{ host: 'h', port: 1 }]],
    ['x://h:65535/', [{ host: 'h', port: 65535 }]],
    ['x://h:/d', [{ host: 'h' }]],
    ['x://:5432/d', [{ host: '', port: 5432 }]],
    ['x://[::1]:5432/', [{ host: '::1', port: 5432 }]],
    ['x://[::1]', [{ host: '::1' }]],
    ['x://[2001:db8::1]:1,[::2]', [{ host: '2001:db8::1', port: 1 }, { host: '::2' }]],
    ['x://[::ffff:10.0.0.1]', [{ host: '::ffff:10.0.0.1' }]],
    ['x://[fe80::1%25eth0]:1', [{ host: 'fe80::1%eth0', port: 1 }]],
    ['x://a:1,b,c:3', [{ host: 'a', port: 1 }, { host: 'b' }, { host: 'c', port: 3 }]],
    ['x://%2Fvar%2Frun%2Fpg:6432', [{ host: '/var/run/pg', port: 6432 }]],
    ['x://u:p@a,b', [{ host: 'a' }, { host: 'b' }]],
  ])('%s leads to %j', (text, hosts) => expect(parseUrl(text).hosts).toEqual(hosts))

  test.each([
    ['x://h:0', '"0"'],
    ['x://h:65536', '"65536"'],
    ['x://h:123456', '"123456"'],
    ['x://h:5432x', 'not a port'],
    ['x://h:54 32', 'not a port'],
    ['x://::1:5432', 'brackets'],
    ['x://[::1', 'brackets'],
    ['x://[host]', 'IPv6'],
    ['x://[12]:1', 'IPv6'],
    ['x://[::g]:1', 'IPv6'],
    ['x://[::1]5432', 'brackets'],
    ['no-scheme', 'scheme://host:port'],
    ['1x://h', 'scheme://host:port'],
  ])('%s is refused, and told about %s', (text, hint) =>
    expect(refusal(() => parseUrl(text))).toContain(hint),
  )

  test.each([
    ['x://u%zz:p@h', 'user'],
    ['x://u:p%@h', 'password'],
    ['x://u:50%off@h', 'password'],
    ['x://h%2', 'host'],
    ['x://h/?a=%', 'query'],
    ['x://h/?%=a', 'query'],
    ['x://h/#a=%E0', 'fragment'],
    ['x://u:%C3%28@h', 'password'],
  ])('with a bad percent sign, %s, is refused by the name of the part', (text, part) => {
    expect(refusal(() => parseUrl(text))).toContain(`a % in its ${part} is not followed`)
  })

  test.each([
    'x://u:p/w@h/d',
    'x://u:p/@h',
    'x://u:p?w@h/d',
    'x://u:p#w@h/d',
    'x://u:1/w@h',
    'x://u:p@w/v@h',
    'x://h/d@e',
  ])('with a bare sign in its password, %s, is refused by how to write it', text => {
    expect(refusal(() => parseUrl(text))).toContain('write / as %2F, ? as %3F and # as %23')
  })

  test('may have an @ in the value of a parameter, in the path of a page and of a socket', () => {
    expect(parseUrl('x://h/d?user=me@corp').query.get('user')).toBe('me@corp')
    expect(parseUrl('http://h/@scope/it').path).toBe('/@scope/it')
    expect(parseUrl('redis+unix:///run/redis@6380.sock').path).toBe('/run/redis@6380.sock')
  })

  test('has no value for a parameter without a sign, and no key for one that begins with it', () => {
    expect([...parseUrl('x://h/?a&=b').query]).toEqual([
      ['a', ''],
      ['', 'b'],
    ])
  })

  test('keeps what it cannot decode as it stands in the raw query, and takes the last of two values', () => {
    const url = parseUrl('x://h/?a=1&a=%32&&b&c=d=e')
    expect(url.rawQuery).toBe('a=1&a=%32&&b&c=d=e')
    expect([...url.query]).toEqual([
      ['a', '2'],
      ['b', ''],
      ['c', 'd=e'],
    ])
  })

  test('built from parts gives the parts back', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/)
    const host = fc.record(
      {
        host: fc.oneof(name, fc.ipV4(), fc.ipV6(), fc.constant('/var/run/x')),
        port: fc.integer({ min: 1, max: 65_535 }),
      },
      { requiredKeys: ['host'] },
    )
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
    const pairs = fc.uniqueArray(fc.tuple(text, text), { selector: ([key]) => key, maxLength: 4 })
    const parts = fc.record({
      scheme: fc.stringMatching(/^[a-z][a-z0-9+.-]{0,8}$/),
      user: fc.option(text),
      password: fc.option(fc.string({ unit: 'binary', maxLength: 20 })),
      hosts: fc.array(host, { maxLength: 3 }),
      path: fc.option(text),
      query: pairs,
      fragment: pairs,
    })
    fc.assert(
      fc.property(parts, ({ scheme, user, password, hosts, path, query, fragment }) => {
        const encode = encodeURIComponent
        const joined = (list: readonly [string, string][]) =>
          list.map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&')
        const userinfo =
          (user === null ? '' : encode(user)) + (password === null ? '' : `:${encode(password)}`)
        const authority = hosts
          .map(
            one =>
              (one.host.includes(':') ? `[${one.host}]` : encode(one.host)) +
              (one.port ? `:${one.port}` : ''),
          )
          .join(',')
        const url = parseUrl(
          `${scheme}://${userinfo && `${userinfo}@`}${authority}${path === null ? '' : `/${encode(path)}`}` +
            `${query.length > 0 ? `?${joined(query)}` : ''}${fragment.length > 0 ? `#${joined(fragment)}` : ''}`,
        )
        expect(url.scheme).toBe(scheme)
        expect(url.user ?? null).toBe(user)
        expect(url.password ?? null).toBe(password)
        expect(url.hosts).toEqual(hosts)
        expect(decodeURIComponent(url.path)).toBe(path === null ? '' : `/${path}`)
        expect([...url.query]).toEqual(query)
        expect([...url.fragment]).toEqual(fragment)
      }),
    )
  })
})

describe('a connection string', () => {
  test.each([
    ['host=db dbname=app', { host: 'db', dbname: 'app' }],
    ["  host = db   dbname='my app' ", { host: 'db', dbname: 'my app' }],
    ["password='it\\'s'", { password: "it's" }],
    ["password='a\\\\b'", { password: 'a\\b' }],
    ['password=it\\ is', { password: 'it is' }],
    ["password=it\\'s", { password: "it's" }],
    ["password=''", { password: '' }],
    // libpq skips the space after the sign.
    ['password= host=db', { password: 'host=db' }],
    ["password=it's host=db", { password: "it's", host: 'db' }],
    ['HOST=db', { host: 'db' }],
    ['host=a host=b', { host: 'b' }],
    ["host=db\n\tuser='x\ny'", { host: 'db', user: 'x\ny' }],
    ['options=-c\\ a=b', { options: '-c a=b' }],
  ])('%s gives %j', (text, pairs) => expect(Object.fromEntries(parseDsn(text))).toEqual(pairs))

  test.each(["host='db", 'host', 'host=db app', "host='a'b", '=x', 'host=db port', 'a=\\'])(
    '%s is refused with the rule for quotes',
    text => expect(refusal(() => parseDsn(text))).toContain('key=value pairs'),
  )

  test('built from pairs gives the pairs back, whatever they hold', () => {
    const pairs = fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/), fc.string({ unit: 'binary' }))
    fc.assert(
      fc.property(pairs, fc.constantFrom(' ', '\n', '   '), (wanted, space) => {
        const text = Object.entries(wanted)
          .map(([key, value]) => `${key}='${value.replace(/[\\']/g, '\\$&')}'`)
          .join(space)
        expect(Object.fromEntries(parseDsn(text))).toEqual({ ...wanted })
      }),
    )
  })

  test('of random text gives pairs or a usage error, and comes to an end', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`a='\\ =b\t`) }), text => {
        try {
          expect(parseDsn(text)).toBeInstanceOf(Map)
        } catch (error) {
          expect(HoldfastError.is(error)).toBe(true)
        }
      }),
    )
  })
})

test.each([
  ['host=db', true],
  [' host = db', true],
  ["password='a://b' host=x", true],
  ['db=postgres://h', false],
  ['db=env:X', false],
  ['db=exec:true', false],
  ['postgres://h?a=b', false],
  ['db', false],
  ['1a=b', false],
])('that %j is a connection string: %s', (text, is) => expect(isDsn(text)).toBe(is))
