import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probe } from '../../src/gate/library.js'
import { waitJson } from '../e2e/outcome.js'
import { holdfast } from '../support/cli.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { postgresProgram } from '../support/postgres-cluster.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'

let server: PostgresServer
let other: PostgresServer
beforeAll(async () => {
  ;[server, other] = await Promise.all([startPostgres(), startPostgres()])
  await Promise.all([
    server.sql(`alter role app password 'first:\\one'; create role "a:b\\c" login password 'plain'`),
    other.sql(`alter role app password 'the-other'`),
  ])
})
afterAll(() => Promise.all([server.remove(), other.remove()]))

const PASSWORD = 'first\\:\\\\one'

interface Scene {
  passfile?: string
  mode?: number
  services?: string
  env?: Record<string, string>
  /** Files besides, relative to the home. */
  files?: Record<string, string>
}

/** A home folder with the files of the scene; `PORT`, `OTHER`, `SOCKET`, `HOME` and `PASSWORD` are filled in. */
function home({ passfile, mode = 0o600, services, env = {}, files = {} }: Scene) {
  const folder = tempFolder('home')
  const put = (name: string, text: string, bits: number) => {
    writeFileSync(join(folder, name), filled(text, folder))
    chmodSync(join(folder, name), bits)
  }
  if (passfile !== undefined) put('.pgpass', passfile, mode)
  if (services !== undefined) put('.pg_service.conf', services, 0o644)
  for (const [name, text] of Object.entries(files)) put(name, text, 0o600)
  const filledEnv = Object.entries(env).map(([key, value]) => [key, filled(value, folder)] as const)
  return { folder, env: { HOME: folder, ...Object.fromEntries(filledEnv) } }
}

const filled = (text: string, folder: string) =>
  text
    .replaceAll('PORT', String(server.port))
    .replaceAll('OTHER', String(other.port))
    .replaceAll('SOCKET', server.socketDir)
    .replaceAll('HOME', folder)
    .replaceAll('PASSWORD', PASSWORD)

/** What psql and holdfast each make of the same address with the same files: [psql, holdfast]. */
async function both(address: string, scene: Scene): Promise<[boolean, boolean]> {
  const { folder, env } = home(scene)
  const text = filled(address, folder)
  const [theirs, ours] = await Promise.all([
    run(postgresProgram('psql'), ['-X', '-w', '-Atc', 'select 1', text], { env }),
    holdfast(['wait', text, '--once'], { env }),
  ])
  expect([0, 2], theirs.stderr).toContain(theirs.status)
  return [theirs.status === 0, ours.status === 0]
}

const URL = 'postgres://app@127.0.0.1:PORT/app'

