import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTarget } from '../../core/target.js'
import { SCHEMES } from '../../services/registry.js'
import type { Source } from '../variables.js'
import { argumentOf, changed, otherHost, serverOptions } from './edits.js'

const parse = (text: string, source = 'argument') => parseTarget(text, { schemes: SCHEMES, source })
const url: Source = { kind: 'url', variable: 'DATABASE_URL' }
const subject = (text: string, ...sources: Source[]) => ({
  target: parse(text, sources[0]?.kind === 'url' ? `env:${sources[0].variable}` : 'argument'),
  sources,
  env: {},
})

/** What a shell has in the variable after the line. */
const after = (line: string, value: string): string =>
  execFileSync('bash', ['--norc', '-c', `${line}\nprintf %s "$DATABASE_URL"`], {
    env: { DATABASE_URL: value },
  }).toString()

describe('a variable that holds an address is changed in place', () => {
  test.each([
    ['postgres://app:s3cret@dbb:5433/app', 'host', 'db', 'postgres://app:s3cret@db:5433/app'],
    ['postgres://app:s3cret@dbb/dbb', 'host', 'db', 'postgres://app:s3cret@db/dbb'],
    ['redis://dbb:6380', 'host', 'db', 'redis://db:6380'],
    ['tcp://localhost:7001', 'host', '::1', 'tcp://[::1]:7001'],
    ['postgres:///app?host=dbb&port=1', 'host', 'db', 'postgres:///app?host=db&port=1'],
    ['postgres://app:5433@db:5433/app', 'port', '5432', 'postgres://app:5433@db:5432/app'],
    ['postgres://app@[::1]:5433/app', 'port', '5432', 'postgres://app@[::1]:5432/app'],
    ['postgres://app@db/app', 'sslmode', 'require', 'postgres://app@db/app?sslmode=require'],
    [
      'postgres://app@db/app?application_name=x',
      'sslmode',
      'require',
      'postgres://app@db/app?application_name=x&sslmode=require',
    ],
    [
      'postgres://app@db/app?sslmode=disable&user=x',
      'sslmode',
      'require',
      'postgres://app@db/app?sslmode=require&user=x',
    ],
    ['host=dbb port=5433 dbname=app', 'port', '5432', 'host=dbb port=5432 dbname=app'],
    ['host=dbb dbname=app', 'host', 'db', 'host=db dbname=app'],
    ['host=db dbname=app', 'sslmode', 'require', 'host=db dbname=app sslmode=require'],
  ] as const)('%s, its %s', (given, part, value, wanted) => {
    expect(after(changed(subject(given, url), part, value), given)).toBe(wanted)
  })

  test('and the line never shows what else it holds', () => {
    const word = fc.stringMatching(/^[a-z0-9]{6,12}$/).map(text => `pw-${text}`)
    fc.assert(
      fc.property(word, fc.constantFrom('host', 'port', 'sslmode'), (password, part) => {
        const line = changed(subject(`postgres://app:${password}@db:5433/app`, url), part, 'x1')
        expect(line).not.toContain(password)
      }),
    )
  })
})

test('families of variables have one for each part', () => {
  const target = 'postgres://app@dbb:5433/app'
  expect(changed(subject(target, { kind: 'pg' }), 'host', 'db')).toBe('export PGHOST=db')
  expect(changed(subject(target, { kind: 'db' }), 'port', '5432')).toBe('export DB_PORT=5432')
  expect(changed(subject(target, { kind: 'pg' }), 'sslmode', 'require')).toBe('export PGSSLMODE=require')
  expect(changed(subject(target, { kind: 'db' }), 'sslmode', 'require')).toBe('export DB_SSL_MODE=require')
})

test('a part that comes from elsewhere is changed there', () => {
  const defaults = new Map([['port', '5433']])
  const target = parseTarget('postgres://app@db/app', {
    schemes: SCHEMES,
    source: 'env:DATABASE_URL',
    defaults,
  })
  const env = { PGPORT: '5433' }
  expect(changed({ target, sources: [url], env }, 'port', '5432')).toBe('export PGPORT=5432')
  const origins = new Map([['host', 'service file ~/.pg_service.conf [shop] line 2']])
  const served = { ...parse('postgres:///app'), origins }
  expect(changed({ target: served, sources: [], env: {} }, 'host', 'db')).toBe(
    '# service file ~/.pg_service.conf [shop] line 2\nhost=db',
  )
  expect(changed(subject('postgres:///app', url), 'host', 'db')).toBe('export PGHOST=db')
  const pinned = subject('postgres://', { kind: 'pg' })
  expect(changed({ ...pinned, env: { PGHOSTADDR: '10.0.0.1' } }, 'host', 'db')).toBe(
    'unset PGHOSTADDR; export PGHOST=db',
  )
})

test('an address on the command line is shown as it should read, without its password', () => {
  expect(changed(subject('postgres://app:s3cret@dbb:5433/app'), 'host', 'db')).toBe(
    'postgres://app:***@db:5433/app',
  )
})

test("the options of PostgreSQL's programs lead to the same server", () => {
  expect(serverOptions(parse('postgres://app@db:5433/app'))).toBe('-h db -p 5433')
  expect(serverOptions(parse('postgres:///app?host=/run/postgresql'))).toBe('-h /run/postgresql -p 5432')
})

test('the command line is told of a target as it was', () => {
  expect(argumentOf(subject('postgres://app@db/app', url))).toBe('env:DATABASE_URL')
  expect(argumentOf(subject('postgres://app@db/app', { kind: 'pg' }))).toBe('')
  expect(
    argumentOf({ target: { ...parse('redis://r', 'configuration: cache'), name: 'cache' }, sources: [] }),
  ).toBe('cache')
})

test('of several hosts only the first is changed', () => {
  const several = subject('postgres://a,b/app', url)
  expect(after(otherHost(several, 'a', 'c') ?? '', 'postgres://a,b/app')).toBe('postgres://c,b/app')
  expect(otherHost(several, 'b', 'c')).toBeUndefined()
})
