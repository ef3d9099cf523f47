import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { subjectOf } from '../../test/support/checked.js'
import { annotations, documentOf, type Findings, text } from '../cli/output/findings.js'
import { paintFor } from '../cli/output/paint.js'
import { URL_VARIABLES } from '../gate/variables.js'
import { checkConfig, checkDeploy, settle } from './check.js'
import type { Example } from './rule.js'
import { RULES } from './rules/all.js'
import { hush, looksSecret, shownValue } from './secrets.js'

/** Everything that a run could print. */
async function printed(example: Example, args: readonly string[] = []): Promise<string> {
  const subject = await subjectOf(example, args)
  const concerns = [...checkConfig(subject), ...checkDeploy(subject)]
  const silence = Object.fromEntries(RULES.slice(0, 12).map(({ id }) => [id, 'a reason']))
  const found = (settled: Findings['settled']): Findings => ({
    subject,
    settled,
    deploy: true,
    durationMs: 1,
  })
  return [settle(concerns, {}), settle(concerns, { failLevel: 'info', silence })]
    .map(found)
    .flatMap(one => [
      JSON.stringify(documentOf(one)),
      annotations(one),
      text(one, { verbose: true, quiet: false }, paintFor({}, false)),
    ])
    .join('\n')
}

test('secrets that overlap leave nothing of each other', async () => {
  const subject = await subjectOf({ env: { A_SECRET: 'abcdefgh', B_SECRET: 'efghijklmnop' } })
  const [hushed] = hush(
    [{ id: 'x', level: 'error', message: '<abcdefghijklmnop abcdefghabcdefgh>' }],
    subject,
  )
  expect(hushed?.message).toMatch(/^<[* ]+>$/)
})

test('the time for hiding does not grow with the number of secrets', async () => {
  const targets = Array.from({ length: 1500 }, (_, i) => `  t${i}: postgres://u:quu8Aic2eiTh${i}@h${i}/d\n`)
  const subject = await subjectOf({ config: `targets:\n${targets.join('')}` })
  const begun = performance.now()
  const concerns = checkDeploy(subject)
  // Quadratic, it takes minutes.
  expect(performance.now() - begun).toBeLessThan(20_000)
  expect(concerns.length).toBeGreaterThan(1500)
  expect(JSON.stringify(concerns)).not.toContain('quu8Aic2eiTh')
}, 60_000)

test('the working directory is no secret', async () => {
  const folder = '/srv/shop/releases/12'
  const subject = await subjectOf({ env: { PWD: folder, OLDPWD: folder, DB_PWD: 'hunter2hunter2' } })
  const message = `boom in ${folder}/x.cjs, hunter2hunter2`
  const [hushed] = hush([{ id: 'smoke-failed', level: 'error', message }], subject)
  expect(hushed?.message).toBe(`boom in ${folder}/x.cjs, ***`)
})

describe('what looks like a secret', () => {
  test.each([
    ['DB_PASSWORD', 'x'],
    ['API_KEY', 'x'],
    ['KEY', 'x'],
    ['SESSION_SECRET', 'x'],
    ['DATABASE_URL', 'x'],
    ['PLAIN', 'sk_live_x'],
    ['PLAIN', 'postgres://a:b@c/d'],
    ['PLAIN', 'eyJhbGciOi'],
    ['PLAIN', 'q8fh3k2l9s0d8f7g6h5j4k3l'],
  ])('%s=%s does', (name, value) => expect(looksSecret(name, value)).toBe(true))

  test.each([
    ['PASSWORD_FILE', '/run/secrets/db'],
    ['PORT', '5432'],
    ['MONKEY', 'x'],
    ['HOME', '/home/someone/work/project1/abc'],
    ['SITE', 'https://example.com/a'],
  ])('%s=%s does not', (name, value) => expect(looksSecret(name, value)).toBe(false))
})

test('the value of what looks like a secret is not quoted, another one is', () => {
  expect([shownValue('API_KEY', 'tomato'), shownValue('COLOUR', 'tomato')]).toEqual(['its value', '"tomato"'])
})

test('a secret that slipped into a finding is hidden, and what everybody knows is left', async () => {
  const env = {
    API_KEY: 'tomato',
    DATABASE_URL: 'postgres://app:cucumber@db/app',
    REDIS_URL: 'redis://:postgres@r',
  }
  const text = 'tomato, cucumber and postgres\nin \u001b[1mred'
  const [found] = hush([{ id: 'x', level: 'info', message: text, fix: 'tomato' }], await subjectOf({ env }))
  expect(found).toMatchObject({ message: '***, *** and postgres in red', fix: '***' })
})

