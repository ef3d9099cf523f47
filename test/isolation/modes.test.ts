/** What a test gets in each mode. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { IsolationClient } from '../../src/isolate/client.js'
import { Manager } from '../../src/isolate/manager.js'
import { sweep } from '../../src/isolate/sweep.js'
import { aimOf, type DatabaseSettings, endIsolation, isolated } from '../../src/testing/database.js'
import type { PostgresServer } from '../support/postgres.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { databasesOf, mount, startIsolable } from './support.js'

let server: PostgresServer
beforeAll(async () => {
  server = await startIsolable({ max_prepared_transactions: '2' })
})
afterAll(() => server.remove())

const psql = (text: string) => `psql -qXv ON_ERROR_STOP=1 "$DATABASE_URL" -c "${text}"`
const TASKS = psql('CREATE TABLE tasks (id int)')
const tables = (database: string) =>
  server.sql(
    "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'",
    database,
  )
const asked = async (env: Readonly<Record<string, string>>, text: string) => {
  const { stdout, stderr } = await run('psql', ['-qXAt', '-c', text], {
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  return (stdout + stderr).trim()
}

test('each test gets a database of its own, migrated once for the same content', async () => {
  const { client, close } = await mount({ templates: 'drop' })
  const folder = tempFolder('migrations')
  writeFileSync(join(folder, '1.sql'), 'CREATE TABLE tasks (id int);\n')
  const settings: DatabaseSettings = {
    migrate: `echo x >> log; cat *.sql | psql -qX`,
    ...{ files: ['*.sql'], cwd: folder, pool: 1 },
  }
  const get = (more = {}) => isolated({ url: server.url() }, { ...settings, ...more }, client)
  const [one, two] = await Promise.all([get(), get()])
  expect(one.name).not.toBe(two.name)
  expect(await tables(one.name)).toBe('tasks')
  expect(one.env).toMatchObject({ DATABASE_URL: one.url, PGDATABASE: one.name, PGUSER: 'app' })
  expect(await asked(one.env, 'SELECT current_database()')).toBe(one.name)
  writeFileSync(join(folder, '2.sql'), 'CREATE TABLE more (id int);\n')
  // Another pattern, since a process reads its files once.
  const three = await get({ files: ['./*.sql'] })
  expect(await tables(three.name)).toBe('more,tasks')
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('x\nx\n')
  for (const given of [one, two, three]) expect(await given.release({ failed: true })).toBeUndefined()
  await close()
  expect(await databasesOf(server)).toEqual([])
})

test('the database of a failed test stays where that is asked for, and is told', async () => {
  const { client, close } = await mount({ templates: 'drop' })
  const settings = { migrate: TASKS, keepFailed: true, suite: 'orders', test: 'it fails', pool: 1 }
  const good = await isolated({ url: server.url() }, settings, client)
  const bad = await isolated({ url: server.url() }, settings, client)
  expect(await good.release({ failed: false })).toBeUndefined()
  const told = await bad.release({ failed: true })
  const at = `-h 127.0.0.1 -p ${server.port} -U app ${bad.name}`
  expect(told).toBe(
    `The database of the failed test is here: psql ${at}. It stays for 7 days, or until: dropdb ${at}`,
  )
  await close()
  expect(await databasesOf(server)).toEqual([bad.name])
  const record = await server.sql(
    `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${bad.name}'`,
  )
  expect(JSON.parse(record).kept).toMatchObject({ suite: 'orders', test: 'it fails' })
  await server.sql(`DROP DATABASE ${bad.name}`, 'postgres')
})

test('a migration that fails says why, without the password, and the next try is free', async () => {
  const { client } = await mount({ templates: 'drop' })
  const flag = join(tempFolder('flag'), 'there')
  const migrate = `echo "at $DATABASE_URL"; [ -e ${flag} ] || exit 3`
  const get = () => isolated({ url: server.url() }, { migrate, pool: 1 }, client)
  const error = await get().catch(reason => reason)
  expect(error.message).toMatch(
    /the migration `echo …` failed: it ended with status 3\. It said at last:\nat postgres/,
  )
  expect(error.message).not.toContain(encodeURIComponent(server.password))
  writeFileSync(flag, '')
  await (await get()).release({ failed: false })
})

test('without files a migration is one project’s and one run’s: elsewhere it runs anew, and its template ends with the run', async () => {
  const { client, close } = await mount()
  const [a, b] = [tempFolder('project'), tempFolder('project')]
  for (const [cwd, table] of [
    [a, 'of_a'],
    [b, 'of_b'],
  ] as const) {
    writeFileSync(join(cwd, 'up.sql'), `CREATE TABLE ${table} ()`)
    const one = await isolated({ url: server.url() }, { migrate: 'psql -qXf up.sql', cwd, pool: 1 }, client)
    expect(await tables(one.name)).toBe(table)
    await one.release({ failed: false })
  }
  await close()
  expect(await databasesOf(server)).toEqual([])
})

test('a database that cannot be dropped holds no other up, and its name is told', async () => {
  const { client, close, said } = await mount({ templates: 'drop' })
  const all = []
  for (let i = 0; i < 3; i++) all.push(await isolated({ url: server.url() }, { pool: 1 }, client))
  const [stuck = { name: '' }, ...others] = all
  await server.sql("BEGIN; CREATE TABLE held (); PREPARE TRANSACTION 'held'", stuck.name)
  for (const one of all) await one.release({ failed: false })
  for (const one of others) await expect.poll(() => databasesOf(server)).not.toContain(one.name)
  await close()
  expect(await databasesOf(server)).toEqual([stuck.name])
  expect(said).toEqual([expect.stringMatching(`^${stuck.name} could not be dropped and stays .*prepared`)])
  expect(said[0]).toContain(`DROP DATABASE IF EXISTS "${stuck.name}"`)
  expect(said[0]).not.toContain('template that is copied')

  // Whoever comes later sweeps the rest all the same.
  const record = JSON.parse(
    await server.sql(
      `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${stuck.name}'`,
    ),
  )
  const dead = (name: string) =>
    JSON.stringify({ ...record, name, owner: { ...record.owner, startTime: '1' } })
  await server.sql('CREATE DATABASE holdfast_c_z_1 OWNER app', 'postgres')
  for (const name of [stuck.name, 'holdfast_c_z_1'])
    await server.sql(`COMMENT ON DATABASE ${name} IS '${dead(name)}'`, 'postgres')
  const manager = await Manager.open(await aimOf(server.url()))
  expect(await sweep(manager.server)).not.toContain(stuck.name)
  await manager.close()
  expect(await databasesOf(server)).toEqual([stuck.name])
  await server.sql("ROLLBACK PREPARED 'held'", stuck.name)
  await server.sql(`DROP DATABASE ${stuck.name}`, 'postgres')
})

test('a function migrates, too', async () => {
  const { client } = await mount({ templates: 'drop' })
  const migrate = async (_: string, env: Record<string, string>) => {
    expect(await asked(env, 'CREATE TABLE by_function ()')).toBe('')
  }
  const one = await isolated({ url: server.url() }, { migrate, pool: 1 }, client)
  expect(await tables(one.name)).toBe('by_function')
  await one.release({ failed: false })
})

test.each([
  ['DB_NAME', 'PGPASSWORD="$DB_PASSWORD" psql -qX -h "$DB_HOST" -p "$DB_PORT" -U "$DB_USER" -d "$DB_NAME"'],
  ['a variable of its own', 'env -u PGDATABASE psql -qX "$APP_DB"'],
  ["libpq's", 'psql -qX'],
])('a migration by %s migrates the template, and nothing that was provided', async (_, psqlTo) => {
  const { client } = await mount({ templates: 'drop' })
  const { hostname, port, password } = new URL(server.url())
  const parts = { HOST: hostname, PORT: port, USER: 'app', PASSWORD: decodeURIComponent(password) }
  const family = (prefix: string) =>
    Object.fromEntries(Object.entries(parts).map(([key, value]) => [`${prefix}${key}`, value]))
  const env = {
    ...{ ...family('PG'), PGDATABASE: 'app', PGSERVICE: 'nowhere' },
    ...{ ...family('DB_'), DB_NAME: 'app', APP_DB: server.url() },
  }
  const migrate = `${psqlTo} -c 'CREATE TABLE led (id int)'`
  const one = await isolated({ url: server.url(), env }, { migrate, pool: 1 }, client)
  expect(await tables(one.name)).toBe('led')
  expect(await server.sql("SELECT to_regclass('public.led') IS NULL", 'app')).toBe('t')
  await one.release({ failed: false })
})

test.each([
  ["SET search_path = ''", '""'],
  [`SET search_path = 'My-Schema', 'a"b', 'public'`, '"My-Schema", "a""b", public'],
  ['SET search_path FROM CURRENT', `"x;create/**/role/**/evil", "it's", public`],
])('clones have what ALTER DATABASE %s said', async (how, shown) => {
  const { client } = await mount({ templates: 'drop' })
  const list = `x;CREATE/**/ROLE/**/evil, "it's", Public`
  const text = `SELECT set_config('search_path', :'list', false); ALTER DATABASE :"DBNAME" ${how};`
  const migrate = async (_: string, env: Record<string, string>) => {
    const { stderr } = await run('psql', ['-qX', '-v', `list=${list}`], {
      ...{ env: { PATH: process.env.PATH ?? '', ...env }, input: text },
    })
    expect(stderr).toBe('')
  }
  const cwd = tempFolder('clause')
  writeFileSync(join(cwd, 'how.sql'), how)
  const one = await isolated({ url: server.url() }, { migrate, files: ['how.sql'], cwd, pool: 1 }, client)
  expect(await asked(one.env, 'SHOW search_path')).toBe(shown)
  await one.release({ failed: false })
})

