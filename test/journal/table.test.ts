/** The journal in PostgreSQL: what a server can do to it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Session } from '../../src/core/service.js'
import type { Entry } from '../../src/journal/entry.js'
import { openJournal } from '../../src/journal/open.js'
import { placeOf } from '../../src/journal/place.js'
import { readJournal } from '../../src/journal/read.js'
import { journalOpener } from '../../src/testing/journal.js'
import { refused } from '../support/peers.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'

const DATABASE = `journal_table_${process.pid}`
const url = () => sharedPostgres().url({ database: DATABASE })
const sql = (text: string) => sharedPostgres().sql(text, DATABASE)
const opener = journalOpener({})

beforeAll(async () => {
  await sharedPostgres().sql(`CREATE DATABASE ${DATABASE} OWNER app`)
})
beforeEach(() => sql('DROP TABLE IF EXISTS holdfast_journal'))
afterAll(() => sharedPostgres().sql(`DROP DATABASE ${DATABASE} WITH (FORCE)`))

const entry = (n: number, more: Partial<Entry> = {}): Entry => ({
  v: 1,
  at: new Date(Date.UTC(2026, 2, 1) + n).toISOString(),
  kind: 'decision',
  run: 'run-1',
  ci: false,
  host: 'here',
  pid: 1,
  suite: `suite-${n}`,
  decision: 'real',
  ...more,
})

/** A journal, its sessions and statements, and what it said. */
function journal(where = url(), open = opener) {
  const cwd = tempFolder('cwd')
  const place = placeOf(where, { env: {}, cwd })
  const told: string[] = []
  const sessions: Session[] = []
  const statements: string[] = []
  const counted = async (address: string, timeoutMs: number) => {
    const session = await open(address, timeoutMs)
    sessions.push(session)
    const asked = session.query?.bind(session)
    session.query = async text => {
      statements.push(text)
      return (await asked?.(text)) ?? []
    }
    return session
  }
  const opened = openJournal(place, { open: counted, warn: text => told.push(text) })
  onTestFinished(() => opened.close())
  return { ...opened, append: opened.append.bind(opened), cwd, told, sessions, statements, place }
}

const suitesOf = (entries: readonly Entry[]) => entries.map(one => one.suite).sort()
const read = async (since?: Date) =>
  readJournal(placeOf(url(), { env: {}, cwd: '/' }), { open: opener, since })

test('the first record makes the table, with an index on time and one on the run', async () => {
  const { append } = journal()
  expect(await append(entry(1, { message: `it's "quoted" \\' and \\n; DROP TABLE x; --` }))).toBe(true)
  expect(await sql("SELECT record->>'message' FROM holdfast_journal")).toBe(
    `it's "quoted" \\' and \\n; DROP TABLE x; --`,
  )
  expect(
    await sql(
      "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'holdfast_journal'",
    ),
  ).toBe('holdfast_journal_at holdfast_journal_pkey holdfast_journal_run')
})

test('twenty that make the table at the same time do not disturb each other', async () => {
  const all = Array.from({ length: 20 }, () => journal())
  const kept = await Promise.all(all.map(({ append }, n) => append(entry(n))))
  expect(kept).toEqual(all.map(() => true))
  expect(all.flatMap(({ told }) => told)).toEqual([])
  expect((await read()).entries).toHaveLength(20)
})

test('what is appended at the same time goes in one statement', async () => {
  const { append, statements } = journal()
  await Promise.all(Array.from({ length: 300 }, (_, n) => append(entry(n))))
  expect(statements.filter(text => text.startsWith('INSERT'))).toHaveLength(1)
  expect((await read()).entries).toHaveLength(300)
})

test('a record whose answer was lost is repeated, and is there once', async () => {
  const { append, sessions, told } = journal(url(), async (...args) => {
    const session = await opener(...args)
    const asked = session.query?.bind(session)
    if (sessions.length === 0)
      session.query = async text => {
        const rows = (await asked?.(text)) ?? []
        if (text.startsWith('INSERT')) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
        return rows
      }
    return session
  })
  expect(await append(entry(1))).toBe(true)
  expect([sessions.length, told]).toEqual([2, []])
  expect(suitesOf((await read()).entries)).toEqual(['suite-1'])
})

test('a session that the server ended is followed by another one', async () => {
  const { append, told } = journal()
  await append(entry(1))
  await sharedPostgres().sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${DATABASE}' AND pid <> pg_backend_pid()`,
  )
  expect(await append(entry(2))).toBe(true)
  expect(suitesOf((await read()).entries)).toEqual(['suite-1', 'suite-2'])
  expect(told).toEqual([])
})

test('a table that was dropped in between is made again', async () => {
  const { append } = journal()
  await append(entry(1))
  await sql('DROP TABLE holdfast_journal')
  expect(await append(entry(2))).toBe(true)
  expect(suitesOf((await read()).entries)).toEqual(['suite-2'])
})

test('a role that may only insert writes to a table that is there', async () => {
  await journal().append(entry(1))
  const role = `journal_writer_${process.pid}`
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT INSERT, SELECT ON holdfast_journal TO ${role}`)
  onTestFinished(async () => {
    await sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  })
  const { append, told } = journal(sharedPostgres().url({ database: DATABASE, user: role, password: 'x' }))
  expect([await append(entry(2)), told]).toEqual([true, []])
})

test('without the database the records go to the file, and that is told once, without the password', async () => {
  const { port } = await refused()
  const { append, told, cwd } = journal(`postgres://app:s3cr3t@127.0.0.1:${port}/app`)
  expect(await Promise.all([append(entry(1)), append(entry(2))])).toEqual([true, true])
  expect(await append(entry(3))).toBe(true)
  expect(told).toEqual([
    expect.stringMatching(/^the journal postgres:.*connection-refused.*\.holdfast\/journal$/),
  ])
  expect(told.join()).not.toContain('s3cr3t')
  expect(readFileSync(join(cwd, '.holdfast/journal/2026-03-01.ndjson'), 'utf8')).toContain('suite-3')
})

test('a wrong password is tried once, and sends the records to the file', async () => {
  const { append, told } = journal(sharedPostgres().url({ database: DATABASE, password: 'wrong' }))
  expect(await append(entry(1))).toBe(true)
  expect(told).toEqual([expect.stringMatching(/authentication-failed/)])
})

test('pages follow each other without a gap, also where many records are of one moment', async () => {
  const { append } = journal()
  await Promise.all(
    Array.from({ length: 2345 }, (_, n) => append(entry(Math.floor(n / 1500), { suite: `s${n}` }))),
  )
  expect(new Set(suitesOf((await read()).entries)).size).toBe(2345)
  expect((await read(new Date(Date.UTC(2026, 2, 1) + 1))).entries).toHaveLength(845)
})

test('a database without the table has no journal', async () => {
  expect(await read()).toEqual({ entries: [], unreadable: 0, found: false })
})

test('an idle journal holds no session', async () => {
  const { append, sessions } = journal()
  await append(entry(1))
  await sessions[0]?.closed
  expect(await append(entry(2))).toBe(true)
  expect(sessions).toHaveLength(2)
})
