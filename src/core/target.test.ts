import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SCHEMES } from '../services/registry.js'
import { HoldfastError } from './errors.js'
import { nameApart, type ParseOptions, parseTarget, splitName, type Target } from './target.js'

const parse = (text: string, options: Partial<ParseOptions> = {}): Target =>
  parseTarget(text, { schemes: SCHEMES, ...options })

const refusal = (text: string, options: Partial<ParseOptions> = {}): string => {
  try {
    parse(text, options)
  } catch (error) {
    if (HoldfastError.is(error) && error.kind === 'usage') return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

const parameters = (target: Target) =>
  Object.fromEntries([...target.params].map(([key, value]) => [key, value.reveal()]))

describe('a scheme', () => {
  test.each([
    ['postgres://h', 'postgres', 5432, 'prefer'],
    ['postgresql://h', 'postgres', 5432, 'prefer'],
    ['postgresql+asyncpg://h', 'postgres', 5432, 'prefer'],
    ['postgres+psycopg2://h', 'postgres', 5432, 'prefer'],
    ['POSTGRES://h', 'postgres', 5432, 'prefer'],
    ['redis://h', 'redis', 6379, 'disable'],
    ['rediss://h', 'redis', 6379, 'verify-full'],
    ['valkey://h', 'redis', 6379, 'disable'],
    ['valkeys://h', 'redis', 6379, 'verify-full'],
    ['http://h', 'http', 80, 'disable'],
    ['https://h', 'http', 443, 'verify-full'],
    ['tcp://h:7', 'tcp', 7, 'disable'],
    ['tls://h:7', 'tcp', 7, 'verify-full'],
  ])('of %s means %s on port %i with TLS mode %s', (text, service, port, mode) => {
    const target = parse(text)
    expect(target).toMatchObject({ name: service, service, hosts: [{ host: 'h', port }], tls: { mode } })
  })

  test('that is not known is told with the nearest one and all of them', () => {
    const message = refusal('postgers://app:hunter22@h')
    expect(message).toContain('scheme "postgers" is not known. Did you mean postgres://? Known: ')
    for (const scheme of SCHEMES.keys()) expect(message).toContain(scheme)
    expect(message).not.toContain('hunter22')
  })

  test('without a port of its own needs one in the address', () => {
    expect(refusal('tcp://h')).toContain('it needs a port, like tcp://host:8080')
  })

  test.each(['db', 'localhost:5432', '/var/run', ''])('is missing from %j, and the forms are told', text => {
    expect(refusal(text)).toContain('not a target. Write a URL like')
  })
})

describe('a query', () => {
  test.each(['postgres://h/a?connect_timeout=10?options=x', 'redis://h?a=1?password=hunter2hunter2'])(
    'of %s has a second question mark',
    text => {
      expect(refusal(text)).toContain('a second ? is in its query; write &')
      expect(refusal(text)).not.toContain('hunter2')
    },
  )

  test.each(['postgres://h/a?application_name=what?', 'https://h/a?next=/b?c=d'])('of %s has one', text => {
    expect(parse(text).given.reveal()).toBe(text)
  })
})

describe('hosts', () => {
  test.each([
    ['postgres://', [{ host: 'localhost', port: 5432 }]],
    ['postgres:///app', [{ host: 'localhost', port: 5432 }]],
    ['postgres://:6432/app', [{ host: 'localhost', port: 6432 }]],
    ['postgres://h', [{ host: 'h', port: 5432 }]],
    ['postgres://[::1]:6432/app', [{ host: '::1', port: 6432 }]],
    [
      'postgres://a,b:2,c/app',
      [
        { host: 'a', port: 5432 },
        { host: 'b', port: 2 },
        { host: 'c', port: 5432 },
      ],
    ],
    ['postgres://%2Fvar%2Frun%2Fpostgresql/app', [{ path: '/var/run/postgresql/.s.PGSQL.5432' }]],
    ['postgres://%2Fvar%2Frun:6432/app', [{ path: '/var/run/.s.PGSQL.6432' }]],
    ['postgres:///app?host=/var/run/', [{ path: '/var/run/.s.PGSQL.5432' }]],
    ['postgres:///app?host=/tmp&port=5433', [{ path: '/tmp/.s.PGSQL.5433' }]],
    ['postgres://h/app?host=other&port=7', [{ host: 'other', port: 7 }]],
    [
      'postgres:///app?host=a,b&port=1,2',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    [
      'postgres:///app?host=a,b&port=7',
      [
        { host: 'a', port: 7 },
        { host: 'b', port: 7 },
      ],
    ],
    ['postgres:///app?host=::1', [{ host: '::1', port: 5432 }]],
    ['postgres:///app?host=[::1]', [{ host: '::1', port: 5432 }]],
    ['postgres://h/app?hostaddr=10.0.0.1', [{ host: 'h', port: 5432, address: '10.0.0.1' }]],
    [
      'host=a,b port=1,2',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    ['host=/var/run dbname=app', [{ path: '/var/run/.s.PGSQL.5432' }]],
    ['host=::1', [{ host: '::1', port: 5432 }]],
    ['dbname=app', [{ host: 'localhost', port: 5432 }]],
    ['redis+unix:///run/redis.sock', [{ path: '/run/redis.sock' }]],
    ['redis+unix:///run/a%20b.sock?db=2', [{ path: '/run/a b.sock' }]],
    [
      'redis://a:1,b:2/0',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    ['http://h/?host=x&port=y', [{ host: 'h', port: 80 }]],
  ])('of %s are %j', (text, hosts) => expect(parse(text).hosts).toEqual(hosts))

  test('of a Unix scheme need a path', () => {
    expect(refusal('redis+unix://host')).toContain('it needs the path of a socket')
  })

  test('of a list of ports that does not fit the list of hosts are refused', () => {
    const message = refusal('postgres:///app?host=a,b,c&port=1,2')
    expect(message).toContain('it has 3 hosts and 2 ports')
  })

  test.each(['postgres://h/app?port=0', 'postgres://h/app?port=x', 'host=h port=65536'])(
    'with a port that is none, %s, are refused',
    text => expect(refusal(text)).toContain('is not a number from 1 to 65535'),
  )

  test.each(['postgres://a b/app', 'host=a@b', 'host=x host=postgres://u:pw@h', 'postgres://a%40b/'])(
    'that no host can be, as in %s, are refused',
    text => expect(refusal(text)).toContain('its host holds a character that no host has'),
  )

  test('that the address leaves open are shown in it', () => {
    expect(parse('postgres:///app').address).toBe('postgres://localhost:5432/app')
    expect(parse('postgres://u:pw@/app').address).toBe('postgres://u:***@localhost:5432/app')
    expect(parse('postgres://h/app').address).toBe('postgres://h/app')
    expect(parse('postgres:///app?host=h').address).toBe('postgres:///app?host=h')
    expect(parse('redis+unix:///run/redis.sock').address).toBe('redis+unix:///run/redis.sock')
    expect(parse('dbname=app').address).toBe('dbname=app')
  })
})

describe('user, password and database', () => {
  const seen = (text: string) => {
    const { user, password, database } = parse(text)
    return [user, password?.reveal(), database]
  }

  test.each([
    ['postgres://u:p@h/d', ['u', 'p', 'd']],
    ['postgres://h', [undefined, undefined, undefined]],
    ['postgres://h/', [undefined, undefined, undefined]],
    ['postgres://u:@h/d', ['u', undefined, 'd']],
    ['postgres://h/a%2Fb', [undefined, undefined, 'a/b']],
    ['postgres://u:p@h/d?user=v&password=q&dbname=e', ['v', 'q', 'e']],
    ['host=h user=u password=p dbname=d', ['u', 'p', 'd']],
    ["host=h password='a b\\'c'", [undefined, "a b'c", undefined]],
    ['redis://:p@h/3', [undefined, 'p', '3']],
    ['redis://u:p@h?db=4', ['u', 'p', '4']],
    ['redis+unix:///run/redis.sock', [undefined, undefined, undefined]],
    ['redis+unix://u:p@/run/redis.sock?db=2', ['u', 'p', '2']],
    ['http://u:p@h/path', [undefined, 'u:p', undefined]],
    ['http://token@h/path', [undefined, 'token:', undefined]],
    ['http://h/path', [undefined, undefined, undefined]],
    ['http://h/?user=u&password=p&dbname=d', [undefined, undefined, undefined]],
  ])('of %s are %j', (text, wanted) => expect(seen(text)).toEqual(wanted))

  test('are no address themselves', () => {
    expect(refusal('user=x dbname=postgres://u:hunter22@h/d')).toMatch(/its database is an address itself/)
    expect(refusal('user=x dbname=postgres://u:hunter22@h/d')).not.toContain('hunter22')
  })

  test.each(['postgres://h/%', 'redis+unix:///run/%zz'])(
    'in a path that cannot be decoded, %s, are refused',
    text => expect(refusal(text)).toContain('a % in its path'),
  )
})

describe('TLS', () => {
  test.each(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'])(
    'mode %s is taken from the address',
    mode => {
      expect(parse(`postgres://h/d?sslmode=${mode}`).tls.mode).toBe(mode)
      expect(parse(`rediss://h?sslmode=${mode}`).tls.mode).toBe(mode)
      expect(parse(`host=h sslmode=${mode}`).tls.mode).toBe(mode)
    },
  )

  test.each([
    ['ssl=true', 'require'],
    ['ssl=1', 'require'],
    ['ssl=false', 'disable'],
    ['ssl=0', 'disable'],
    ['ssl=yes', 'require'],
    ['ssl=Off', 'disable'],
    ['ssl=verify-ca', 'verify-ca'],
    ['tls=skip-verify', 'require'],
    ['ssl={"rejectUnauthorized":true}', 'verify-full'],
    ['ssl={"rejectUnauthorized":false}', 'require'],
    ['ssl=true&sslmode=verify-full', 'verify-full'],
  ])('by %s means mode %s', (query, mode) => {
    expect(parse(`postgres://h/d?${query}`).tls.mode).toBe(mode)
  })

  test.each([
    ['DISABLED', 'disable'],
    ['PREFERRED', 'prefer'],
    ['REQUIRED', 'require'],
    ['VERIFY_CA', 'verify-ca'],
    ['VERIFY_IDENTITY', 'verify-full'],
  ])("by MySQL's own ssl-mode=%s means mode %s", (word, mode) => {
    const { tls, params } = parse(`mysql://h/d?ssl-mode=${word}&ssl-ca=/ca.pem`)
    expect(tls).toMatchObject({ mode, ca: '/ca.pem' })
    expect([...params.keys()]).toEqual([])
  })

  test("MySQL's ssl-mode takes no other word", () =>
    expect(refusal('mysql://h/d?ssl-mode=ENFORCED')).toContain('ssl-mode "ENFORCED" is not true or false'))

  test.each(['ssl=maybe', 'tls=si'])('%s is refused: a password would go in clear', query => {
    for (const scheme of ['postgres', 'amqp', 'mqtt', 'clickhouse'])
      expect(refusal(`${scheme}://h/d?${query}`)).toMatch(
        / "(maybe|si)" is not true or false; write sslmode=/,
      )
  })

  test.each(['ssl=true', 'tls=true', 'ssl=True', 'tls=1'])(
    '%s verifies where plain is the usual mode',
    query => {
      for (const scheme of ['amqp', 'mqtt', 'memcached', 'redis'])
        expect(parse(`${scheme}://h?${query}`).tls.mode).toBe('verify-full')
    },
  )

  test('files without a mode are refused where nothing would use them, and make it strict for NATS', () => {
    for (const scheme of ['amqp', 'mqtt', 'memcached', 'redis'])
      expect(refusal(`${scheme}://h?sslrootcert=ca.pem`)).toContain(
        'sslrootcert is given, but nothing asks for TLS',
      )
    expect(parse('nats://h?sslrootcert=ca.pem').tls.mode).toBe('verify-full')
    expect(parse('postgres://h/d?sslrootcert=ca.pem').tls.mode).toBe('prefer')
  })

  test.each([
    ['amqp+ssl', 'amqps://'],
    ['redis+tls', 'rediss://'],
    ['mqtt+ssl', 'mqtts://'],
    ['memcached+tls', 'memcached://…?sslmode=verify-full'],
    ['nats+ssl', 'nats+tls://'],
    ['clickhouse+secure', 'clickhouses://'],
    ['mysql+ssl', 'mysql://…?sslmode=verify-full'],
  ])('%s:// is no dialect, and the message says what to write: %s', (scheme, right) => {
    expect(refusal(`${scheme}://app:hunter22@h/d`)).toContain(`For TLS write ${right}`)
  })

  test('mode that does not exist is refused with those that do', () => {
    expect(refusal('postgres://h/d?sslmode=verify')).toContain(
      'sslmode "verify" is not one of disable, allow, prefer, require, verify-ca, verify-full',
    )
  })

  test('files, key password, SNI and negotiation are taken from the address', () => {
    const { tls } = parse(
      'postgres://h/d?sslrootcert=ca.pem&sslcert=c.pem&sslkey=k.pem&sslpassword=open-sesame&sslsni=0&sslnegotiation=direct&sslmode=require',
    )
    expect(tls).toMatchObject({ ca: 'ca.pem', cert: 'c.pem', key: 'k.pem', sni: false, direct: true })
    expect(tls.keyPassword?.reveal()).toBe('open-sesame')
  })

  test('without settings sends the name and asks inside the protocol', () => {
    expect(parse('postgres://h/d').tls).toEqual({ mode: 'prefer', sni: true, direct: false })
  })

  test('negotiation that does not exist is refused', () => {
    expect(refusal('postgres://h/d?sslnegotiation=soon')).toContain('sslnegotiation "soon" is not')
  })

  test('settings in a page’s query are the page’s', () => {
    expect(parse('https://h/?sslmode=disable&sslrootcert=x').tls).toEqual({
      mode: 'verify-full',
      sni: true,
      direct: false,
    })
  })
})

describe('libpq’s defaults', () => {
  const defaults = new Map(
    Object.entries({
      host: 'pg',
      port: '6432',
      user: 'me',
      password: 'secret',
      dbname: 'mine',
      sslmode: 'require',
      application_name: 'suite',
    }),
  )

  test('hold where the address is silent', () => {
    const target = parse('postgres://', { defaults })
    expect(target).toMatchObject({
      hosts: [{ host: 'pg', port: 6432 }],
      user: 'me',
      database: 'mine',
      tls: { mode: 'require' },
      address: 'postgres://me@pg:6432/mine',
    })
    expect(target.password?.reveal()).toBe('secret')
    expect(parameters(target)).toEqual({ application_name: 'suite' })
  })

  test('give way to what the address says', () => {
    const target = parse('postgres://u:p@h:1/d?sslmode=disable&application_name=x', { defaults })
    expect(target).toMatchObject({
      hosts: [{ host: 'h', port: 1 }],
      user: 'u',
      database: 'd',
      tls: { mode: 'disable' },
    })
    expect(target.password?.reveal()).toBe('p')
    expect(parameters(target)).toEqual({ application_name: 'x' })
  })

  test('give the port to a host that has none', () => {
    expect(parse('postgres://h', { defaults }).hosts).toEqual([{ host: 'h', port: 6432 }])
  })

  test('are of no concern to other services', () => {
    const target = parse('redis://', { defaults })
    expect(target.hosts).toEqual([{ host: 'localhost', port: 6379 }])
    expect([target.user, target.password, target.database, target.params.size]).toEqual([
      undefined,
      undefined,
      undefined,
      0,
    ])
  })
})

describe('a page', () => {
  test('is its path and query as they stand, and what is expected of it is never sent', () => {
    const target = parse('http://h/health%20y?a=%32&b#status=200-299,304&body=a%26b')
    expect(target.location?.reveal()).toBe('/health%20y?a=%32&b')
    expect(parameters(target)).toEqual({ status: '200-299,304', body: 'a&b' })
  })

  test('without a path is the root', () => {
    expect(parse('http://h').location?.reveal()).toBe('/')
    expect(parse('http://h?x=1').location?.reveal()).toBe('/?x=1')
  })
})

describe('a command', () => {
  test('is a target without hosts whose command line is kept', () => {
    const target = parse('exec: test -f "/tmp/a b" ')
    expect(target).toMatchObject({
      name: 'exec',
      service: 'exec',
      hosts: [],
      address: 'exec: test …',
      tls: { mode: 'disable', sni: false, direct: false },
    })
    expect(target.location?.reveal()).toBe('test -f "/tmp/a b"')
  })

  test.each(['exec:', 'exec:  ', 'EXEC:'])('that is empty, %j, is refused with an example', text => {
    expect(refusal(text)).toContain('exec: needs a command, like exec:"test -f /tmp/ready"')
  })
})

test('other parameters are kept, and those with a meaning of their own are not kept twice', () => {
  const target = parse('postgres://h/d?sslmode=require&user=u&target_session_attrs=primary&x=y')
  expect(parameters(target)).toEqual({ target_session_attrs: 'primary', x: 'y' })
})

test('name and source are as given, by default the service and an argument', () => {
  expect(parse('redis://h', { name: 'cache', source: 'env:REDIS_URL' })).toMatchObject({
    name: 'cache',
    source: 'env:REDIS_URL',
  })
  expect(parse('redis://h')).toMatchObject({ name: 'redis', source: 'argument' })
  expect(parse('exec:true')).toMatchObject({ name: 'exec', source: 'argument' })
})

describe('NAME=URL', () => {
  test.each([
    ['db=postgres://h', { name: 'db', address: 'postgres://h' }],
    ['my-db.1=env:DATABASE_URL', { name: 'my-db.1', address: 'env:DATABASE_URL' }],
    ['job=exec:test -f x=y', { name: 'job', address: 'exec:test -f x=y' }],
    ['db=POSTGRES://h?a=b', { name: 'db', address: 'POSTGRES://h?a=b' }],
    ['postgres://h?a=redis://x', { address: 'postgres://h?a=redis://x' }],
    ['host=db dbname=app', { address: 'host=db dbname=app' }],
    ['db=postgres', { address: 'db=postgres' }],
    ['1db=postgres://h', { address: '1db=postgres://h' }],
  ])('%s splits into %j', (text, parts) => expect(splitName(text)).toEqual(parts))
})

describe('names', () => {
  const named = (name: string) => ({ target: parse('redis://h', { name }), named: true })
  const unnamed = (text = 'redis://h') => ({ target: parse(text), named: false })
  const names = (targets: Parameters<typeof nameApart>[0]) => nameApart(targets).map(target => target.name)

  test('that were not given are numbered apart', () => {
    expect(names([unnamed(), unnamed('postgres://h'), unnamed(), unnamed()])).toEqual([
      'redis',
      'postgres',
      'redis-2',
      'redis-3',
    ])
  })

  test('that were given stay, also where they come later', () => {
    expect(names([unnamed(), unnamed(), named('redis'), named('redis-2')])).toEqual([
      'redis-3',
      'redis-4',
      'redis',
      'redis-2',
    ])
  })

  test('that were given twice are refused', () => {
    expect(() => names([named('cache'), named('cache')])).toThrow('the name "cache" is given twice')
  })
})

test('an address built of parts gives the target of these parts', () => {
  const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 16 })
  const host = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/), fc.ipV4(), fc.ipV6())
  const port = fc.integer({ min: 1, max: 65_535 })
  const scheme = fc.constantFrom('postgres', 'postgresql', 'postgresql+asyncpg', 'redis', 'rediss', 'valkey')
  const database = word.filter(text => !text.includes('://'))
  fc.assert(
    fc.property(scheme, word, word, host, port, database, (scheme, user, password, host, port, database) => {
      const at = host.includes(':') ? `[${host}]` : host
      const encode = encodeURIComponent
      const target = parse(
        `${scheme}://${encode(user)}:${encode(password)}@${at}:${port}/${encode(database)}`,
      )
      expect(target).toMatchObject({ user, database, hosts: [{ host, port }] })
      expect(target.password?.reveal()).toBe(password)
    }),
  )
})

test('random text is a target or a usage error', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...SCHEMES.keys(),
      '://',
      '@',
      ':',
      '/',
      '?',
      '#',
      '=',
      '&',
      '%',
      '[',
      ']',
      ',',
      "'",
      '\\',
    ),
    fc.constantFrom('exec:', 'host=', 'port=', 'sslmode=', 'h', '5432', '%41'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      try {
        const target = parse(pieces.join(''))
        expect(target.service).not.toBe('')
      } catch (error) {
        expect(HoldfastError.is(error) && error.kind).toBe('usage')
      }
    }),
    { numRuns: 3000 },
  )
})