describe('a password file counts for holdfast as it does for psql', () => {
  test.each<[string, boolean, string, Scene]>([
    ['a line that names everything', true, URL, { passfile: '127.0.0.1:PORT:app:app:PASSWORD\n' }],
    ['wildcards', true, URL, { passfile: '*:*:*:*:PASSWORD' }],
    [
      'the first line that fits',
      true,
      URL,
      { passfile: '# x\n*:1:*:*:no\n*:PORT:*:*:PASSWORD\n*:*:*:*:no\n' },
    ],
    [
      'the first line that fits, though it is wrong',
      false,
      URL,
      { passfile: '*:*:*:*:no\n*:*:*:*:PASSWORD\n' },
    ],
    ['another host', false, URL, { passfile: 'localhost:*:*:*:PASSWORD\n' }],
    ['a password without its backslashes', false, URL, { passfile: '*:*:*:*:first:\\one\n' }],
    ['an empty password', false, URL, { passfile: '*:*:*:*:\n*:*:*:*:PASSWORD\n' }],
    ['a line that ends in CR LF', true, URL, { passfile: '*:*:*:*:PASSWORD\r\n' }],
    ['a comment', false, URL, { passfile: '#*:*:*:*:PASSWORD\n' }],
    ['a space before a comment', false, URL, { passfile: ' *:*:*:*:PASSWORD\n' }],
    ['a file that the group may read', false, URL, { passfile: '*:*:*:*:PASSWORD', mode: 0o640 }],
    ['a file that others may write', false, URL, { passfile: '*:*:*:*:PASSWORD', mode: 0o602 }],
    ['PGPASSFILE', true, URL, { files: { pw: '*:*:*:*:PASSWORD' }, env: { PGPASSFILE: 'HOME/pw' } }],
    [
      'PGPASSFILE instead of ~/.pgpass',
      false,
      URL,
      { passfile: '*:*:*:*:PASSWORD', env: { PGPASSFILE: 'HOME/none' } },
    ],
    [
      'passfile in the address before PGPASSFILE',
      true,
      `${URL}?passfile=HOME/pw`,
      { files: { pw: '*:*:*:*:PASSWORD' }, env: { PGPASSFILE: 'HOME/none' } },
    ],
    ['PGPASSWORD before the file', false, URL, { passfile: '*:*:*:*:PASSWORD', env: { PGPASSWORD: 'no' } }],
    [
      'the address before the file',
      false,
      'postgres://app:no@127.0.0.1:PORT/app',
      { passfile: '*:*:*:*:PASSWORD' },
    ],
    [
      'an empty password in the address',
      true,
      'postgres://app:@127.0.0.1:PORT/app',
      { passfile: '*:*:*:*:PASSWORD' },
    ],
    [
      'a connection string of pairs',
      true,
      "host=127.0.0.1 port=PORT dbname=app user=app password=''",
      { passfile: '*:*:app:app:PASSWORD' },
    ],
    [
      'a socket by its directory',
      true,
      'host=SOCKET port=PORT user=app dbname=app',
      { passfile: 'SOCKET:*:*:*:PASSWORD' },
    ],
    [
      "a socket that is not libpq's own as localhost",
      false,
      'host=SOCKET port=PORT user=app',
      { passfile: 'localhost:*:*:*:PASSWORD' },
    ],
    [
      'hostaddr where there is a host',
      true,
      'host=db hostaddr=127.0.0.1 port=PORT user=app',
      { passfile: 'db:*:*:*:PASSWORD' },
    ],
    [
      'hostaddr alone',
      true,
      'hostaddr=127.0.0.1 port=PORT user=app',
      { passfile: '127.0.0.1:*:*:*:PASSWORD' },
    ],
    [
      'a database that is the user',
      true,
      'host=127.0.0.1 port=PORT user=app',
      { passfile: '*:*:app:*:PASSWORD' },
    ],
    [
      'an escaped user',
      true,
      'postgres://a%3Ab%5Cc@127.0.0.1:PORT/app',
      { passfile: '*:*:*:a\\:b\\\\c:plain' },
    ],
    [
      'a password of its own for each host',
      true,
      'postgres://app@127.0.0.1:OTHER,127.0.0.1:PORT/app?target_session_attrs=read-write',
      { passfile: '*:OTHER:*:*:the-other\n*:PORT:*:*:PASSWORD' },
    ],
  ])('%s: %j', async (_, connects, address, scene) => {
    expect(await both(address, scene)).toEqual([connects, connects])
  })

  test('also where the first host is gone and each host has its own password', async () => {
    const address = 'postgres://app@127.0.0.1:1,127.0.0.1:PORT/app'
    const passfile = '*:1:*:*:no\n*:PORT:*:*:PASSWORD\n'
    expect(await both(address, { passfile })).toEqual([true, true])
  })

  test('and a folder in its place is passed over', async () => {
    const { folder, env } = home({})
    mkdirSync(join(folder, '.pgpass'), { mode: 0o700 })
    const { status, stderr } = await holdfast(['wait', filled(URL, folder), '--once'], { env })
    expect(status).toBe(1)
    expect(stderr).toContain('Name a plain file by PGPASSFILE.')
  })

  test('and a link to a private file is followed', async () => {
    const { folder, env } = home({ files: { pw: '*:*:*:*:PASSWORD' } })
    symlinkSync('pw', join(folder, '.pgpass'))
    expect((await holdfast(['wait', filled(URL, folder), '--once'], { env })).status).toBe(0)
  })
})

