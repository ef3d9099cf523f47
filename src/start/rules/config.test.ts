import { describe, expect, test } from 'vitest'
import { subjectOf } from '../../../test/support/checked.js'
import { checkConfig } from '../check.js'
import type { Example } from '../rule.js'
import { programOf } from './files.js'

/** All findings, as `id level message`. */
const found = async (example: Example, args: readonly string[] = []): Promise<string[]> =>
  checkConfig(await subjectOf(example, args)).map(({ id, level, message }) => `${id} ${level} ${message}`)

const LOCAL = 'postgres://app@localhost/app'

test('every problem of a configuration is found at once', async () => {
  const config = [
    'timout: 5s',
    'connections: 0',
    'targets:',
    '  unset: env:NOWHERE',
    '  port: postgres://app@localhost:x/app',
    '  scheme: postgrs://app@localhost/app',
    `  fine: ${LOCAL}`,
    '  misfit: { url: "redis://redis", schema: { tables: [a] } }',
    '  bare: { url: env:ALSO_NOWHERE, until: soon }',
    'environment: { SITE: {} }',
  ].join('\n')
  const ids = (await found({ config, env: { PGPORT: 'abc' } })).map(text => text.split(' ')[0])
  expect(ids.sort()).toEqual([
    'config-invalid',
    'config-invalid',
    'config-invalid',
    'environment-missing',
    'reference-unset',
    'reference-unset',
    'target-invalid',
    'target-invalid',
    'target-invalid',
    'variable-invalid',
  ])
})

describe('an environment without a configuration', () => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      'a port that is none',
      { DB_HOST: 'localhost', DB_PORT: '0x1' },
      ['variable-invalid error DB_PORT: "0x1" is not a port from 1 to 65535'],
    ],
    [
      'an address that is none',
      { DATABASE_URL: 'localhost' },
      ['variable-invalid error DATABASE_URL holds no address'],
    ],
    [
      'a connection service that is nowhere',
      { PGSERVICE: 'nosuch', PGSERVICEFILE: '/dev/null', PGSYSCONFDIR: '/nowhere', HOME: '/nowhere' },
      [
        'variable-invalid error PGSERVICE: the connection service "nosuch" is in none of /dev/null, ~/pg_service.conf; write [nosuch] with its host, port and dbname into /dev/null',
      ],
    ],
    [
      'a parameter that is no number',
      { DATABASE_URL: `${LOCAL}?connect_timeout=abc&keepalives_idle=1m&foo=1` },
      [
        'parameter-invalid error connect_timeout: "abc" is not a whole number',
        'parameter-invalid error keepalives_idle: "1m" is not a whole number',
      ],
    ],
    ['a parameter of some driver', { DATABASE_URL: `${LOCAL}?connect_timeout=5&foo=1` }, []],
    ['an empty variable counts as not set', { DATABASE_URL: LOCAL, PGPORT: '', DB_PORT: '' }, []],
    ['another product', { DATABASE_URL: 'sqlite:///x.db', REDIS_URL: 'redis://localhost' }, []],
    ['several ports of libpq', { PGHOST: 'localhost,localhost', PGPORT: '5432,5433' }, []],
    [
      'a variable that Kubernetes sets for a service named db',
      { DB_HOST: 'localhost', DB_PORT: 'tcp://10.0.0.1:5432' },
      [
        `variable-invalid error DB_PORT is "tcp://10.0.0.1:5432", as Kubernetes and Docker's links set it for a service named "db"; it is not a port from 1 to 65535`,
      ],
    ],
    [
      'two wrong ones',
      { PGHOST: 'localhost', PGSSLMODE: 'on', PGCONNECT_TIMEOUT: 'ten' },
      [
        'variable-invalid error PGSSLMODE: "on" is not one of disable, allow, prefer, require, verify-ca, verify-full',
        'variable-invalid error PGCONNECT_TIMEOUT: "ten" is not a whole number of seconds',
      ],
    ],
  ])('%s', async (_, env, expected) => {
    expect(await found({ env })).toEqual(expected)
  })

  test('that holds no target is told so, which is no error', async () => {
    expect(await found({})).toEqual([
      'no-target warning no argument, no configuration and no variable of the environment names a target',
    ])
  })

  test('a variable that holds no address is a warning where an argument names the target', async () => {
    const [first] = await found({ env: { DATABASE_URL: 'nothing' } }, [LOCAL])
    expect(first).toBe('variable-invalid warning DATABASE_URL holds no address')
  })
})

