import { describe, expect, test } from 'vitest'
import { type Fault, identityOf, phaseOf, readFaults, rebuild, score } from '../../test/support/faults.js'
import { classify } from './classify.js'

const faults = readFaults(new URL('../../test/fixtures/faults.ndjson', import.meta.url))
const result = score(faults)

/** Where the label is that of the fault, and the error shows another: see the comment beside each. */
const SECONDARY = new Map([
  // TLS bytes to a plain port: all that the driver says is that the selection took too long.
  [404, 'connect-timeout'],
])

describe('errors that ten drivers showed of real faults', () => {
  test('are most of the recorded ones', () => {
    expect(result.rows).toBe(1079)
    expect(result.scored).toBeGreaterThan(600)
    expect(result.drivers.size).toBe(12)
  })

  test('are all named as the fault asks, with their phase', () => {
    expect(new Map(result.with.map(({ row, got }) => [row, got]))).toEqual(SECONDARY)
  })

  test('are named so without the phase, too, but for reconnections that are refused', () => {
    const misses = result.without.filter(({ row }) => !SECONDARY.has(row))
    expect(new Set(misses.map(({ got }) => got))).toEqual(new Set(['connection-refused']))
    expect(1 - result.without.length / result.scored).toBeGreaterThan(0.97)
  })

  test('are never unknown, whatever their label', () => {
    const unknown = faults.filter(
      fault =>
        classify(rebuild(fault), { driver: fault.driver as 'pg', phase: phaseOf(fault.phase) }).reason ===
        'unknown',
    )
    expect(unknown).toEqual([])
  })

  test('mean the same without the name of the driver, but for one that every program may have', () => {
    const differ = faults.filter(fault => {
      const error = rebuild(fault)
      return classify(error).reason !== classify(error, { driver: fault.driver as 'pg' }).reason
    })
    expect(new Set(differ.map(({ message }) => message))).toEqual(
      new Set(["Cannot read properties of null (reading 'write')"]),
    )
  })
})

describe('two recorded errors', () => {
  const one: Fault = {
    driver: 'pg',
    fault: 'f',
    phase: 'connect',
    message: 'user "a" on port 5432',
    code: '28P01',
  }

  test('are the same but for numbers, quoted names, fault and phase', () => {
    const other = { ...one, fault: 'g', phase: 'query', message: 'user "b" on port 5433' }
    expect(identityOf(other)).toBe(identityOf(one))
  })

  test('differ by driver, code, words, and by the same of their causes', () => {
    const others = [
      { ...one, driver: 'postgres' },
      { ...one, code: '28000' },
      { ...one, message: 'role "a" on port 5432' },
      { ...one, cause: { message: 'x' } },
      { ...one, aggregate: [{ message: 'x' }] },
    ]
    for (const other of others) expect(identityOf(other)).not.toBe(identityOf(one))
  })

  test('with labels that exclude each other are not scored: only an earlier event can tell', () => {
    const both = [
      { ...one, expected: ['tls-failure'] },
      { ...one, expected: ['access-denied'] },
    ]
    expect(score(both).scored).toBe(0)
    expect(score([{ ...one, expected: ['tls-failure', 'access-denied'] }, ...both.slice(0, 1)]).scored).toBe(
      2,
    )
  })

  test('with a label and without one are scored where the label is', () => {
    expect(score([one, { ...one, expected: ['authentication-failed'] }])).toMatchObject({
      rows: 2,
      scored: 1,
    })
  })
})