test('in mode schema an extension of a migration is refused, and what others built on one stays', async () => {
  const { client } = await mount()
  await server.sql('GRANT ALL ON SCHEMA public TO app; GRANT CREATE ON DATABASE app TO app', 'app')
  const get = (text?: string) =>
    isolated({ url: server.url() }, { mode: 'schema', ...(text ? { migrate: psql(text) } : {}) }, client)
  await expect(get('CREATE EXTENSION IF NOT EXISTS citext')).rejects.toThrow(
    'CREATE EXTENSION "citext" SCHEMA public',
  )
  const extensions = "SELECT count(*) FROM pg_extension WHERE extname = 'citext'"
  expect(await server.sql(extensions, 'app')).toBe('0')
  const one = await get()
  const made = 'CREATE EXTENSION citext; CREATE TABLE tags (tag citext UNIQUE DEFAULT upper(1::text)::citext)'
  await asked(
    one.env,
    `${made}; CREATE VIEW v AS SELECT tag FROM tags; CREATE TABLE public.users (mail citext)`,
  )
  await expect(one.release({ failed: false })).rejects.toThrow(
    'others use: public.users.mail. As a superuser',
  )
  expect(await server.sql('SELECT count(mail) FROM public.users', 'app')).toBe('0')
  await server.sql('DROP TABLE public.users', 'app')
  await one.release({ failed: false })
  const left = await server.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'holdfast%'", 'app')
  expect([left, await server.sql(extensions, 'app')]).toEqual(['0', '0'])
})

