import { expect, test } from 'vitest'
import { handOver } from './handover.js'

const base = { name: 'main-db', sources: [], scheme: 'postgres' } as const

test('a stand-in is told with its rung', () => {
  const env = handOver({}, [{ ...base, decision: 'stand-in', reason: 'it is absent', with: 'pglite' }])
  expect(env).toEqual({
    HOLDFAST_TARGET_MAIN_DB: 'stand-in',
    HOLDFAST_TARGET_MAIN_DB_REASON: 'it is absent',
    HOLDFAST_TARGET_MAIN_DB_WITH: 'pglite',
  })
})

test('what an outer run left is not handed on with the real one', () => {
  const outer = { HOLDFAST_TARGET_MAIN_DB_WITH: 'pglite', HOLDFAST_TARGET_MAIN_DB_REASON: 'it was absent' }
  expect(handOver(outer, [{ ...base, decision: 'real' }])).toEqual({ HOLDFAST_TARGET_MAIN_DB: 'real' })
})
