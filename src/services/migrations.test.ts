import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row } from '../core/service.js'
import { type Dialect, ledgersIn } from './ledgers.js'
import { missingMigration, spellings } from './migrations.js'

const dialect: Dialect = {
  quote: name => `"${name.replaceAll('"', '""')}"`,
  literal: text => `'${text.replaceAll("'", "''")}'`,
  text: expression => expression,
}

const table = (name: string, ...columns: string[]): Row[] => columns.map(column => ['public', name, column])
const toolsOf = (...rows: Row[][]) => ledgersIn(rows.flat(), dialect).map(({ tool }) => tool)

describe('a table is', () => {
  test.each([
    ['golang-migrate', table('schema_migrations', 'version', 'dirty')],
    ['dbmate', table('schema_migrations', 'version')],
    ['Ecto', table('schema_migrations', 'version', 'inserted_at')],
    ['TypeORM', table('migrations', 'id', 'timestamp', 'name')],
    ['Laravel', table('migrations', 'id', 'migration', 'batch')],
    ['Liquibase', table('DATABASECHANGELOG', 'ID', 'ORDEREXECUTED', 'EXECTYPE')],
  ])("%s's by its columns", (tool, rows) => {
    expect(toolsOf(rows)).toEqual([tool])
  })

  test("Rails' by the table beside it", () => {
    expect(toolsOf(table('schema_migrations', 'version'), table('ar_internal_metadata', 'key'))).toEqual([
      'Rails',
    ])
    const elsewhere: Row[] = [['other', 'ar_internal_metadata', 'key']]
    expect(toolsOf(table('schema_migrations', 'version'), elsewhere)).toEqual(['dbmate'])
  })

  test("nobody's where its columns are others", () => {
    expect(toolsOf(table('migrations', 'id', 'what'))).toEqual([])
  })
})

describe('a migration is looked for', () => {
  test.each([
    ['0003_add_users.sql', ['0003_add_users', '0003', '3']],
    ['000003_add.up.sql', ['000003_add', '3']],
    ['V2_1__add_users.sql', ['2.1']],
    ['V7__x', ['7']],
    ['3', ['3']],
    ['20240102030405_init', ['20240102030405', '20240102030405_init.js']],
    ['ae1027a6acf_add', ['ae1027a6acf']],
    ['shop.0003_x', ['shop.0003_x']],
  ])('%s', (given, expected) => {
    expect(spellings(given)).toEqual(expect.arrayContaining([given, ...expected]))
  })

  test('first of all as it is given, whatever that is', () => {
    fc.assert(
      fc.property(fc.string(), given => {
        const [first, ...others] = spellings(given)
        expect(first).toBe(given)
        expect(others).not.toContain('')
      }),
    )
  })
})

test('a name with a quote stays a name', async () => {
  const asked: string[] = []
  const ledgers = ledgersIn(table('knex_migrations', 'id', 'name', 'batch'), dialect)
  await missingMigration("x'; drop table y; --", ledgers, dialect, async text => {
    asked.push(text)
    return [['0']]
  })
  expect(asked.at(-1)).toContain("'x''; drop table y; --'")
})

test('without any table of a tool that is said', async () => {
  expect(await missingMigration('3', [], dialect, async () => [])).toBe(
    "migration 3 (no migration tool's table is visible)",
  )
})
