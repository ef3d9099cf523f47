import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { createJiti } from 'jiti'
import pg from 'pg'

const jiti = createJiti(import.meta.url)
const source = path => jiti.import(`../../src/${path}`)

const TABLES = 60
const MIGRATION = Array.from(
  { length: TABLES },
  (_, i) => `CREATE TABLE t${i} (id serial PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now());
  CREATE INDEX ON t${i} (name);`,
).join('\n')

/** How long a test takes: what a pool is refilled in. */
const TEST_MS = 100

async function withClient(connectionString, work) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Until the first answer; what it returns ends the connection. */
async function firstQuery(connectionString) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query('SELECT count(*) FROM t0')
  return () => client.end()
}

const migrate = url => withClient(url, client => client.query(MIGRATION))

/** p50 and p95 of `n` times, in milliseconds; what `work` returns is done after each, untimed. */
async function times(n, work) {
  const all = []
  for (let i = 0; i < n; i++) {
    const begun = performance.now()
    const after = await work(i)
    all.push(performance.now() - begun)
    await after?.()
  }
  all.sort((a, b) => a - b)
  return [all[Math.floor(all.length / 2)], all[Math.min(all.length - 1, Math.floor(all.length * 0.95))]]
}

/** A fresh migrated database a test, by every way that there is, on one server. */
export async function measure({ peers }) {
  const [{ startOwnedPostgres }, { startReaper }, { Isolation }, { IsolationClient }, { Manager }, testing] =
    await Promise.all(
      [
        'standin/postgres/owned.ts',
        'io/reaper.ts',
        'isolate/isolation.ts',
        'isolate/client.ts',
        'isolate/manager.ts',
        'testing/database.ts',
      ].map(source),
    )
  const reaper = startReaper()
  const server = await startOwnedPostgres({ reaper, signal: new AbortController().signal })
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const isolation = new Isolation({ aim: testing.aimOf })
  const socketPath = join(folder, 'socket')
  const http = createServer((request, response) => void isolation.handle(request, response))
  await new Promise(resolve => http.listen(socketPath, resolve))
  const client = new IsolationClient({ socketPath })
  const on = name => Object.assign(new URL(server.url), { pathname: `/${name}` }).href
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  try {
    const given = { url: server.url, ours: true }
    const isolated = (mode, more) => testing.isolated(given, { mode, migrate, ...more }, client)
    const release = one => () => one.release({ failed: false })

    // The pool grows with what is asked for.
    for (let i = 0; i < 8; i++) await (await isolated('database')).release({ failed: false })
    await delay(1000)
    const warm = await times(60, async () => {
      const one = await isolated('database')
      const end = await firstQuery(one.url)
      return async () => {
        await end()
        await delay(TEST_MS)
        await one.release({ failed: false })
      }
    })
    const manager = await Manager.open(await testing.aimOf(server.url), { pool: 0, ours: true })
    const template = await manager.initialize('on demand')
    await migrate(on(template))
    await manager.finalize('on demand')
    const demand = await times(30, async () => {
      const { id, name } = await manager.claim('on demand')
      const end = await firstQuery(on(name))
      return async () => {
        await end()
        manager.recreate('on demand', id)
        await delay(30)
      }
    })
    await manager.close()
    const transaction = await times(200, async () => {
      const one = await isolated('transaction')
      await one.client.query('SELECT count(*) FROM t0')
      await one.release({ failed: false })
    })
    await testing.endIsolation()
    const schema = await times(10, async () => {
      const one = await isolated('schema')
      const end = await firstQuery(one.url)
      return async () => {
        await end()
        await release(one)()
      }
    })
    client.close()

    await admin.query('CREATE DATABASE base')
    await migrate(on('base'))
    const made = async (name, how) => {
      await admin.query(`CREATE DATABASE ${name} ${how}`)
      return async () => void (await admin.query(`DROP DATABASE ${name} WITH (FORCE)`))
    }
    const floor = await times(20, () => firstQuery(on('base')))
    const plain = await times(20, async i => {
      const drop = await made(`plain_${i}`, 'TEMPLATE base')
      const end = await firstQuery(on(`plain_${i}`))
      return () => end().then(drop)
    })
    const anew = await times(10, async i => {
      const drop = await made(`anew_${i}`, '')
      await migrate(on(`anew_${i}`))
      const end = await firstQuery(on(`anew_${i}`))
      return () => end().then(drop)
    })
    const byKnex = await times(10, async i => {
      const drop = await made(`knex_${i}`, '')
      const knex = load(
        peers,
        'knex',
      )({ client: 'pg', connection: on(`knex_${i}`), pool: { min: 0, max: 1 } })
      await knex.migrate.latest({ migrationSource })
      await knex('t0').count()
      return async () => {
        await knex.destroy()
        await drop()
      }
    })
    const byPgsqlTest = await pgsqlTest(peers, server)
    const ms = value => (value === undefined ? undefined : Number(value.toFixed(1)))
    const row = (name, measured) => [name, ...(measured ?? []).map(ms)]
    return {
      title: `Isolation: a fresh migrated database for each test, ${TABLES} tables`,
      conditions: `From the wish to the first query's answer, on one PostgreSQL ${server.version} in memory (fsync off); tests take ${TEST_MS} ms. Milliseconds.`,
      columns: ['p50', 'p95'],
      rows: [
        row('only connecting, and that query', floor),
        row('holdfast, warm pool (mode database)', warm),
        row('holdfast, clone on demand', demand),
        row('holdfast, mode transaction', transaction),
        row('holdfast, mode schema (migrates each time)', schema),
        row('CREATE DATABASE … TEMPLATE', plain),
        row('CREATE DATABASE and the migration', anew),
        row('knex 3 migrate.latest in a new database', byKnex),
        row('pgsql-test 4, from a template', byPgsqlTest),
      ],
      goals: [
        { text: `warm pool p50 ≤ 8 ms (${ms(warm[0])})`, met: warm[0] <= 8 },
        { text: `warm pool p95 ≤ 20 ms (${ms(warm[1])})`, met: warm[1] <= 20 },
        { text: `on demand p50 ≤ 35 ms (${ms(demand[0])})`, met: demand[0] <= 35 },
        { text: `transaction p50 ≤ 1 ms (${transaction[0].toFixed(2)})`, met: transaction[0] <= 1 },
      ],
    }
  } finally {
    await admin.end()
    await isolation.close()
    http.closeAllConnections()
    await new Promise(resolve => http.close(resolve))
    await server.close()
    await reaper.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const load = (peers, name) => createRequire(`${peers}/package.json`)(name)

const migrationSource = {
  getMigrations: async () => ['all'],
  getMigrationName: name => name,
  getMigration: async () => ({ up: knex => knex.raw(MIGRATION), down: async () => {} }),
}

/** In a process of its own, since it writes to the terminal and keeps pools. */
async function pgsqlTest(peers, { url }) {
  const { hostname, port, username, password } = new URL(url)
  const program = `
    const { getConnections } = require('pgsql-test')
    const pgConfig = () => ({ host: '${hostname}', port: ${port}, user: '${username}', password: process.env.PGPASSWORD })
    ;(async () => {
      const all = []
      for (let i = 0; i < 8; i++) {
        const begun = performance.now()
        const { pg, teardown } = await getConnections({ pg: { ...pgConfig(), database: 'peer_' + i }, db: { template: 'base', rootDb: 'postgres' } }, [])
        await pg.query('SELECT count(*) FROM t0')
        all.push(performance.now() - begun)
        if (i === 7) await teardown()
      }
      all.sort((a, b) => a - b)
      console.log('\\n' + JSON.stringify([all[4], all[7]]))
      process.exit()
    })().catch(error => { console.error(error); process.exit(1) })`
  try {
    const out = execFileSync(process.execPath, ['-e', program], {
      cwd: peers,
      encoding: 'utf8',
      timeout: 30_000,
      env: { ...process.env, PGPASSWORD: password, PGHOST: hostname, PGPORT: port, PGUSER: username },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return JSON.parse(out.trim().split('\n').at(-1))
  } catch (error) {
    process.stderr.write(`pgsql-test did not run: ${String(error.stderr ?? error).slice(-500)}\n`)
    return undefined
  }
}