/** Nothing of holdfast's own says it, and none of it is a number or a word. */
const secret = fc
  .tuple(
    fc.stringMatching(/^[A-Za-z0-9]{6,14}$/),
    fc.constantFrom('', '@', '/', ' ', '%', '"', "'", ':', '#', '&', 'é'),
  )
  .map(([word, odd]) => `Zq${word}${odd}Xj9`)

const host = fc.constantFrom(
  'localhost',
  'db',
  'db.example.com',
  '10.0.0.1',
  '[::1]',
  '',
  'h:x',
  'a,b',
  'x y',
)
const scheme = fc.constantFrom(
  'postgres',
  'postgresql+asyncpg',
  'redis',
  'rediss',
  'mysql',
  'amqp',
  'mongodb',
  'clickhouse',
  'http',
  'nats',
  'postgrs',
  'tcp',
)
const url = fc
  .record({
    scheme,
    user: fc.constantFrom('app', 'root', 'postgres', ''),
    host,
    encoded: fc.boolean(),
    query: fc.constantFrom(
      '',
      '?sslmode=require',
      '?sslmode=on',
      '?connect_timeout=0',
      '?password=SECRET',
      '?token=SECRET',
      '?x',
    ),
  })
  .map(
    part => (password: string) =>
      `${part.scheme}://${part.user}:${part.encoded ? encodeURIComponent(password) : password}@${part.host}/app${part.query.replace('SECRET', encodeURIComponent(password))}`,
  )

const VARIABLES = [
  ...URL_VARIABLES,
  'PGPASSWORD',
  'DB_PASSWORD',
  'POSTGRES_PASSWORD',
  'API_KEY',
  'SESSION_SECRET',
  'HOLDFAST_TOKEN',
]
const OTHERS = [
  'PGHOST',
  'PGPORT',
  'PGSSLMODE',
  'DB_HOST',
  'DB_PORT',
  'DEBUG',
  'HOLDFAST_TIMEOUT',
  'HOLDFAST_X',
]

test('no secret of the environment or the configuration is ever printed', async () => {
  await fc.assert(
    fc.asyncProperty(
      secret,
      fc.uniqueArray(fc.tuple(fc.constantFrom(...VARIABLES), fc.option(url, { nil: undefined })), {
        selector: ([name]) => name,
        maxLength: 5,
      }),
      fc.uniqueArray(fc.tuple(fc.constantFrom(...OTHERS), fc.constantFrom('abc', 'db', '5432', 'true', '')), {
        selector: ([name]) => name,
        maxLength: 4,
      }),
      fc.array(fc.tuple(fc.constantFrom('db', 'cache', 'other'), url, fc.boolean()), { maxLength: 3 }),
      fc.option(url, { nil: undefined }),
      async (password, named, others, targets, argument) => {
        const env = Object.fromEntries([
          ...others,
          ...named.map(([name, address]) => [name, address ? address(password) : password] as const),
        ])
        const config = stringify({
          targets: Object.fromEntries(
            targets.map(([name, address, pooled]) => [
              name,
              pooled ? { url: address(password), pool: { max: 500 } } : address(password),
            ]),
          ),
          environment: {
            API_KEY: { type: 'integer' },
            SESSION_SECRET: { oneOf: ['a'] },
            DATABASE_URL: { type: 'port' },
          },
        })
        const all = await printed({ env, config }, argument ? [argument(password)] : [])
        for (const form of [password, encodeURIComponent(password), JSON.stringify(password).slice(1, -1)])
          expect(all.includes(form), `${form} in\n${all}`).toBe(false)
      },
    ),
    { numRuns: 300 },
  )
})

test('whatever a configuration holds, it is checked to the end', async () => {
  const keys = [
    'targets',
    'environment',
    'check',
    'silence',
    'run',
    'db',
    'url',
    'pool',
    'max',
    'timeout',
    '__proto__',
    '',
  ]
  const { tree } = fc.letrec(tie => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, true, 0, -1, 1e9, '', 'x', 'env:X', 'postgres://h', 'exec:', []),
      fc.array(tie('tree'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 4 }),
    ),
  }))
  await fc.assert(
    fc.asyncProperty(tree, async value => {
      await printed({ config: JSON.stringify(value), env: {} })
    }),
    { numRuns: 300 },
  )
})

test('whatever the environment holds, it is checked to the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.constantFrom(...VARIABLES, ...OTHERS, 'NODE_OPTIONS', 'PGOPTIONS'),
        fc.string({ unit: 'binary' }),
      ),
      async env => {
        await printed({ env })
      },
    ),
    { numRuns: 300 },
  )
})
