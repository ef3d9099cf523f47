/** Whether a migration has been applied, by the tables that the tools leave in real servers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe } from '../conformance/probing.js'
import { startClickHouse } from '../support/clickhouse.js'
import { healthAt, idsOf, missingAt } from '../support/healthy.js'
import { BROKEN, LEDGERS } from '../support/ledgers.js'
import { startMariadb } from '../support/mariadb.js'
import { startPostgres } from '../support/postgres.js'

interface Place {
  /** Makes a database of that name, runs SQL in it, and gives its address. */
  fill(database: string, sql: string): Promise<string>
  address(): string
  remove(): Promise<void>
}

async function postgres(): Promise<Place> {
  const server = await startPostgres({ auth: 'trust' })
  return {
    address: () => server.url(),
    remove: () => server.remove(),
    async fill(database, sql) {
      await server.sql(`create database ${database}`)
      await server.sql(`${sql}; grant select on all tables in schema public to app`, database)
      return server.url({ database })
    },
  }
}

async function mariadb(): Promise<Place> {
  const server = await startMariadb()
  return {
    address: () => server.url(),
    remove: () => server.remove(),
    async fill(database, sql) {
      await server.sql(`create database ${database}; grant all on ${database}.* to app@'%'`)
      await server.sql(`use ${database}; set sql_mode = 'ANSI_QUOTES'; ${sql}`)
      return server.url({ database })
    },
  }
}

const places = new Map<string, Place>()
beforeAll(async () => {
  places.set('PostgreSQL', await postgres())
  places.set('MariaDB', await mariadb())
})
afterAll(() => Promise.all([...places.values()].map(place => place.remove())))
leavingNothing()

describe.each(['PostgreSQL', 'MariaDB'])('%s', name => {
  let place: Place
  beforeAll(() => {
    place = places.get(name) as Place
  })

  test.each(LEDGERS)('knows what $tool has applied', async ({ tool, sql, latest, applied, absent }) => {
    const address = await place.fill(`of_${tool.toLowerCase().replace(/\W/g, '_')}`, sql)
    for (const migration of applied)
      expect([migration, await missingAt(address, migration)]).toEqual([migration, undefined])
    for (const migration of absent)
      expect(await missingAt(address, migration)).toContain(`migration ${migration} (${tool} `)
    expect((await healthAt(address)).facts).toMatchObject({ migrationTool: tool, migration: latest })
  })

  test.each(BROKEN)(
    'says that $tool stopped half-way, whatever is expected',
    async ({ tool, sql, says, concern }) => {
      const address = await place.fill(`broken_${tool.toLowerCase().replace(/\W/g, '_')}`, sql)
      expect(await missingAt(address, '1')).toBe(`migration 1 (${says})`)
      const health = await healthAt(address)
      expect(idsOf(health)).toContain(concern)
      expect(health.concerns.find(({ id }) => id === concern)).toMatchObject({
        level: 'error',
        fix: expect.any(String),
      })
    },
  )

  test('does not wait for a table that a migration holds', async () => {
    const address = await place.fill(
      'held',
      'create table schema_migrations (version varchar(20)); insert into schema_migrations values (1)',
    )
    const holder = await probe(name === 'MariaDB' ? address : address.replace(/\/\/[^@]*@/, '//postgres@'))
    await holder.session?.query?.(name === 'MariaDB' ? 'lock tables schema_migrations write' : 'begin')
    if (name === 'PostgreSQL') await holder.session?.query?.('lock table schema_migrations')
    await expect(missingAt(address, '1')).rejects.toMatchObject({
      finding: { reason: 'transaction-conflict' },
    })
    expect((await healthAt(address)).facts).not.toHaveProperty('migration')
    await holder.session?.close()
    expect(await missingAt(address, '1')).toBeUndefined()
  })

  test("quotes what a tool's table says in the command that resolves it", async () => {
    const address = await place.fill(
      'hostile',
      `create table schema_migrations (version varchar(40), dirty ${name === 'MariaDB' ? 'int' : 'bool'});
       insert into schema_migrations values ('1; touch pwned', ${name === 'MariaDB' ? '1' : 'true'})`,
    )
    const { concerns } = await healthAt(address)
    expect(concerns.find(({ id }) => id === 'migration-dirty')?.fix).toMatch(/ force '1; touch pwned'$/)
  })

  test('without such a table says so', async () => {
    expect(await missingAt(place.address(), '7')).toBe("migration 7 (no migration tool's table is visible)")
    expect((await healthAt(place.address())).facts).not.toHaveProperty('migration')
  })
})

describe('PostgreSQL', () => {
  test('is asked so that a view that would write cannot', async () => {
    const address = await places.get('PostgreSQL')?.fill(
      'sly',
      `create function sly() returns text language plpgsql as $$ begin create table pwned (n int); return '1'; end $$;
       create view alembic_version as select sly() as version_num`,
    )
    await expect(missingAt(address ?? '', '1')).rejects.toMatchObject({ finding: { reason: 'read-only' } })
  })

  test('finds the table in another schema, too, and names a table that is missing besides', async () => {
    const server = await startPostgres({ auth: 'trust' })
    try {
      await server.sql(`create schema drizzle; grant usage on schema drizzle to app;
        create table drizzle.__drizzle_migrations (id serial, hash text, created_at bigint);
        insert into drizzle.__drizzle_migrations (hash, created_at) values ('aa', 1);
        grant select on drizzle.__drizzle_migrations to app`)
      expect(await missingAt(server.url(), '0000_init')).toBeUndefined()
      expect(await missingAt(server.url(), '0001_users')).toBe('migration 0001_users (Drizzle has applied 1)')
    } finally {
      await server.remove()
    }
  })
})

describe('ClickHouse', () => {
  test.each([
    [
      'golang-migrate',
      'create table app.schema_migrations (version Int64, dirty UInt8, sequence UInt64) engine=TinyLog',
      'insert into app.schema_migrations values (2,1,1),(2,0,2),(3,1,3),(3,0,4)',
    ],
    [
      'dbmate',
      'create table app.schema_migrations (version String, ts DateTime, applied UInt8) engine=ReplacingMergeTree(ts) order by version primary key version',
      "insert into app.schema_migrations values ('3', now(), 1)",
    ],
    [
      'goose',
      'create table app.goose_db_version (version_id Int64, is_applied UInt8, tstamp DateTime) engine=TinyLog',
      'insert into app.goose_db_version values (0, 1, now()), (3, 1, now())',
    ],
  ])('knows what %s has applied', async (tool, create, fill) => {
    const server = await startClickHouse()
    try {
      for (const statement of [create, fill]) await server.sql(statement)
      expect(await missingAt(server.url(), '3')).toBeUndefined()
      expect(await missingAt(server.url(), '4')).toBe(`migration 4 (${tool} is at 3)`)
      expect((await healthAt(server.url())).facts).toMatchObject({ migrationTool: tool, migration: '3' })
    } finally {
      await server.remove()
    }
  })

  test('says that golang-migrate is dirty by its last row', async () => {
    const server = await startClickHouse()
    try {
      await server.sql(
        'create table app.schema_migrations (version Int64, dirty UInt8, sequence UInt64) engine=TinyLog',
      )
      await server.sql('insert into app.schema_migrations values (2,0,1),(3,1,2)')
      expect(await missingAt(server.url(), '2')).toBe("migration 2 (golang-migrate's 3 is dirty)")
    } finally {
      await server.remove()
    }
  })
})
