import { describe, expect, test } from 'vitest'
import { defineConfig } from './config.js'
import { problemsIn, validPart } from './schema.js'

const problemsOf = (value: unknown) => problemsIn(value).map(({ text }) => text)

test('a configuration with everything in it has no problem', () => {
  const everything = defineConfig({
    targets: {
      db: {
        url: 'env:DATABASE_URL',
        until: 'schema',
        query: ['SELECT 1', 'SELECT 2'],
        schema: { tables: ['users'], columns: ['users.id'], extensions: ['pgcrypto'] },
      },
      page: { url: 'http://app/health', status: 200, body: 'ok' },
      other: { url: 'http://app', status: '200-299', query: 'SELECT 1' },
      cache: 'redis://cache',
    },
    timeout: '60s',
    attemptTimeout: '250ms',
    grace: '0',
    stable: '1.5m',
    connections: 10,
    until: 'auth',
    test: { services: ['redis'], needs: ['redis.streams'], allowStandIn: true, allowSkip: false },
  })
  expect(problemsOf(everything)).toEqual([])
  expect(problemsOf({})).toEqual([])
})

test('a name that no record keeps is a problem', () => {
  const value: unknown = JSON.parse('{"targets":{"__proto__":"postgres://app@db/app"}}')
  expect(problemsIn(value)).toEqual([
    {
      path: ['targets', '__proto__'],
      text: 'targets.__proto__: nothing can have this name; give it another',
    },
  ])
})

describe('an unknown key', () => {
  test.each<[unknown, string]>([
    [{ timout: '5s' }, 'timout: unknown key; did you mean "timeout"?'],
    [{ attempt_timeout: '5s' }, 'attempt_timeout: unknown key; did you mean "attemptTimeout"?'],
    [{ Grace: '5s' }, 'Grace: unknown key; did you mean "grace"?'],
    [{ frobnicate: 1 }, 'frobnicate: unknown key'],
    [{ test: { allowStandin: true } }, 'test.allowStandin: unknown key; did you mean "allowStandIn"?'],
    [
      { targets: { db: { url: 'x', untill: 'query' } } },
      'targets.db.untill: unknown key; did you mean "until"?',
    ],
    [
      { targets: { db: { url: 'x', schema: { table: ['a'] } } } },
      'targets.db.schema.table: unknown key; did you mean "tables"?',
    ],
  ])('of %j is told with the nearest known one', (config, problem) =>
    expect(problemsOf(config)).toEqual([problem]),
  )

  test('does not hide another, nor what else is wrong', () => {
    expect(problemsOf({ timout: '5s', graze: '1s', connections: 0, until: 'soon' }).sort()).toEqual([
      'connections: must be at least 1',
      'graze: unknown key; did you mean "grace"?',
      'timout: unknown key; did you mean "timeout"?',
      'until: expected one of tcp, auth, query, write, schema',
    ])
  })
})

describe('a value', () => {
  test.each<[unknown, string]>([
    [{ timeout: 5 }, 'timeout: expected string'],
    [{ timeout: '5' }, 'timeout: "5" is not a duration. Did you mean 5s?'],
    [{ stable: '5 minutes' }, 'stable: "5 minutes" is not a duration. Write it like 250ms, 5s or 2m.'],
    [{ connections: '5' }, 'connections: expected number'],
    [{ connections: 1.5 }, 'connections: expected int'],
    [{ connections: -1 }, 'connections: must be at least 1'],
    [{ until: 'ready' }, 'until: expected one of tcp, auth, query, write, schema'],
    [{ targets: [] }, 'targets: expected record'],
    [{ targets: { db: 5 } }, 'targets.db: expected an address, or an object with url'],
    [{ targets: { db: null } }, 'targets.db: expected an address, or an object with url'],
    [{ targets: { db: {} } }, 'targets.db.url: expected string'],
    [{ targets: { db: { url: 5 } } }, 'targets.db.url: expected string'],
    [
      { targets: { db: { url: 'x', until: 'now' } } },
      'targets.db.until: expected one of tcp, auth, query, write, schema',
    ],
    [
      { targets: { db: { url: 'x', schema: { tables: 'users' } } } },
      'targets.db.schema.tables: expected array',
    ],
    [{ targets: { db: { url: 'x', query: 5 } } }, 'targets.db.query: expected string or array'],
    [{ targets: { db: { url: 'x', query: [5] } } }, 'targets.db.query.0: expected string'],
    [{ targets: { db: { url: 'x', status: [200] } } }, 'targets.db.status: expected string or number'],
    [{ test: { allowSkip: 'yes' } }, 'test.allowSkip: expected boolean'],
    [{ test: true }, 'test: expected object'],
    [null, 'the configuration: expected object'],
    [[], 'the configuration: expected object'],
  ])('of %j is told by its place and what was expected', (config, problem) =>
    expect(problemsOf(config)).toEqual([problem]),
  )

  test('that is wrong in two targets is told for both', () => {
    expect(problemsOf({ targets: { a: { url: 1 }, b: { urk: 'x' }, c: 'fine' } })).toEqual([
      'targets.a.url: expected string',
      'targets.b.url: expected string',
      'targets.b.urk: unknown key; did you mean "url"?',
    ])
  })

  test('that is an address is not repeated with its password', () => {
    const problems = problemsOf({ timeout: 'postgres://u:hunter22@h', until: 'postgres://u:hunter22@h' })
    expect(problems).toHaveLength(2)
    expect(problems.join()).not.toContain('hunter22')
  })
})

describe('the valid part of a configuration', () => {
  test.each<[string, unknown, unknown]>([
    ['loses an unknown key', { timout: '5s', grace: '1s' }, { grace: '1s' }],
    [
      'loses an option that cannot be',
      { targets: { a: { url: 'x', until: 'soon' } } },
      { targets: { a: { url: 'x' } } },
    ],
    [
      'loses a target without its address',
      { targets: { a: { until: 'tcp' }, b: 'x' } },
      { targets: { b: 'x' } },
    ],
    [
      'loses a list with a wrong entry',
      { test: { services: ['a', 1], needs: ['b'] } },
      { test: { needs: ['b'] } },
    ],
    [
      'has no prototype for a target',
      JSON.parse('{"targets":{"__proto__":[],"a":"x"}}'),
      { targets: { a: 'x' } },
    ],
    ['is empty where nothing can be saved', 'text', {}],
  ])('%s', (_, value, rest) => expect(validPart(value)).toEqual(rest))
})
