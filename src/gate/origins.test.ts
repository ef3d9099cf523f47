import { describe, expect, test } from 'vitest'
import { parseTarget, type Target } from '../core/target.js'
import { SCHEMES } from '../services/registry.js'
import { discover } from './discover.js'
import { originsOf, PARTS, type Part } from './origins.js'
import { type Env, libpqDefaults } from './variables.js'

const parse = (text: string, env: Env = {}, source = 'argument') =>
  parseTarget(text, { schemes: SCHEMES, source, defaults: libpqDefaults(env, 'me') })
const seen = (target: Target, env: Env = {}) =>
  Object.fromEntries(originsOf(target, env)) as Record<Part, string>

describe('each part of a target is told with where it came from', () => {
  test('the address', () => {
    const target = parse('postgres://app:pw@db:5433/shop?sslmode=require', {}, 'env:DATABASE_URL')
    expect(new Set(Object.values(seen(target)))).toEqual(new Set(['env:DATABASE_URL']))
  })

  test('a connection string', () => {
    const target = parse('host=db user=app', {}, 'configuration: db')
    expect(seen(target)).toMatchObject({
      host: 'configuration: db',
      user: 'configuration: db',
      port: 'the default of postgres',
    })
  })

  test("libpq's variables, where the address is silent", () => {
    const env = {
      PGHOST: 'x',
      PGPORT: '1',
      PGUSER: 'u',
      PGPASSWORD: 'pw',
      PGDATABASE: 'd',
      PGSSLMODE: 'disable',
    }
    expect(seen(parse('postgres://db', env), env)).toEqual({
      host: 'argument',
      port: 'env:PGPORT',
      user: 'env:PGUSER',
      password: 'env:PGPASSWORD',
      database: 'env:PGDATABASE',
      tls: 'env:PGSSLMODE',
    })
  })

  test('an empty password in the address gives way to the next place', () => {
    const env = { PGPASSWORD: 'pw' }
    expect(seen(parse('postgres://app:@db', env), env).password).toBe('env:PGPASSWORD')
  })

  test("libpq's files, between the address and the environment", () => {
    const env = { PGUSER: 'u', PGPORT: '1' }
    const target = {
      ...parse('postgres://db', env),
      origins: new Map([
        ['host', 'service file'],
        ['port', 'service file'],
        ['password', 'password file'],
      ]),
    }
    expect(seen(target, env)).toMatchObject({
      host: 'argument',
      port: 'service file',
      user: 'env:PGUSER',
      password: 'password file',
    })
  })

  test('the defaults', () => {
    expect(seen(parse('postgres://'))).toEqual({
      host: 'the default of postgres',
      port: 'the default of postgres',
      user: "the system's user",
      password: 'nowhere',
      database: "as the user's name",
      tls: 'the default of postgres',
    })
    expect(seen(parse('redis://cache'))).toMatchObject({ host: 'argument', port: 'the default of redis' })
  })

  test('the family of DB_HOST, each part by the variable that counts', () => {
    const env = {
      DB_HOST: 'db',
      DB_PORT: '1',
      DB_USERNAME: 'no',
      DB_USER: 'app',
      DB_PASSWORD: 'pw',
      DB_NAME: 'shop',
    }
    const [found] = discover(env, { schemes: SCHEMES })
    expect(found && seen(found.target, env)).toEqual({
      host: 'env:DB_HOST',
      port: 'env:DB_PORT',
      user: 'env:DB_USER',
      password: 'env:DB_PASSWORD',
      database: 'env:DB_NAME',
      tls: 'the default of postgres',
    })
  })

  test.each([...SCHEMES.keys()])('for %s, whatever its address looks like', scheme => {
    const text =
      scheme === 'exec'
        ? 'exec:true'
        : scheme.endsWith('unix')
          ? `${scheme}:///run/s`
          : `${scheme}://u:pw@h:1/p`
    let target: Target
    try {
      target = parse(text)
    } catch {
      target = parse(`${scheme}://h`)
    }
    expect([...originsOf(target, {}).keys()]).toEqual([...PARTS])
    expect(JSON.stringify([...originsOf(target, {})])).not.toContain('pw')
  })
})