describe('variables of holdfast', () => {
  test.each<[Record<string, string>, RegExp]>([
    [{ HOLDFAST_TIMEOUT: 'soon' }, /^option-invalid error HOLDFAST_TIMEOUT: "soon" is not a duration/],
    [{ HOLDFAST_UNTIL: 'done' }, /^option-invalid error HOLDFAST_UNTIL: "done" is not one of tcp/],
    [{ HOLDFAST_TIMOUT: '5s' }, /^option-unknown warning .*did you mean HOLDFAST_TIMEOUT\?/],
    [{ HOLDFAST_DEPLOI: '1' }, /^option-unknown warning .*did you mean HOLDFAST_DEPLOY\?/],
  ])('%j', async (env, expected) => {
    expect((await found({ env: { ...env, DATABASE_URL: LOCAL } }))[0]).toMatch(expected)
  })

  test('what stand-ins read, and what a test was handed, is known', async () => {
    const env = { HOLDFAST_POSTGRES_BIN: '/x', HOLDFAST_TARGET_DB: 'real', HOLDFAST_TARGET_DB_REASON: 'x' }
    expect(await found({ env: { ...env, DATABASE_URL: LOCAL } })).toEqual([])
  })
})

describe('the rules of the environment', () => {
  const one = async (rule: string, value?: string, files: Example['files'] = {}) =>
    (
      await found({
        config: `environment: { IT: ${rule} }`,
        env: { DATABASE_URL: LOCAL, ...(value === undefined ? {} : { IT: value }) },
        files,
      })
    ).map(text => text.replace(/^environment-/, ''))

  test.each([
    ['{ type: integer }', '5.0', 'is not a whole number'],
    ['{ type: number, max: 1 }', '1e3', 'is more than 1'],
    ['{ type: boolean }', 'si', 'is not true or false (1, 0, yes, no, on, off)'],
    ['{ type: port }', '65536', 'is not a port from 1 to 65535'],
    ['{ type: port, min: 1024 }', '80', 'is less than 1024'],
    ['{ type: url }', 'example.com', 'is not a URL like https://host/path'],
    ['{ type: duration }', '5', 'is not a duration like 250ms, 5s or 2m'],
    ['{ type: duration, max: 1000 }', '2s', 'is more than 1000 ms'],
    ['{ type: path }', '/nowhere', 'is not the path of a file or folder that is there'],
    ['{ oneOf: [a, b] }', 'c', 'is not one of a, b'],
  ])('%s and %s do not fit', async (rule, value, what) => {
    expect(await one(rule, value)).toEqual([`invalid error IT: "${value}" ${what}`])
  })

  test.each([
    ['{}', 'anything'],
    ['{ type: integer, min: -1 }', '-1'],
    ['{ type: boolean }', 'Yes'],
    ['{ type: url }', 'https://example.com/x'],
    ['{ type: duration, max: 2000 }', '2s'],
    ['{ type: path }', '/there'],
    ['{ oneOf: [a, b] }', 'b'],
  ])('%s and %s fit', async (rule, value) => {
    expect(await one(rule, value, { '/there': {} })).toEqual([])
  })

  test('one that is not required may be absent, but not wrong', async () => {
    expect(await one('{ type: port, required: false }')).toEqual([])
    expect(await one('{ type: port, required: false }', 'x')).toHaveLength(1)
  })

  test('an empty one is missing', async () => {
    expect(await one('{}', '')).toEqual(['missing error IT is empty'])
  })

  test('one with a similar name is pointed to', async () => {
    const env = { DATABASE_URL: LOCAL, SITE_NMAE: 'x' }
    expect(await found({ config: 'environment: { SITE_NAME: {} }', env })).toEqual([
      'environment-missing error SITE_NAME is not set; SITE_NMAE is set',
    ])
  })
})

