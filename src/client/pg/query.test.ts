import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mayHaveCommitted, phaseOf } from './query.js'

describe('the phase of a statement', () => {
  test.each([
    'COMMIT',
    ' commit work;',
    'end',
    'PREPARE TRANSACTION $$x$$',
    'COMMIT PREPARED $$x$$',
    'INSERT INTO a VALUES (1); COMMIT',
    "INSERT INTO a VALUES ('--'); commit",
    "SELECT '/*'; commit; SELECT '*/'",
    '-- to be sure\nCOMMIT',
    '/* app */ commit',
  ])('%j may hide a commit', text => {
    expect(phaseOf({ text })).toBe('commit')
  })

  test.each([
    'SELECT 1',
    "SELECT '; commit'",
    "SELECT E'\\'; commit'",
    'SELECT "; commit"',
    'DO $$ BEGIN RAISE EXCEPTION $x$no$x$; END $$',
    'CREATE FUNCTION f() RETURNS int AS $body$ BEGIN RETURN 1; END $body$ LANGUAGE plpgsql',
    'SELECT 1 -- ; commit',
    '',
  ])('%j hides none', text => {
    expect(phaseOf({ text })).toBe('statement')
  })

  test('of any text is one of the two', () => {
    fc.assert(fc.property(fc.string(), text => /^(commit|statement)$/.test(phaseOf({ text }))))
  })
})

describe('an error is no proof that nothing was kept', () => {
  test.each(['INSERT INTO a VALUES (1); COMMIT; SELECT 1/0', 'CALL half()', 'DO $$ … $$', 'VACUUM a'])(
    'of %j',
    text => expect(mayHaveCommitted(text, false)).toBe(true),
  )

  test.each(['COMMIT', 'COMMIT;', 'INSERT INTO a VALUES (1)', 'SELECT 1; SELECT 2'])('but of %j', text =>
    expect(mayHaveCommitted(text, false)).toBe(false),
  )

  test('and a procedure within a transaction cannot commit', () => {
    expect(mayHaveCommitted('CALL half()', true)).toBe(false)
  })
})
