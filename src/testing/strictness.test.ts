import { describe, expect, test } from 'vitest'
import type { Config } from '../config/config.js'
import type { Env } from '../gate/variables.js'
import type { Asked } from './services.js'
import { type General, strictnesses } from './strictness.js'

const ASKED: Asked[] = [
  { name: 'db', service: 'postgres', wanted: undefined },
  { name: 'cache', service: 'redis', wanted: undefined },
]

function strict(test: NonNullable<Config['test']>, more: { env?: Env; general?: Partial<General> } = {}) {
  const general: General = { needs: new Map(), require: [], ...more.general }
  const [db, cache] = strictnesses(ASKED, test, general, more.env ?? {})
  if (!db || !cache) throw new Error('there are two')
  return { db, cache }
}

test('without a configuration nothing is said, and nothing differs offline', () => {
  const { db } = strict({})
  expect(db).toEqual({ usual: { needs: [] }, offline: undefined })
})

describe('a section', () => {
  test('may name the service or the target, and the target’s counts', () => {
    const { db, cache } = strict({
      service: { postgres: { allowSkip: true, allowStandIn: true }, db: { allowSkip: false } },
    })
    expect(db.usual).toMatchObject({ allowSkip: false, allowStandIn: true })
    expect(cache.usual).toEqual({ needs: [] })
  })

  test('comes before what holds for all, and an option before it', () => {
    const config = { allowSkip: true, service: { postgres: { allowSkip: false } } }
    expect(strict(config).db.usual.allowSkip).toBe(false)
    expect(strict(config).cache.usual.allowSkip).toBe(true)
    expect(strict(config, { general: { allowSkip: true } }).db.usual.allowSkip).toBe(true)
    expect(strict(config, { general: { allowSkip: false } }).cache.usual.allowSkip).toBe(false)
  })

  test('adds its needs to those of all', () => {
    const needs = new Map([['postgres', ['icu']]])
    const { db } = strict({ service: { db: { needs: ['cancel', 'postgres.icu'] } } }, { general: { needs } })
    expect(db.usual.needs).toEqual(['icu', 'cancel'])
  })

  test('chooses rungs and their order, and the image of one that runs one', () => {
    const rungs = ['pglite', 'system-postgres']
    const { db } = strict({ service: { db: { rungs, image: 'postgis/postgis:17-3.5' } } })
    expect(db.usual).toMatchObject({ rungs, image: 'postgis/postgis:17-3.5' })
  })

  test('without any rung allows no stand-in', () => {
    const { db } = strict({ service: { db: { rungs: [] } } }, { general: { allowStandIn: true } })
    expect(db.usual.allowStandIn).toBe(false)
  })
})

test('without a network its own section comes before the usual one, which still holds where it is silent', () => {
  const { db, cache } = strict({
    service: { postgres: { require: true, allowSkip: false, needs: ['icu'] } },
    offline: { postgres: { require: false, rungs: ['pglite'], needs: [] } },
  })
  expect(db.usual).toMatchObject({ requiredBy: 'test.service.postgres.require', allowSkip: false })
  expect(db.offline).toEqual({ rungs: ['pglite'], needs: [], allowSkip: false })
  expect(cache.offline).toBeUndefined()
})

describe('what is required', () => {
  test.each([
    [{ HOLDFAST_REQUIRE: 'postgres' }, ['HOLDFAST_REQUIRE', undefined]],
    [{ HOLDFAST_REQUIRE: ' cache , db' }, ['HOLDFAST_REQUIRE', 'HOLDFAST_REQUIRE']],
    [{ HOLDFAST_REQUIRE: 'all' }, ['HOLDFAST_REQUIRE', 'HOLDFAST_REQUIRE']],
    [{ HOLDFAST_REQUIRE: 'mysql' }, [undefined, undefined]],
    [{ HOLDFAST_REQUIRE: '' }, [undefined, undefined]],
  ])('by %j', (env, by) => {
    const { db, cache } = strict({}, { env })
    expect([db.usual.requiredBy, cache.usual.requiredBy]).toEqual(by)
  })

  test('by an option, also where the configuration does not', () => {
    const { db } = strict(
      { service: { db: { require: false } } },
      { general: { require: ['db,redis'] }, env: { HOLDFAST_REQUIRE: 'db' } },
    )
    expect(db.usual.requiredBy).toBe('--require')
  })

  test('by the variable holds without a network, too', () => {
    const { db } = strict({ offline: { db: { require: false } } }, { env: { HOLDFAST_REQUIRE: 'postgres' } })
    expect(db.offline?.requiredBy).toBe('HOLDFAST_REQUIRE')
  })
})

test.each<[string, NonNullable<Config['test']>, Env, RegExp]>([
  [
    'a rung',
    { service: { db: { rungs: ['pg-lite'] } } },
    {},
    /test\.service\.db\.rungs: "pg-lite".*did you mean pglite\?/,
  ],
  [
    'a rung of another service',
    { offline: { cache: { rungs: ['pglite'] } } },
    {},
    /test\.offline\.cache\.rungs: "pglite".*known: system-redis/,
  ],
  ['a service', { service: { postgers: {} } }, {}, /test\.service: "postgers".*did you mean postgres\?/],
  ['a target offline', { offline: { cach: {} } }, {}, /test\.offline: "cach".*did you mean cache\?/],
  [
    'a capability',
    { service: { db: { needs: ['isu'] } } },
    {},
    /test\.service\.db\.needs: "isu".*did you mean icu\?/,
  ],
  [
    'what is required',
    {},
    { HOLDFAST_REQUIRE: 'postgre' },
    /HOLDFAST_REQUIRE: "postgre".*did you mean postgres\?/,
  ],
  ['a name that is no own key', { service: { toString: {} } as never }, {}, /"toString" is not known/],
])('%s that is not known is a usage error with the nearest one', (_, config, env, message) => {
  expect(() => strict(config, { env })).toThrow(message)
})