test('a rejected password is told with the line of the file that has it', async () => {
  const { folder, env } = home({ passfile: '# x\n*:*:*:*:hunter22\n' })
  const { stderr } = await holdfast(['wait', filled(URL, folder), '--grace', '0'], { env })
  expect(stderr).toContain('from argument, the password from password file ~/.pgpass line 2')
  expect(stderr).not.toContain('hunter22')
})

describe('a password that is missing', () => {
  test('is advised as the line that the file lacks, escaped as it has to be', async () => {
    const { folder, env } = home({ passfile: 'other:*:*:*:hunter22\n' })
    const { target } = await waitJson([filled('postgres://a%3Ab%5Cc@127.0.0.1:PORT/app', folder), '--once'], {
      env,
    })
    expect(target.advice).toContain(
      `Add the line 127.0.0.1:${server.port}:app:a\\:b\\\\c:PASSWORD to ~/.pgpass`,
    )
  })

  test('is told with the file that is named and not there', async () => {
    const { folder, env } = home({ env: { PGPASSFILE: 'HOME/none' } })
    const { target } = await waitJson([filled(URL, folder), '--once'], { env })
    expect(target.advice).toBe('Correct PGPASSFILE or passfile, or create ~/none.')
  })
})

describe('a password file that others may read', () => {
  test('is not used, and the reader is told the command that closes it', async () => {
    const { folder, env } = home({ passfile: '*:*:*:*:PASSWORD', mode: 0o644 })
    const { target, stderr, stdout } = await waitJson([filled(URL, folder), '--once'], { env })
    expect(target).toMatchObject({
      reason: 'client-misuse',
      advice: expect.stringContaining('chmod 600 ~/.pgpass'),
    })
    expect(stdout + stderr).not.toContain('first')
  })
})

