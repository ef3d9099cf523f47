import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HoldfastError } from '../core/errors.js'
import { parseTarget } from '../core/target.js'
import { SCHEMES } from '../services/registry.js'
import { discover, identity, urlOf } from './discover.js'
import { type Env, libpqDefaults } from './variables.js'

const find = (env: Env) => discover(env, { schemes: SCHEMES, defaults: libpqDefaults(env, 'me') })
const addresses = (env: Env) => find(env).map(one => one.target.address)
const parse = (text: string) => parseTarget(text, { schemes: SCHEMES })

describe('the environment', () => {
  test('without any of the variables names nothing', () => {
    expect(find({ PATH: '/bin', PGPORT: '5432', PGUSER: 'u', DATABASE_URL: '', DB_NAME: 'x' })).toEqual([])
  })

  test.each(['DATABASE_URL', 'POSTGRES_URL', 'POSTGRESQL_URL', 'REDIS_URL', 'VALKEY_URL'])(
    'names a target by %s',
    variable => {
      const [found, ...more] = find({ [variable]: 'redis://:pw@cache:1/2' })
      expect(more).toEqual([])
      expect(found).toMatchObject({
        target: { service: 'redis', source: `env:${variable}`, address: 'redis://:***@cache:1/2' },
        sources: [{ kind: 'url', variable }],
      })
    },
  )

  test('names a PostgreSQL by libpq’s variables', () => {
    const env = {
      PGHOST: 'db',
      PGPORT: '6432',
      PGUSER: 'u',
      PGPASSWORD: 'pw',
      PGDATABASE: 'shop',
      PGSSLMODE: 'require',
      PGAPPNAME: 'suite',
    }
    const [found] = find(env)
    expect(found?.sources).toEqual([{ kind: 'pg' }])
    expect(found?.target).toMatchObject({
      service: 'postgres',
      source: 'env:PGHOST',
      hosts: [{ host: 'db', port: 6432 }],
      user: 'u',
      database: 'shop',
      tls: { mode: 'require' },
    })
    expect(found?.target.password?.reveal()).toBe('pw')
    expect(found?.target.params.get('application_name')?.reveal()).toBe('suite')
  })

  test('names it also by PGSERVICE alone, which is for whoever reads its file to fill in', () => {
    const [found] = find({ PGSERVICE: 'shop' })
    expect(found).toMatchObject({ target: { source: 'env:PGSERVICE' }, sources: [{ kind: 'pg' }] })
    expect(found?.target.params.get('service')?.reveal()).toBe('shop')
    expect(JSON.stringify(found)).not.toContain('shop')
  })

  test('names it also by PGHOSTADDR alone, with the name of the user who asks', () => {
    expect(find({ PGHOSTADDR: '10.0.0.1' })[0]?.target).toMatchObject({
      hosts: [{ host: '10.0.0.1', port: 5432 }],
      user: 'me',
    })
  })

  test('names a database by DB_HOST and its family', () => {
    const env = {
      DB_HOST: 'db',
      DB_PORT: '6432',
      DB_USER: 'a@b',
      DB_PASSWORD: 'p/w?',
      DB_NAME: 'my shop',
      DB_SSL_MODE: 'disable',
    }
    const [found] = find(env)
    expect(found?.sources).toEqual([{ kind: 'db' }])
    expect(found?.target).toMatchObject({
      service: 'postgres',
      source: 'env:DB_HOST',
      hosts: [{ host: 'db', port: 6432 }],
      user: 'a@b',
      database: 'my shop',
      tls: { mode: 'disable' },
    })
    expect(found?.target.password?.reveal()).toBe('p/w?')
  })

  test('does not mix libpq’s variables into what DB_HOST names', () => {
    const found = find({ DB_HOST: 'db', PGHOST: 'pg', PGPASSWORD: 'pw', PGSSLMODE: 'require' })
    expect(found.map(one => one.target.hosts)).toEqual([
      [{ host: 'pg', port: 5432 }],
      [{ host: 'db', port: 5432 }],
    ])
    expect(found[1]?.target.password).toBeUndefined()
    expect(found[1]?.target.tls.mode).toBe('prefer')
  })

  test('fills what DATABASE_URL leaves open from libpq’s variables', () => {
    const [found] = find({ DATABASE_URL: 'postgres:///shop', PGHOST: 'pg', PGPASSWORD: 'pw' })
    expect(found?.target.hosts).toEqual([{ host: 'pg', port: 5432 }])
    expect(found?.target.password?.reveal()).toBe('pw')
  })

  test('finds each target once, with all that names it', () => {
    const found = find({
      DATABASE_URL: 'postgres://u:p@db/shop',
      POSTGRES_URL: 'postgresql://admin:q@db:5432/shop?sslmode=disable',
      DB_HOST: 'db',
      DB_NAME: 'shop',
      REDIS_URL: 'redis://db:5432',
    })
    expect(found.map(one => one.sources)).toEqual([
      [{ kind: 'url', variable: 'DATABASE_URL' }, { kind: 'url', variable: 'POSTGRES_URL' }, { kind: 'db' }],
      [{ kind: 'url', variable: 'REDIS_URL' }],
    ])
    expect(found[0]?.target.user).toBe('u')
  })

  test('that names a service which is not known leaves that to the program', () => {
    expect(find({ DATABASE_URL: 'postgres://u@db/shop', MYSQL_URL: 'oracle://u@db/shop' })).toHaveLength(1)
  })

  test('names one target by either name of the loopback, and by database 0 with and without its number', () => {
    const twice = { DATABASE_URL: 'postgres://u@localhost/shop', POSTGRES_URL: 'postgres://u@127.0.0.1/shop' }
    expect(find(twice)).toHaveLength(1)
    expect(find({ REDIS_URL: 'redis://h', VALKEY_URL: 'redis://h/0' })).toHaveLength(1)
  })

  test('that names something wrong is told where, without the password', () => {
    const wrong = { DATABASE_URL: 'postgres://u:hunter22@db:nine/shop' }
    expect(() => find(wrong)).toThrow(HoldfastError)
    expect(() => find(wrong)).not.toThrow(/hunter22/)
  })
})