test('what a function throws has no password', async () => {
  const { client } = await mount({ templates: 'drop' })
  const migrate = async (url: string) => {
    throw new Error(`cannot connect to ${url}`, { cause: new Error(url) })
  }
  const error = await isolated({ url: server.url() }, { migrate, pool: 1 }, client).catch(reason => reason)
  expect(error.message).toContain('cannot connect to postgres://app:***@')
  const password = new URL(server.url()).password
  for (const text of [error.message, error.stack, error.cause.message, error.cause.stack])
    expect(text).not.toContain(password)
})

test('in mode schema a test sees its own tables, and nothing of the database around it', async () => {
  const { client } = await mount()
  await server.sql('CREATE TABLE IF NOT EXISTS public.tasks (theirs int)', 'app')
  const get = () => isolated({ url: server.url() }, { mode: 'schema', migrate: TASKS }, client)
  const [one, two] = [await get(), await get()]
  await asked(one.env, 'INSERT INTO tasks VALUES (1)')
  expect(await asked(one.env, 'SELECT count(id) FROM tasks')).toBe('1')
  expect(await asked({ ...two.env, PGOPTIONS: '' }, 'SELECT 1')).toBe('1')
  expect((await run('psql', ['-qXAt', two.url, '-c', 'SELECT count(id) FROM tasks'])).stdout.trim()).toBe('0')
  await one.release({ failed: false })
  await two.release({ failed: false })
  const left = await server.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'holdfast%'", 'app')
  expect(left).toBe('0')
})