describe('addresses', () => {
  test.each<[string, Record<string, string>, number]>([
    ['other hosts', { DATABASE_URL: LOCAL, DB_HOST: 'db', DB_NAME: 'app' }, 1],
    ['other databases', { DATABASE_URL: LOCAL, DB_HOST: 'localhost', DB_NAME: 'shop' }, 1],
    ['another product', { DATABASE_URL: 'mysql://a@localhost/app', DB_HOST: 'localhost', DB_NAME: 'app' }, 1],
    ['the same', { DATABASE_URL: LOCAL, PGHOST: '127.0.0.1', PGDATABASE: 'app' }, 0],
    ['PGHOST alone says no database', { DATABASE_URL: LOCAL, PGHOST: 'localhost' }, 0],
    ['PGHOST is not about MySQL', { DATABASE_URL: 'mysql://a@localhost/app', PGHOST: 'db' }, 0],
  ])('%s', async (_, env, n) => {
    expect((await found({ env })).filter(text => text.startsWith('addresses-differ'))).toHaveLength(n)
  })

  test('two targets with one database and two users are worth a word, not a warning', async () => {
    const config = `targets:\n  app: ${LOCAL}\n  owner: postgres://owner@localhost/app\n`
    expect(await found({ config })).toEqual([
      expect.stringMatching(/^same-target info "owner" leads to the same database as "app"/),
    ])
  })

  test('two health addresses of one server are two targets', async () => {
    expect(await found({ config: 'targets:\n  a: http://localhost/a\n  b: http://localhost/b\n' })).toEqual(
      [],
    )
  })
})

describe('files', () => {
  const address = `${LOCAL}?sslmode=verify-full&sslrootcert=/ca&sslcert=/cert&sslkey=/key`
  const good = { '/ca': {}, '/cert': {}, '/key': { mode: 0o600 } }

  test.each<[string, Example['files'], string[]]>([
    ['are all there', good, []],
    [
      'are absent',
      {},
      ['sslrootcert: /ca is not there', 'sslcert: /cert is not there', 'sslkey: /key is not there'],
    ],
    ['are a folder', { ...good, '/ca': { folder: true } }, ['sslrootcert: /ca is a folder']],
    [
      'cannot be read',
      { ...good, '/cert': { readable: false } },
      ['sslcert: /cert cannot be read by this user'],
    ],
    ['are open to others', { ...good, '/key': { mode: 0o640 } }, ['sslkey: /key has the permissions 0640']],
    ["are root's, and open to a group", { ...good, '/key': { mode: 0o640, uid: 0 } }, []],
    [
      "are root's, and open to all",
      { ...good, '/key': { mode: 0o644, uid: 0 } },
      ['sslkey: /key has the permissions 0644'],
    ],
  ])('%s', async (_, files, expected) => {
    const messages = await found({ env: { DATABASE_URL: address }, files: files ?? {} })
    expect(messages.map(text => text.replace(/^\S+ error /, ''))).toEqual(expected)
  })

  test('system is no file', async () => {
    expect(await found({ env: { DATABASE_URL: `${LOCAL}?sslrootcert=system` } })).toEqual([])
  })
})

test.each([
  ['npx prisma migrate deploy', 'npx'],
  ['  A=1 B="x y" ./migrate.sh --all', './migrate.sh'],
  ["'my tool' x", undefined],
  ['cd app && make', undefined],
  ['$TOOL up', undefined],
  ['"/opt/tool" up', '/opt/tool'],
  ['', undefined],
])('the program of %j is %j', (command, program) => {
  expect(programOf(command)).toBe(program)
})
