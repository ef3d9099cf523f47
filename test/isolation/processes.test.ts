/** Isolation by processes that know nothing of each other, on one server. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Manager } from '../../src/isolate/manager.js'
import { newRecord } from '../../src/isolate/record.js'
import { sweep } from '../../src/isolate/sweep.js'
import { aimOf } from '../../src/testing/database.js'
import type { PostgresServer } from '../support/postgres.js'
import { tempFolder } from '../support/root.js'
import { buildProgram, startProgram } from './programs.js'
import { databasesOf, startIsolable } from './support.js'

let server: PostgresServer
let program: string
beforeAll(async () => {
  server = await startIsolable()
  program = await buildProgram()
})
afterAll(() => server.remove())

const sql = (text: string, database = 'postgres') => server.sql(text, database)

function deadRecord(name: string) {
  const record = newRecord('clone', 'x', name)
  return { ...record, owner: { ...record.owner, startTime: '1' } }
}
const mark = (name: string, record: object) =>
  sql(`COMMENT ON DATABASE ${name} IS '${JSON.stringify(record)}'`)

test('eight processes migrate once, and get databases of their own', async () => {
  const log = join(tempFolder('migrations'), 'log')
  const migrate = `echo once >> ${log}; psql -qX "$DATABASE_URL" -c "CREATE TABLE eight AS SELECT 8 AS n"`
  const all = await Promise.all(Array.from({ length: 8 }, () => startProgram(program, server.url(), migrate)))
  expect(new Set(all.map(one => one.name)).size).toBe(8)
  for (const { name } of all) expect(await sql('SELECT n FROM eight', name)).toBe('8')
  expect(readFileSync(log, 'utf8')).toBe('once\n')
  expect(await Promise.all(all.map(one => one.end()))).toEqual(Array(8).fill(0))
  // The template is a cache for the next run.
  expect(await databasesOf(server)).toEqual([expect.stringMatching(/^holdfast_t_/)])
})

test('what a killed process left is swept, and what others made stays', async () => {
  const living = await startProgram(program, server.url(), 'true')
  const killed = await startProgram(program, server.url(), 'true # killed')
  const foreign = ['holdfast_c_theirs', 'holdfast_marked', 'holdfast_far', 'other']
  for (const name of foreign) await sql(`CREATE DATABASE ${name} OWNER app`)
  const dead = deadRecord('other')
  await sql(`COMMENT ON DATABASE holdfast_marked IS '{"holdfast":2,"kind":"clone"}'`)
  await sql(`COMMENT ON DATABASE other IS '${JSON.stringify(dead)}'`)
  // Of another machine nothing is known for a day.
  const far = { ...dead, name: 'holdfast_far', host: `not-${hostname()}` }
  await sql(`COMMENT ON DATABASE holdfast_far IS '${JSON.stringify(far)}'`)
  const before = await databasesOf(server, '%')
  killed.child.kill('SIGKILL')
  await once(killed.child, 'exit')

  const manager = await Manager.open(await aimOf(server.url()))
  const gone = await sweep(manager.server)
  const after = await databasesOf(server, '%')
  expect(before.filter(name => !after.includes(name))).toContain(killed.name)
  expect(after).toEqual(expect.arrayContaining([...foreign, living.name]))
  expect(gone.every(name => name.startsWith('holdfast_c_'))).toBe(true)

  await sql(`COMMENT ON DATABASE holdfast_far IS '${JSON.stringify({ ...far, madeAt: 0 })}'`)
  expect(await sweep(manager.server)).toEqual(['holdfast_far'])
  await manager.close()
  expect(await living.end()).toBe(0)
  for (const name of foreign) await sql(`DROP DATABASE IF EXISTS ${name}`)
})

test('a process that is killed while it migrates leaves a template that the next one makes anew', async () => {
  const [first, second] = [join(tempFolder('marks'), 'first'), 'CREATE TABLE whole (n int)']
  const migrate = `if [ ! -e ${first} ]; then psql -qX "$DATABASE_URL" -c "CREATE TABLE half (n int)"; : > ${first}; exec sleep 60; fi; psql -qX "$DATABASE_URL" -c "${second}"`
  const { spawn } = await import('node:child_process')
  const { existsSync } = await import('node:fs')
  const begun = spawn(process.execPath, [program, server.url(), migrate], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await expect.poll(() => existsSync(first), { timeout: 20_000 }).toBe(true)
  begun.kill('SIGKILL')
  const next = await startProgram(program, server.url(), migrate)
  const tables = await sql(
    "SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'",
    next.name,
  )
  expect(tables).toBe('whole')
  expect(await next.end()).toBe(0)
})

test('of two that ask for a template in the same moment one fills it, and the other finds it finished', async () => {
  const open = async () => Manager.open(await aimOf(server.url()), { templates: 'drop', pool: 1 })
  const both = await Promise.all([open(), open()])
  for (let round = 0; round < 6; round++) {
    const hash = `moment ${round}`
    const asked = both.map(manager => manager.initialize(hash).then(() => manager))
    const filler = await Promise.any(asked)
    await filler.finalize(hash)
    const ends = await Promise.allSettled(asked)
    const [late] = ends.flatMap(end => (end.status === 'rejected' ? [end.reason] : []))
    expect(late?.status).toBe(423)
  }
  await Promise.all(both.map(manager => manager.close()))
  expect((await databasesOf(server)).filter(name => name.startsWith('holdfast_c'))).toEqual([])
})

test('a database that was renamed since is somebody else’s, and nothing is taken from under anybody', async () => {
  const kept = { kept: { at: 0 } }
  for (const name of ['holdfast_c_theirs_now', 'holdfast_c_looked_at'])
    await sql(`CREATE DATABASE ${name} OWNER app`)
  await mark('holdfast_c_theirs_now', { ...deadRecord('holdfast_c_x_1'), ...kept })
  await mark('holdfast_c_looked_at', { ...deadRecord('holdfast_c_looked_at'), host: 'far', madeAt: 0 })
  const visitor = new pg.Client({ connectionString: server.url({ database: 'holdfast_c_looked_at' }) })
  await visitor.connect()
  const manager = await Manager.open(await aimOf(server.url()))
  expect(await sweep(manager.server)).toEqual([])
  await visitor.end()
  await expect.poll(() => sweep(manager.server)).toEqual(['holdfast_c_looked_at'])
  await manager.close()
  await sql('DROP DATABASE holdfast_c_theirs_now')
})

test('a template that another run fills is waited for by many short questions: no statement has that long', async () => {
  const open = async () => Manager.open(await aimOf(server.url()), { templates: 'drop', pool: 1 })
  const [one, two] = [await open(), await open()]
  await one.initialize('long')
  const waiting = two.initialize('long').catch(error => error.status)
  const asking = `SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock_shared%' AND pid <> pg_backend_pid()`
  await expect.poll(() => sql(asking)).toBe('1')
  expect(await sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).toBe('0')
  await one.finalize('long')
  expect(await waiting).toBe(423)
  await Promise.all([one.close(), two.close()])
})