test('a schema that a dead process left is dropped by the next run', async () => {
  const { client } = await mount()
  const record = JSON.stringify({
    ...{ holdfast: 1, kind: 'schema', name: 'holdfast_s_old', host: 'gone', run: 'x', madeAt: 0 },
    owner: { pid: 1, startTime: '1', namespace: 'n', boot: 'b' },
  })
  await server.sql('CREATE SCHEMA holdfast_s_old; CREATE SCHEMA holdfast_s_theirs', 'app')
  await server.sql(
    `ALTER SCHEMA holdfast_s_old OWNER TO app; COMMENT ON SCHEMA holdfast_s_old IS '${record}'`,
    'app',
  )
  const url = server.url({ query: { application_name: 'sweeper' } })
  const one = await isolated({ url }, { mode: 'schema' }, client)
  const left = await server.sql(
    "SELECT string_agg(nspname, ',') FROM pg_namespace WHERE nspname LIKE 'holdfast%'",
    'app',
  )
  expect(left.split(',').sort()).toEqual([one.name, 'holdfast_s_theirs'].sort())
  await one.release({ failed: false })
  await server.sql('DROP SCHEMA holdfast_s_theirs', 'app')
})

test('in mode transaction what a test did is taken back, and a COMMIT is noticed', async () => {
  onTestFinished(endIsolation)
  const { client } = await mount({ templates: 'drop' })
  const get = async () => {
    const one = await isolated(
      { url: server.url() },
      { mode: 'transaction', migrate: TASKS, pool: 1 },
      client,
    )
    return { ...one, pg: one.client as unknown as pg.Client }
  }
  const [one, two] = [await get(), await get()]
  await one.pg.query('INSERT INTO tasks VALUES (1)')
  expect((await two.pg.query('SELECT * FROM tasks')).rows).toEqual([])
  await one.release({ failed: false })
  await two.release({ failed: true })
  const three = await get()
  expect((await three.pg.query('SELECT * FROM tasks')).rows).toEqual([])
  await three.pg.query('COMMIT')
  await expect(three.release({ failed: false })).rejects.toThrow('ended its transaction itself')
  const four = await get()
  expect(four.name).not.toBe(three.name)
  await four.release({ failed: false })
})

