import { describe, expect, test } from 'vitest'
import { parseTarget, type Target } from '../../../core/target.js'
import type { Verdict } from '../../../core/verdict.js'
import { loadService, SCHEMES } from '../../../services/registry.js'
import { discover } from '../../discover.js'
import { type Env, libpqDefaults } from '../../variables.js'
import type { Subject } from '../subject.js'
import { LOOKS } from './all.js'
import { originsFrom } from './origins.js'

const READY: Verdict = { target: 't', ready: true, steps: [], heard: true, server: { product: 'x' } }
const BROKEN: Verdict = {
  target: 't',
  ready: false,
  steps: [],
  heard: true,
  layer: 'auth',
  finding: { reason: 'authentication-failed', message: 'no' },
}

async function subjectOf(target: Target, env: Env, verdict = READY): Promise<Subject> {
  const service = await loadService(target.service)
  return { target, service, verdict, sources: [], env, signal: new AbortController().signal }
}

/** What the look says of the first target that the environment names. */
async function look(env: Env, verdict?: Verdict) {
  const [found] = discover(env, { schemes: SCHEMES, defaults: libpqDefaults(env, 'me') })
  if (!found) throw new Error('the environment names no target')
  const subject = await subjectOf(found.target, env, verdict)
  return originsFrom({ ...subject, sources: found.sources })
}

test('the facts are values with their places, and the password only whether there is one', async () => {
  const { facts, concerns } = await look({ DATABASE_URL: 'postgres://app:hunter22@db/shop', PGPORT: '5433' })
  expect(facts).toEqual({
    host: 'db (env:DATABASE_URL)',
    port: '5433 (env:PGPORT)',
    user: 'app (env:DATABASE_URL)',
    password: 'set (env:DATABASE_URL)',
    database: 'shop (env:DATABASE_URL)',
    tls: 'prefer (the default of postgres)',
  })
  expect(concerns).toEqual([])
})

describe('two places that disagree', () => {
  test('are told together, and what to take away', async () => {
    const { concerns } = await look({
      DATABASE_URL: 'postgres://app@db/shop',
      PGHOST: 'localhost',
      PGUSER: 'app',
    })
    expect(concerns).toEqual([
      {
        id: 'sources-disagree',
        level: 'warning',
        message: 'DATABASE_URL says host db, PGHOST says localhost',
        advice: 'Keep one of them: a program that reads PGHOST is not the one that was examined.',
        fix: 'unset PGHOST',
        where: 'env:PGHOST',
        target: 'postgres',
      },
    ])
  })

  test.each<[string, Env, string[]]>([
    [
      'passwords, without showing either',
      { DATABASE_URL: 'postgres://a:hunter22@db/s', DB_PASSWORD: 'hunter33' },
      ['DB_PASSWORD holds another password than DATABASE_URL'],
    ],
    [
      'the two families',
      { PGHOST: 'a', PGPORT: '1', DB_HOST: 'b', DB_PORT: '1' },
      ['PGHOST says host a, DB_HOST says b'],
    ],
    [
      'another URL of the same database',
      { DATABASE_URL: 'postgres://u@a/s', POSTGRES_URL: 'postgres://u@b/s' },
      ['DATABASE_URL says host a, POSTGRES_URL says b'],
    ],
    [
      'an address where a name belongs',
      { DATABASE_URL: 'postgres://a:b@h/s', PGDATABASE: 'postgres://app:hunter22@db:5432/app' },
      ['DATABASE_URL says database s, PGDATABASE says ***'],
    ],
    [
      'a parameter where a name belongs',
      { DATABASE_URL: 'postgres://a:b@h/s', DB_NAME: 'app?password=hunter22', DB_USER: 'app:hunter33' },
      ['DATABASE_URL says database s, DB_NAME says ***; DATABASE_URL says user a, DB_USER says ***'],
    ],
  ])('as %s', async (_, env, messages) => {
    const { concerns, facts } = await look(env)
    expect(concerns.map(({ message }) => message)).toEqual(messages)
    expect(JSON.stringify([concerns, facts])).not.toMatch(/hunter/)
  })

  test.each<[string, Env]>([
    ['two names of the loopback', { DATABASE_URL: 'postgres://u@localhost/s', PGHOST: '127.0.0.1' }],
    ['another database', { DATABASE_URL: 'postgres://u@a/s', POSTGRES_URL: 'postgres://u@b/other' }],
    ['another service', { REDIS_URL: 'redis://a', PGHOST: 'b', PGPORT: '1' }],
    ['what only fills in', { DATABASE_URL: 'postgres://db', PGUSER: 'u', PGPASSWORD: 'p', PGDATABASE: 'd' }],
  ])('are not %s', async (_, env) => {
    expect((await look(env)).concerns).toEqual([])
  })

  test('are no matter of an address that was given by hand', async () => {
    const env = { PGHOST: 'other' }
    const target = parseTarget('postgres://db', { schemes: SCHEMES })
    expect((await originsFrom(await subjectOf(target, env))).concerns).toEqual([])
  })
})

describe('a password that is there but empty', () => {
  test.each<[string, Env, string]>([
    ['in a URL', { DATABASE_URL: 'postgres://app:@db/s' }, 'env:DATABASE_URL'],
    ['in PGPASSWORD', { PGHOST: 'db', PGPASSWORD: '' }, 'env:PGPASSWORD'],
    ['in DB_PASSWORD', { DB_HOST: 'db', DB_PASSWORD: '' }, 'env:DB_PASSWORD'],
  ])('is told %s, as a warning where the login failed', async (_, env, where) => {
    const expected = { id: 'empty-password', message: `the password in ${where} is there, but empty`, where }
    expect((await look(env, BROKEN)).concerns).toMatchObject([{ ...expected, level: 'warning' }])
    expect((await look(env)).concerns).toMatchObject([{ ...expected, level: 'info' }])
  })

  test.each<[string, Env]>([
    ['that is not there at all', { DATABASE_URL: 'postgres://app@db/s' }],
    ['of another family', { DB_HOST: 'db', PGPASSWORD: '' }],
    ['that another place fills in', { DATABASE_URL: 'postgres://app:@db/s', PGPASSWORD: 'pw' }],
  ])('is not one %s', async (_, env) => {
    expect((await look(env, BROKEN)).concerns).toEqual([])
  })
})

test('what is wrong with the files of libpq is told', async () => {
  const concern = { id: 'password-file-ignored', level: 'warning', message: 'm' } as const
  const target = { ...parseTarget('postgres://db', { schemes: SCHEMES }), concerns: [concern] }
  expect((await originsFrom(await subjectOf(target, {}))).concerns).toEqual([
    { ...concern, target: 'postgres' },
  ])
})

test('a line that the password file lacks matters only to a target that is not ready', async () => {
  const concern = { id: 'password-file-without-line', level: 'warning', message: 'm' } as const
  const target = { ...parseTarget('postgres://db', { schemes: SCHEMES }), concerns: [concern] }
  expect((await originsFrom(await subjectOf(target, {}))).concerns).toEqual([])
  expect((await originsFrom(await subjectOf(target, {}, BROKEN))).concerns).toMatchObject([concern])
})

test('no look rejects, nor outlives its signal', async () => {
  const target = parseTarget('postgres://nowhere.invalid:1/app', { schemes: SCHEMES })
  const subject = await subjectOf(target, {})
  for (const one of Object.values(LOOKS)) {
    const said = await one({ ...subject, signal: AbortSignal.abort() })
    expect(said).toEqual({ facts: {}, concerns: [] })
  }
})
