import { describe, expect, test } from 'vitest'
import { targetOf } from '../../gate/address.js'
import { settingsOf } from './settings.js'
import type { PoolOptions } from './types.js'

const of = (query: string, options: PoolOptions = {}, env = {}) =>
  settingsOf(options, targetOf(`postgres://app:pw@db/app?${query}`, 'postgres', env), env)

const refused = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was taken')
}

describe('a parameter of the address', () => {
  test('holds where the option is not given', () => {
    const query =
      'statement_timeout=3000&query_timeout=2000&connect_timeout=7&application_name=shop&target_session_attrs=primary'
    expect(of(query)).toMatchObject({
      ...{ statement_timeout: 3000, query_timeout: 2000, connectTimeoutMillis: 7000 },
      ...{ application_name: 'shop', target_session_attrs: 'primary' },
    })
    const options = { statement_timeout: 1, query_timeout: 2, connectTimeoutMillis: 3, application_name: 'x' }
    expect(of(query, options)).toMatchObject(options)
  })

  test('is a limit that was given, as an option is; a default only tightens', () => {
    expect(of('lock_timeout=77', { idle_in_transaction_session_timeout: 0 }).limits).toEqual([
      { name: 'statement_timeout', ms: 65_000, given: false },
      { name: 'lock_timeout', ms: 77, given: true },
      { name: 'idle_in_transaction_session_timeout', ms: 0, given: true },
    ])
  })

  test.each(['-c%20statement_timeout%3D5s', '-cstatement_timeout=0', '--statement-timeout=0'])(
    'options=%s leaves that limit alone, unless an option is given',
    options => {
      const names = (given: PoolOptions) => of(`options=${options}`, given).limits.map(({ name }) => name)
      expect(names({})).toEqual(['lock_timeout', 'idle_in_transaction_session_timeout'])
      expect(names({ statement_timeout: 1000 })).toContain('statement_timeout')
    },
  )

  test.each([
    ['statement_timeout=3s', /app.*: statement_timeout is not a whole number of milliseconds$/],
    ['statment_timeout=3', /"statment_timeout" is no parameter; did you mean statement_timeout\?/],
    ['max=5', /: max is no parameter of an address; give it as an option$/],
    ['require_auth=scram-sha-256', /: require_auth=scram-sha-256: node-postgres cannot hold to it/],
    ['channel_binding=require', /: channel_binding=require: node-postgres cannot hold to it.*=verify-full$/],
    ['target_session_attrs=master', /^target_session_attrs: "master" is not one of any, /],
  ])('%s is refused with what to write', (query, message) => {
    expect(refused(() => of(query))).toMatch(message)
    expect(refused(() => of(query))).not.toContain('pw')
  })

  test('that another driver reads, or a provider adds, passes', () => {
    of('schema=public&pgbouncer=true&connection_limit=5&supa=base-pooler.x&channel_binding=prefer')
  })

  test('fallback_application_name comes after PGAPPNAME', () => {
    const query = 'fallback_application_name=last'
    expect(of(query).application_name).toBe('last')
    expect(of(query, {}, { PGAPPNAME: 'named' }).application_name).toBe('named')
  })
})

test.each([
  [{ queryTimeoutMillis: 1 }, /^queryTimeoutMillis: unknown option of a pool; did you mean query_timeout\?$/],
  [{ connectionLimit: 1 }, /it is max$/],
  [
    { zzzzzz: 1 },
    /^zzzzzz: unknown option of a pool; all are in the type PoolOptions, and in docs\/client.md$/,
  ],
  [
    { query_timeout: 1e12 },
    /^query_timeout: 1000000000000 is not a whole number of milliseconds up to 2147483647/,
  ],
  [{ query_timeout: 1.5 }, /^query_timeout: 1.5 is not a whole number/],
  [{ max: Number.NaN }, /^max: NaN is not a whole number from 1 to 2147483647$/],
  [{ backoffFactor: '2' }, /^backoffFactor: "2" is not a number from 1 to 100$/],
  [{ maxLifetimeSeconds: '5' }, /^maxLifetimeSeconds: "5" is not/],
  [{ maxLifetimeJitter: '0' }, /^maxLifetimeJitter: "0" is not/],
  [{ name: 5 }, /^name: 5 is not a text$/],
  [{ ssl: 'require' }, /^ssl: "require" is not true, false or an object/],
  [{ password: 5 }, /^password: a number is not a text, or a function that gives one$/],
  [{ types: 3 }, /^types: 3 is not an object/],
  [{ allowExitOnIdle: 'x' }, /^allowExitOnIdle: "x" is not true or false$/],
  [{ target_session_attrs: '' }, /^target_session_attrs: "" is not one of any, /],
  [{ retry: { attempts: Number.NaN } }, /retry/],
  [{ retry: { attemps: 3 } }, /attemps/],
  [{ retry: null }, /retry/],
  [{ retry: 5 }, /retry/],
  [{ retry: true }, /retry/],
  [null, /^options: null is not an object, like \{ max: 20 \}$/],
])('%j: the message says what is wrong and what to write', (options, message) => {
  expect(refused(() => settingsOf(options as PoolOptions))).toMatch(message)
})