describe('DB_HOST means', () => {
  const scheme = (env: Env) => addresses({ DB_HOST: 'db', ...env })[0]?.split(':')[0]

  test.each<[string, Env]>([
    ['postgres', {}],
    ['postgres', { DB_PORT: '5432' }],
    ['postgres', { DB_ENGINE: 'django.db.backends.postgresql' }],
    ['postgres', { DB_CONNECTION: 'pgsql' }],
    ['mysql', { DB_ENGINE: 'django.db.backends.mysql' }],
    ['mysql', { DB_CONNECTION: 'mariadb' }],
    ['mysql', { DB_PORT: '3306' }],
  ])('%s with %j', (wanted, env) => expect(scheme(env)).toBe(wanted))
})

test('Laravel’s names for user and database are found, and Django’s count where both are there', () => {
  const laravel = {
    DB_HOST: 'db',
    DB_CONNECTION: 'mysql',
    DB_DATABASE: 'shop',
    DB_USERNAME: 'u',
    DB_PASSWORD: 'p',
  }
  expect(find(laravel)[0]?.target).toMatchObject({ service: 'mysql', user: 'u', database: 'shop' })
  expect(find({ ...laravel, DB_NAME: 'other', DB_USER: 'v' })[0]?.target).toMatchObject({
    user: 'v',
    database: 'other',
  })
})

describe('libpq’s defaults', () => {
  test('are its keywords for the variables that are set', () => {
    expect([
      ...libpqDefaults({ PGHOST: 'h', PGSSLROOTCERT: 'ca.pem', PGREQUIREAUTH: 'md5', PGUSER: '' }),
    ]).toEqual([
      ['host', 'h'],
      ['sslrootcert', 'ca.pem'],
      ['require_auth', 'md5'],
    ])
  })

  test('have the user of the machine where PGUSER has none', () => {
    expect(libpqDefaults({}, 'me').get('user')).toBe('me')
    expect(libpqDefaults({ PGUSER: 'you' }, 'me').get('user')).toBe('you')
  })
})

describe('a URL of keywords', () => {
  test.each<[Record<string, string>, string]>([
    [{}, 'postgres://localhost/'],
    [{ host: 'db', dbname: 'shop' }, 'postgres://db/shop'],
    [{ host: 'db', user: 'u', password: 'p@w', port: '1' }, 'postgres://u:p%40w@db:1/'],
    [{ host: '::1', port: '1' }, 'postgres://[::1]:1/'],
    [{ host: '/var/run', dbname: 'x' }, 'postgres://%2Fvar%2Frun/x'],
    [{ password: 'p' }, 'postgres://:p@localhost/'],
    [{ host: 'db', sslmode: 'require' }, 'postgres://db/?sslmode=require'],
  ])('%j is %s', (keywords, url) => expect(urlOf('postgres', new Map(Object.entries(keywords)))).toBe(url))

  test('is parsed into what it was made of', () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 12 })
      .filter(one => !one.includes('://'))
    const host = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9.-]{0,9}$/), fc.ipV4(), fc.ipV6())
    fc.assert(
      fc.property(
        text,
        text,
        host,
        fc.integer({ min: 1, max: 65_535 }),
        text,
        (user, password, host, port, dbname) => {
          const url = urlOf(
            'postgres',
            new Map(Object.entries({ user, password, host, port: `${port}`, dbname })),
          )
          const target = parse(url)
          expect(target).toMatchObject({ user, hosts: [{ host, port }], database: dbname })
          expect(target.password?.reveal()).toBe(password)
        },
      ),
    )
  })
})

describe('two addresses lead to the same place', () => {
  test.each([
    ['postgres://a:b@h/d', 'postgresql://c:d@h:5432/d?sslmode=require', true],
    ['postgres://u@h', 'postgres://h/u', true],
    ['postgres://h/d', 'postgres://h/e', false],
    ['postgres://h/d', 'postgres://i/d', false],
    ['postgres://h:1/d', 'postgres://h:2/d', false],
    ['redis://h/0', 'valkey://h/0', true],
    ['redis://h/0', 'redis://h/1', false],
    ['redis://h:5432/d', 'postgres://h:5432/d', false],
    ['postgres:///d?host=/run', 'postgres://%2Frun/d', true],
  ])('%s and %s: %s', (a, b, same) => expect(identity(parse(a)) === identity(parse(b))).toBe(same))
})
