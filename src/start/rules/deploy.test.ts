import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { subjectOf } from '../../../test/support/checked.js'
import { checkDeploy } from '../check.js'
import type { Example } from '../rule.js'

/** The findings of one rule, as `level message`. */
async function found(id: string, example: Example): Promise<string[]> {
  const concerns = checkDeploy(await subjectOf(example))
  return concerns.filter(one => one.id === id).map(({ level, message }) => `${level} ${message}`)
}

const levelAt = async (id: string, url: string, env: Record<string, string> = {}) =>
  (await found(id, { env: { ...env, DATABASE_URL: url } })).map(text => text.split(' ')[0])

describe('TLS', () => {
  test.each([
    ['off to a public host is an error', 'tls-off', 'postgres://a@db.example.com/a?sslmode=disable', 'error'],
    ['allow begins with plain text', 'tls-off', 'postgres://a@db.example.com/a?sslmode=allow', 'error'],
    ['off to a public address is an error', 'tls-off', 'postgres://a@203.0.113.5/a?sslmode=disable', 'error'],
    [
      'off in a private network is a warning',
      'tls-off',
      'postgres://a@10.1.2.3/a?sslmode=disable',
      'warning',
    ],
    ['172.16.0.0/12 is private', 'tls-off', 'postgres://a@172.31.0.1/a?sslmode=disable', 'warning'],
    ['172.32.0.0 is public', 'tls-off', 'postgres://a@172.32.0.1/a?sslmode=disable', 'error'],
    ['fd00::/8 is private', 'tls-off', 'postgres://a@[fd00::5]/a?sslmode=disable', 'warning'],
    ['.internal is private', 'tls-off', 'postgres://a@db.railway.internal/a?sslmode=disable', 'warning'],
    [
      'a name of Kubernetes is private',
      'tls-off',
      'postgres://a@db.shop.svc.cluster.local/a?sslmode=disable',
      'warning',
    ],
    ['a name without a dot is info', 'tls-off', 'postgres://a@db/a?sslmode=disable', 'info'],
    [
      'the farthest host decides',
      'tls-off',
      'postgres://a@localhost,db.example.com/a?sslmode=disable',
      'error',
    ],
    [
      'hostaddr is where it goes',
      'tls-off',
      'postgres://a@db/a?sslmode=disable&hostaddr=203.0.113.5',
      'error',
    ],
    ['prefer falls back', 'tls-unverified', 'postgres://a@db.example.com/a', 'warning'],
    ['require verifies nobody', 'tls-unverified', 'postgres://a@db.example.com/a?sslmode=require', 'warning'],
    ['verify-ca takes any name', 'tls-unverified', 'mysql://a@db.example.com/a?sslmode=verify-ca', 'warning'],
    ['unverified in a private network is info', 'tls-unverified', 'postgres://a@10.0.0.1/a', 'info'],
  ])('%s', async (_, id, url, level) => {
    expect(await levelAt(id, url)).toEqual([level])
  })

  test.each([
    'postgres://a@localhost/a?sslmode=disable',
    'postgres://a@127.0.0.53/a?sslmode=disable',
    'postgres://a@[::1]/a?sslmode=disable',
    'postgres:///a?host=/run/postgresql&sslmode=disable',
    'postgres://a@db.example.com/a?sslmode=verify-full',
    'rediss://cache.example.com',
  ])('%s is neither off nor unverified', async url => {
    expect([...(await levelAt('tls-off', url)), ...(await levelAt('tls-unverified', url))]).toEqual([])
  })

  test('the fix is a line that can be pasted where the address is set', async () => {
    const fix = async (env: Record<string, string>) =>
      checkDeploy(await subjectOf({ env })).find(({ id }) => id.startsWith('tls-'))?.fix
    expect(await fix({ DATABASE_URL: 'postgres://a@db.example.com/a' })).toContain('sslmode=verify-full"')
    expect(await fix({ DATABASE_URL: 'postgres://a@db.example.com/a?db=a' })).toBe(
      'export DATABASE_URL="$DATABASE_URL&sslmode=verify-full"',
    )
    expect(await fix({ DATABASE_URL: 'postgres://a@db.example.com/a?sslmode=disable' })).toContain('sed')
    expect(await fix({ PGHOST: 'db.example.com' })).toBe("export PGSSLMODE='verify-full'")
    expect(await fix({ DB_HOST: 'db.example.com' })).toBe("export DB_SSL_MODE='verify-full'")
  })
})

