/** The stand-in that is a file: what a program finds there, by Python's sqlite3, and what it lacks of each service. */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startReaper } from '../../../src/io/reaper.js'
import { capabilitiesOf, lacking } from '../../../src/standin/capabilities.js'
import { rungsFor } from '../../../src/standin/rungs.js'
import { tempFolder } from '../../support/root.js'
import { run } from '../../support/run.js'

const tmp = tempFolder('sqlite')

async function start(service: string) {
  const reaper = startReaper()
  onTestFinished(() => reaper.close())
  const options = { signal: new AbortController().signal, reaper, tmp }
  const [rung] = rungsFor(service, options, ['sqlite'])
  if (!rung) throw new Error('no rung sqlite')
  const standIn = await rung.start()
  onTestFinished(() => standIn.close())
  return standIn
}

const fileOf = (url: string) => url.replace('sqlite:///', '')

/** Runs Python with two connections to the file, `one` and `two`; resolves with what it printed. */
async function python(url: string, code: string): Promise<string> {
  const program = [
    'import sqlite3, sys',
    'open = lambda: sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)',
    'one, two = open(), open()',
    'def say(sql, on=one): print(on.execute(sql).fetchall())',
    code,
  ]
  const { status, stdout, stderr } = await run('/usr/bin/python3', ['-c', program.join('\n'), fileOf(url)])
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1))
  return stdout.trim()
}

/** The same tries as at a server, in one line each; what raises is lacking. */
const TRIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  postgres: {
    concurrency: `one.execute('BEGIN IMMEDIATE'); two.execute('BEGIN IMMEDIATE')`,
    sessions: `say("SET work_mem = '1MB'")`,
    dialect: `say("SELECT (ARRAY[1, 2])[2]::text || to_char(now(), '-')")`,
    databases: `say('CREATE DATABASE second')`,
    authentication: `say("ALTER ROLE holdfast PASSWORD 'x'")`,
    cancel: `say('SELECT pg_cancel_backend(1)')`,
    'statement-timeout': `say('SET statement_timeout = 50')`,
    icu: `say("""SELECT 'a' < 'B' COLLATE "de-x-icu" """)`,
    extensions: `say('CREATE EXTENSION pgcrypto')`,
    'listen-notify': `say('LISTEN news')`,
    'logical-replication': `say("SELECT pg_create_logical_replication_slot('own', 'test_decoding')")`,
    tls: `say('SHOW ssl')`,
  },
  mysql: {
    dialect: `say("SELECT date_format('2024-02-29', '%d.%m.%y')")`,
    concurrency: `one.execute('BEGIN IMMEDIATE'); two.execute('BEGIN IMMEDIATE')`,
    authentication: `say("SET PASSWORD = 'x'")`,
    databases: `say('CREATE DATABASE apart')`,
    'json-arrows': `one.execute('CREATE TABLE j (d JSON)'); say("SELECT d->>'$.a' FROM j")`,
    'lateral-joins': `say('SELECT b.n FROM (SELECT 1 AS n) a JOIN LATERAL (SELECT a.n + 1 AS n) b')`,
    'functional-indexes': `say('CREATE TABLE f (n INT, INDEX ((n + 1)))')`,
    'caching-sha2': `say("CREATE USER sha IDENTIFIED WITH caching_sha2_password BY 'secret'")`,
    tls: `say("SHOW STATUS LIKE 'Ssl_cipher'")`,
  },
}

describe.each(Object.keys(TRIES))('sqlite for %s', service => {
  test('is an empty database that nobody else may read, in a directory that close removes', async () => {
    const standIn = await start(service)
    expect(standIn).toMatchObject({ service, name: 'sqlite', serverless: true })
    expect(standIn.url).toBe(`sqlite:////${fileOf(standIn.url).slice(1)}`)
    const file = fileOf(standIn.url)
    expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([0o600, 0o700])
    const code = [
      `say('SELECT count(*) FROM sqlite_master')`,
      `one.execute('CREATE TABLE t (n)'); one.execute('INSERT INTO t VALUES (41)')`,
      `say('SELECT n + 1 FROM t', two)`,
    ]
    expect(await python(standIn.url, code.join('\n'))).toBe('[(0,)]\n[(42,)]')
    await standIn.close()
    await standIn.close()
    expect(existsSync(dirname(file))).toBe(false)
  })

  test.each(capabilitiesOf(service))('%s is there or lacking as the list says', async capability => {
    const code = TRIES[service]?.[capability] ?? 'one.capability_without_a_try'
    const { url } = await start(service)
    const works = await python(url, code).then(
      () => true,
      (error: Error) => {
        expect(error.message).toMatch(/^sqlite3\.OperationalError: /)
        return false
      },
    )
    expect(works).toBe(lacking(service, 'sqlite', [capability]).length === 0)
  })
})

test('two are apart', async () => {
  const [one, other] = [await start('postgres'), await start('postgres')]
  expect(one.url).not.toBe(other.url)
})
