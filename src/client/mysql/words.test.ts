import { expect, test } from 'vitest'
import { endIn, statusOf, staysWithin } from './words.js'

test.each([
  ['commit', 'commit'],
  [' /* app */ COMMIT', 'commit'],
  ['-- x\ncommit and chain', 'commit'],
  ['# x\nrollback work', 'rollback'],
  ['rollback to a', undefined],
  ['ROLLBACK WORK TO SAVEPOINT a', undefined],
  ['/*! commit */', undefined],
  ['select "commit"', undefined],
])('%j ends a transaction: %s', (sql, word) => expect(endIn(sql)).toBe(word))

test.each([
  'select 1',
  '(select 1) union (select 2);',
  '/* a */ insert into t values (1)',
  'with a as (select 1) select * from a',
  'savepoint a',
  'rollback work to a',
  'set @a = 1',
])('%j does not end it', sql => expect(staysWithin(sql)).toBe(true))

test.each([
  'create table a (b int)',
  'call p()',
  'begin',
  'rollback',
  'select 1; commit',
  'set autocommit = 1',
  "set session sql_mode = '', autocommit = 1",
  'set statement max_statement_time = 1 for drop table a',
  '/*!50000 drop table a */',
  'analyze table a',
  'release all',
])('%j may have committed', sql => expect(staysWithin(sql)).toBe(false))

test('the status is the last header, and never a column of that name', () => {
  const header = (serverStatus: number) => ({ serverStatus })
  expect(statusOf([header(1), undefined])).toBe(1)
  expect(statusOf([[header(1)], [{ name: 'serverStatus' }]])).toBeUndefined()
  expect(
    statusOf([
      [header(3), [{ a: 1 }], header(2)],
      [undefined, [{}], undefined],
    ]),
  ).toBe(2)
  expect(
    statusOf([
      [header(3), [{ a: 1 }]],
      [undefined, [{}]],
    ]),
  ).toBe(3)
  expect(statusOf(true)).toBeUndefined()
})