describe('passwords', () => {
  test.each([
    ['postgres', 'postgres://app:postgres@db/x'],
    ['in any case', 'postgres://app:ChangeMe@db/x'],
    ['the name of the user', 'postgres://shopper:shopper@db/x'],
    ['the name of the database', 'postgres://app:shopdb@db/shopdb'],
    ['guest', 'amqp://guest:guest@mq'],
    ['what clients of RabbitMQ send by themselves', 'amqp://mq'],
  ])('%s is a default password', async (_, url) => {
    expect(await levelAt('default-password', url)).toEqual(['error'])
  })

  test('a password of the server is looked at once', async () => {
    const env = { DATABASE_URL: 'postgres://app:changeme@db/x', POSTGRES_PASSWORD: 'changeme' }
    expect(await found('default-password', { env })).toHaveLength(1)
    expect(await found('default-password', { env: { MYSQL_ROOT_PASSWORD: 'root' } })).toEqual([
      'error MYSQL_ROOT_PASSWORD is a password that everybody knows',
    ])
  })

  test.each([
    ['an empty one is an error', { DATABASE_URL: 'postgres://app:@db/x' }, ['error its password is empty']],
    ['an empty DB_PASSWORD is an error', { DB_HOST: 'db', DB_PASSWORD: '' }, ['error its password is empty']],
    ['none at all is a warning', { DATABASE_URL: 'postgres://app@db/x' }, ['warning it has no password']],
    [
      'none for a Redis of the same network is info',
      { REDIS_URL: 'redis://redis' },
      ['info it has no password'],
    ],
    [
      'none for a distant Redis is a warning',
      { REDIS_URL: 'redis://r.example.com' },
      ['warning it has no password'],
    ],
    ['a password file is one', { DATABASE_URL: 'postgres://app@db/x', PGPASSFILE: '/x' }, []],
    ['a socket knows who connects', { DATABASE_URL: 'postgres:///x?host=/run/postgresql' }, []],
    ['PGPASSWORD is one', { DATABASE_URL: 'postgres://app@db/x', PGPASSWORD: 'quu8Aic2eiTh' }, []],
    ['memcached has nobody to ask', { MEMCACHED_URL: 'memcached://cache' }, []],
  ])('%s', async (_, env, expected) => {
    expect(await found('empty-password', { env: env as Record<string, string> })).toEqual(expected)
  })
})

test.each([
  ['postgres://postgres:x@db/a', ['warning']],
  ['postgres://Root:x@db/a', ['warning']],
  ['mysql://root:x@db/a', ['warning']],
  ['clickhouse://ch', ['warning']],
  ['redis://default:x@redis', ['info']],
  ['redis://redis', []],
  ['postgres://app:x@db/a', []],
])('whether %s logs in as an administrator', async (url, levels) => {
  expect(await levelAt('superuser-role', url)).toEqual(levels)
})

describe('time limits', () => {
  test.each([
    ['neither', 'postgres://a@db/a', ['info', 'info']],
    ['one', 'postgres://a@db/a?connect_timeout=5', ['info']],
    [
      'switched off',
      'postgres://a@db/a?connect_timeout=0&options=-c%20statement_timeout%3D0',
      ['warning', 'warning'],
    ],
    [
      'keepalive switched off',
      'postgres://a@db/a?connect_timeout=5&statement_timeout=5000&keepalives=0',
      ['warning'],
    ],
    ["a driver's own name", 'mysql://a@db/a?connectTimeout=10000', []],
    ['heartbeats switched off', 'amqp://a:b@mq?heartbeat=0', ['warning']],
    ['a service that takes none', 'redis://redis', []],
  ])('%s', async (_, url, levels) => {
    expect(await levelAt('no-timeouts', url)).toEqual(levels)
  })

  const pasted = (env: Record<string, string>, fixes: readonly (string | undefined)[], shown: string) =>
    execFileSync('sh', ['-c', `${fixes.join('\n')}\nprintf %s "$${shown}"`], { env, encoding: 'utf8' })

  test.each([
    'postgres://a:b@db.example.com/a',
    'postgres://a:b@db.example.com/a?target_session_attrs=any',
    'postgres://a:b@db.example.com/a?sslmode=disable',
    'host=db.example.com user=a password=b',
  ])('the fixes for %s can be pasted in any order', async url => {
    const env = { DATABASE_URL: url, PATH: process.env.PATH ?? '' }
    const fixes = checkDeploy(await subjectOf({ env })).flatMap(({ fix }) => (fix ? [fix] : []))
    expect(fixes.length).toBeGreaterThanOrEqual(3)
    for (const order of [fixes, [...fixes].reverse()]) {
      const DATABASE_URL = pasted(env, order, 'DATABASE_URL')
      const { targets } = await subjectOf({ env: { DATABASE_URL } })
      expect(targets[0]?.target.tls.mode).toBe('verify-full')
      expect(targets[0]?.target.params.get('connect_timeout')?.reveal()).toBe('10')
      expect(targets[0]?.target.params.get('options')?.reveal()).toBe('-c statement_timeout=60s')
    }
  })

  test('options that are there are kept', async () => {
    const fixOf = async (env: Record<string, string>) =>
      checkDeploy(await subjectOf({ env })).filter(({ message }) => /statement/.test(message))[0]?.fix
    const inUrl = { DATABASE_URL: 'postgres://a@db/a?options=-c%20search_path%3Dx&sslmode=disable' }
    const url = pasted({ ...inUrl, PATH: process.env.PATH ?? '' }, [await fixOf(inUrl)], 'DATABASE_URL')
    expect(new URL(url).searchParams.get('options')).toBe('-c search_path=x -c statement_timeout=60s')
    expect(new URL(url).searchParams.get('sslmode')).toBe('disable')
    const inFamily = { PGHOST: 'db', PGOPTIONS: '-c search_path=x' }
    expect(pasted(inFamily, [await fixOf(inFamily)], 'PGOPTIONS')).toBe(
      '-c search_path=x -c statement_timeout=60s',
    )
  })

  test("libpq's variables count", async () => {
    const env = { PGCONNECT_TIMEOUT: '5', PGOPTIONS: '-c statement_timeout=5s' }
    expect(await levelAt('no-timeouts', 'postgres://a@db/a', env)).toEqual([])
  })
})