describe('a connection service counts for holdfast as it does for psql', () => {
  const services = '[shop]\nhost=127.0.0.1\nport=PORT\ndbname=app\nuser=app\npassword=first:\\one\n'
  test.each<[string, boolean, string, Scene]>([
    ['in a connection string', true, 'service=shop', { services }],
    ['in a URL', true, 'postgres:///?service=shop', { services }],
    ['by PGSERVICE', true, 'postgres://', { services, env: { PGSERVICE: 'shop' } }],
    ['the address before it', false, 'service=shop user=nobody', { services }],
    [
      'it before the environment',
      true,
      'service=shop',
      { services, env: { PGUSER: 'nobody', PGPORT: '1', PGPASSWORD: 'no' } },
    ],
    ['the address before PGSERVICE', true, 'service=shop', { services, env: { PGSERVICE: 'none' } }],
    [
      'the password file behind it',
      true,
      'service=shop',
      { services: services.replace(/password.*\n/, ''), passfile: '127.0.0.1:PORT:app:app:PASSWORD' },
    ],
    [
      'a password file that it names',
      true,
      'service=shop',
      { services: services.replace(/password.*\n/, 'passfile=HOME/pw\n'), files: { pw: '*:*:*:*:PASSWORD' } },
    ],
    [
      'PGSERVICEFILE before ~/.pg_service.conf',
      true,
      'service=shop',
      { services: '[shop]\nport=1\n', files: { mine: services }, env: { PGSERVICEFILE: 'HOME/mine' } },
    ],
    [
      "the system's file behind the user's",
      true,
      'service=shop',
      { services: '[x]\n', files: { 'pg_service.conf': services }, env: { PGSYSCONFDIR: 'HOME' } },
    ],
    [
      'a section that is not there',
      false,
      'service=shop',
      { services: '[shop2]\nhost=x\n', env: { PGSYSCONFDIR: 'HOME' } },
    ],
    [
      'a PGSERVICEFILE that is not there',
      false,
      'service=shop',
      { services, env: { PGSERVICEFILE: 'HOME/none' } },
    ],
    ['a space before the =', false, 'service=shop', { services: services.replace('host=', 'host =') }],
    ['a service in a service', false, 'service=shop', { services: `${services}service=x\n` }],
    ['the first of two equal keywords', true, 'service=shop', { services: `${services}port=1\n` }],
    ['the end of its section', true, 'service=shop', { services: `${services}[x]\nnonsense\n` }],
  ])('%s: %j', async (_, connects, address, scene) => {
    expect(await both(address, scene)).toEqual([connects, connects])
  })

  test('and PGSERVICE alone is a target of the environment', async () => {
    const { env } = home({ services, env: { PGSERVICE: 'shop' } })
    const { target } = await waitJson(['--once'], { env })
    expect(target).toMatchObject({ state: 'ready', source: 'env:PGSERVICE' })
  })

  test('and PGSERVICE beside the address of the same database is one target', async () => {
    const scene = { services, env: { PGSERVICE: 'shop', DATABASE_URL: 'postgres://app@127.0.0.1:PORT/app' } }
    const { document, target } = await waitJson(['--once'], { env: home(scene).env })
    expect(document.targets).toHaveLength(1)
    expect(target).toMatchObject({ state: 'ready', source: 'env:DATABASE_URL' })
  })

  test('and what stands in for its database takes its place in the environment', async () => {
    const { env } = home({
      services: '[shop]\nhost=127.0.0.1\nport=1\nsslmode=require\n',
      env: { PGSERVICE: 'shop' },
    })
    const command = ['sh', '-c', 'psql -XAtc "select 1" && env']
    const { status, stdout, stderr } = await holdfast(['test', '--', ...command], { env })
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^1\n/)
    expect(stdout).toMatch(/^PGHOST=/m)
    expect(stdout).not.toContain('PGSERVICE')
  })

  test('and one that is not there is a mistake of the configuration, told with those that are', async () => {
    const { env } = home({ services, env: { PGSYSCONFDIR: 'HOME' } })
    const { status, stderr } = await holdfast(['wait', 'service=shpo'], { env })
    expect(status).toBe(78)
    expect(stderr).toMatch(
      /the connection service "shpo" is in none of ~\/\.pg_service\.conf, .*; did you mean shop\?/,
    )
    expect(stderr).not.toContain('first')
  })

  test('and a line that cannot be read is told by its number alone', async () => {
    const { env } = home({ services: `${services}hunter22 hunter22\n` })
    const { status, stderr } = await holdfast(['wait', 'service=shop'], { env })
    expect(status).toBe(78)
    expect(stderr).toContain('~/.pg_service.conf line 7: a setting is written keyword=value')
    expect(stderr).not.toContain('hunter22')
  })

  test('and a port that is none is told with the service that has it', async () => {
    const { env } = home({ services: services.replace(/port=.*/, 'port=many') })
    const { status, stderr } = await holdfast(['wait', 'service=shop'], { env })
    expect(status).toBe(78)
    expect(stderr).toContain('(with the service "shop" of ~/.pg_service.conf)')
  })

  test('and no other target is disturbed by a PGSERVICE that leads nowhere', async () => {
    const { status } = await holdfast(['wait', `tcp://127.0.0.1:${server.port}`, '--once'], {
      env: { PGSERVICE: 'none' },
    })
    expect(status).toBe(0)
  })
})

test('the library reads a password file that the address names, and no other', async () => {
  const { folder, env } = home({ passfile: '*:*:*:*:PASSWORD' })
  const address = filled(URL, folder)
  expect(await probe(`${address}?passfile=${env.HOME}/.pgpass`)).toMatchObject({ ready: true })
  expect(await probe(address)).toMatchObject({ ready: false, finding: { reason: 'client-misuse' } })
})