describe('a test that ends its transaction in mode transaction is noticed', () => {
  const settings = { mode: 'transaction', pool: 1 } as const
  const get = async (client: IsolationClient, more: DatabaseSettings = {}) => {
    const one = await isolated({ url: server.url() }, { ...settings, ...more }, client)
    return { ...one, pg: one.client as unknown as pg.Client }
  }

  test.each([
    'COMMIT; BEGIN',
    'COMMIT AND CHAIN',
    'BEGIN; COMMIT; BEGIN',
    'ROLLBACK; BEGIN; INSERT INTO tasks VALUES (2); COMMIT; BEGIN',
    'COMMIT; BEGIN; SELECT wrong',
  ])('by %s', async how => {
    onTestFinished(endIsolation)
    const { client } = await mount({ templates: 'drop' })
    const one = await get(client, { migrate: TASKS })
    await one.pg.query('INSERT INTO tasks VALUES (1)')
    await one.pg.query(how).catch(() => {})
    await expect(one.release({ failed: false })).rejects.toThrow('ended its transaction itself')
    const two = await get(client, { migrate: TASKS })
    expect((await two.pg.query('SELECT * FROM tasks')).rows).toEqual([])
    await two.release({ failed: false })
  })

  test('but not by an error, a savepoint or a rollback to it', async () => {
    onTestFinished(endIsolation)
    const { client } = await mount({ templates: 'drop' })
    const one = await get(client, { migrate: TASKS })
    await one.pg.query('SAVEPOINT one; INSERT INTO tasks VALUES (1); ROLLBACK TO one; RELEASE one')
    await expect(one.pg.query('SELECT wrong')).rejects.toThrow()
    expect(await one.release({ failed: true })).toBeUndefined()
  })

  test('where it closes the connection its clone is replaced', async () => {
    onTestFinished(endIsolation)
    const { client } = await mount({ templates: 'drop' })
    const [one, beside] = [await get(client, { migrate: TASKS }), await get(client, { migrate: TASKS })]
    await one.pg.query('INSERT INTO tasks VALUES (1); COMMIT')
    await one.pg.end()
    expect(await one.release({ failed: false })).toBeUndefined()
    expect(await beside.release({ failed: false })).toBeUndefined()
    const two = await get(client, { migrate: TASKS })
    expect(two.name).not.toBe(one.name)
    await two.release({ failed: false })
  })

  test.each([['COMMIT'], ['COMMIT', 'end']])(
    'in one’s own database, which stays changed, by %s %s',
    async (...[text, end]) => {
      onTestFinished(endIsolation)
      const { client } = await mount()
      await server.sql('CREATE TABLE IF NOT EXISTS own (id int)', 'app')
      const one = await get(client)
      await one.pg.query('CREATE TABLE stays ()')
      await one.pg.query(text)
      if (end) await one.pg.end()
      await expect(one.release({ failed: false })).rejects.toThrow('is in the database app for good')
      await server.sql('DROP TABLE stays', 'app')
    },
  )

  test('and a clone that transactions went on in is no fresh database for others', async () => {
    const { client } = await mount({ templates: 'drop' })
    const migrate = psql('CREATE TABLE counted (id serial)')
    const one = await get(client, { migrate })
    await one.pg.query('INSERT INTO counted DEFAULT VALUES')
    await one.release({ failed: false })
    await endIsolation()
    const two = await isolated({ url: server.url() }, { migrate, pool: 1 }, client)
    expect(two.name).not.toBe(one.name)
    await two.release({ failed: false })
  })
})

test('what one request allows another has not allowed', async () => {
  const { client } = await mount()
  const away = 'postgres://app@db.invalid:1/app'
  await expect(client.server({ url: away })).rejects.toThrow('--allow-remote db.invalid')
  // Refused once, and let through to the name server once it is named.
  await expect(client.server({ url: away, allowRemote: ['db.invalid'] })).rejects.not.toThrow(
    '--allow-remote',
  )
  const path = async (more: object) => (await client.server({ url: server.url(), ...more })).path
  const one = await path({ allowRemote: [] })
  expect(await path({})).toBe(one)
  expect(new Set([one, await path({ allowRemote: ['x'] }), await path({ pool: 2 })]).size).toBe(3)
})