describe('pools', () => {
  const config = (max: number, processes: number, url = 'postgres://a@db/a') =>
    `targets:\n  db:\n    url: ${url}\n    pool: { max: ${max}, processes: ${processes} }\n`

  test('are compared with the default where nothing says the limit, as a warning that says so', async () => {
    const [text = ''] = await found('pool-too-large', { config: config(49, 2) })
    expect(text).toMatch(/^warning .*98 connections, and 97 are allowed .*default is 100 less 3/)
    expect(await found('pool-too-large', { config: config(97, 1) })).toEqual([])
  })

  test('are compared with max_connections of a Compose file beside the configuration', async () => {
    const files = {
      'compose.yaml': { text: 'services:\n  db:\n    command: postgres -c max_connections=200\n' },
    }
    expect(await found('pool-too-large', { config: config(49, 2), files })).toEqual([])
    const [text] = await found('pool-too-large', { config: config(100, 2), files })
    expect(text).toMatch(/^error .*max_connections=200 in compose.yaml/)
  })

  test('a comment in a Compose file is no limit', async () => {
    const files = { 'compose.yaml': { text: '# command: postgres -c max_connections=500\n' } }
    expect((await found('pool-too-large', { config: config(100, 2), files }))[0]).toMatch(/^warning/)
  })

  test('of several targets at one server add up', async () => {
    const two = `${config(60, 1)}  other:\n    url: postgres://b@db/b\n    pool: { max: 60 }\n`
    expect(await found('pool-too-large', { config: two })).toHaveLength(1)
    expect(await found('pool-too-large', { config: two.replace('b@db', 'b@db2') })).toEqual([])
  })

  test('of MySQL have its default', async () => {
    expect(await found('pool-too-large', { config: config(151, 1, 'mysql://a@db/a') })).toEqual([])
    expect(await found('pool-too-large', { config: config(152, 1, 'mysql://a@db/a') })).toHaveLength(1)
  })
})

test.each([
  [{ DEBUG: 'true' }, 1],
  [{ DEBUG: 'app:*' }, 0],
  [{ DEBUG: '0' }, 0],
  [{ NODE_ENV: 'development' }, 1],
  [{ NODE_ENV: 'production', RAILS_ENV: 'production' }, 0],
  [{ APP_ENV: 'local', APP_DEBUG: 'true' }, 2],
  [{ NODE_OPTIONS: '--inspect=0.0.0.0:9229' }, 1],
])('%j has %i switches for development', async (env, n) => {
  expect(await found('debug-on', { env: env as Record<string, string> })).toHaveLength(n)
})

test.each([
  [{ POSTGRES_HOST_AUTH_METHOD: 'md5' }, 0],
  [{ POSTGRES_INITDB_ARGS: '--auth-host=trust' }, 1],
  [{ MYSQL_ALLOW_EMPTY_PASSWORD: 'no' }, 1],
  [{ ALLOW_EMPTY_PASSWORD: 'no' }, 0],
  [{ ALLOW_EMPTY_PASSWORD: 'yes' }, 1],
])('%j opens %i doors', async (env, n) => {
  expect(await found('trust-authentication', { env: env as Record<string, string> })).toHaveLength(n)
})

test('a password that a program takes from elsewhere does not stand in the file', async () => {
  const subject = await subjectOf({ config: 'targets:\n  db: postgres://a:quu8Aic2eiTh@db/a\n' })
  const machine = { ...subject.machine, text: () => 'export default { targets: { db: process.env.IT } }' }
  expect(checkDeploy({ ...subject, machine }).filter(({ id }) => id === 'secret-in-clear')).toEqual([])
})

test.each([
  ['NODE_ENV', 'development', 'export NODE_ENV=production'],
  ['RAILS_ENV', 'development', 'export RAILS_ENV=production'],
  ['ASPNETCORE_ENVIRONMENT', 'Development', 'export ASPNETCORE_ENVIRONMENT=Production'],
  ['MIX_ENV', 'dev', 'export MIX_ENV=prod'],
  ['DJANGO_DEBUG', 'True', 'unset DJANGO_DEBUG'],
])('%s=%s is put right by what production has', async (name, value, fix) => {
  const concerns = checkDeploy(await subjectOf({ env: { [name]: value } }))
  expect(concerns.find(({ id }) => id === 'debug-on')?.fix).toBe(fix)
})
