import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HoldfastError } from './errors.js'
import { formatMs, parseCount, parseDuration } from './options.js'

const failure = (act: () => unknown): HoldfastError => {
  try {
    act()
  } catch (error) {
    if (error instanceof HoldfastError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a duration', () => {
  test.each([
    ['250ms', 250],
    ['5s', 5000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1.5s', 1500],
    ['0.25m', 15_000],
    ['0', 0],
    ['0s', 0],
    [' 5s ', 5000],
    ['0.4ms', 0],
    ['2.6ms', 3],
  ])('%j is %i milliseconds', (text, ms) => expect(parseDuration(text, '--timeout')).toBe(ms))

  test.each(['', '5', 's', '-1s', '5 s', '1e3ms', '.5s', '5.s', 'Infinity', 'NaN', '5d', '5sec', '5s5s'])(
    '%j is refused as wrong usage that names the option',
    text => {
      const error = failure(() => parseDuration(text, '--timeout'))
      expect(error.kind).toBe('usage')
      expect(error.message).toContain(`--timeout: "${text}"`)
    },
  )

  test('without a unit gets the question that helps', () => {
    expect(failure(() => parseDuration('30', '--timeout')).message).toContain('Did you mean 30s?')
    expect(failure(() => parseDuration('soon', '--timeout')).message).toContain('like 250ms, 5s or 2m')
  })

  test('that is an address by mistake is not repeated with its password', () => {
    const message = failure(() => parseDuration('postgres://u:hunter22@h/d', '--timeout')).message
    expect(message).not.toContain('hunter22')
  })

  test('of any whole number of any unit is exact', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom('ms', 's', 'm', 'h'), (n, unit) => {
        const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit]
        expect(parseDuration(`${n}${unit}`, 'x')).toBe(n * factor)
      }),
    )
  })
})

describe('a count', () => {
  test.each([
    ['1', 1],
    ['007', 7],
    ['1000', 1000],
  ])('%j is %i', (text, n) => expect(parseCount(text, '--connections')).toBe(n))

  test.each(['0', '-1', '1.5', '', ' 1', '1e3', 'ten', '1001', '1234567890'])('%j is refused', text => {
    const error = failure(() => parseCount(text, '--connections'))
    expect(error.kind).toBe('usage')
    expect(error.message).toBe(`--connections: "${text}" is not a whole number from 1 to 1000`)
  })
})

describe('milliseconds for a reader', () => {
  test.each([
    [0, '0.0 ms'],
    [0.42, '0.4 ms'],
    [9.94, '9.9 ms'],
    [9.95, '10 ms'],
    [10, '10 ms'],
    [12.4, '12 ms'],
    [999.4, '999 ms'],
    [999.5, '1.0 s'],
    [1050, '1.1 s'],
    [1234, '1.2 s'],
    [59_940, '59.9 s'],
    [59_950, '1 m 0 s'],
    [60_000, '1 m 0 s'],
    [119_600, '2 m 0 s'],
    [125_000, '2 m 5 s'],
    [3_725_000, '62 m 5 s'],
  ])('%d are written %s', (ms, text) => expect(formatMs(ms)).toBe(text))

  test('never name sixty seconds or a thousand milliseconds', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 7_200_000, noNaN: true }), ms => {
        expect(formatMs(ms)).not.toMatch(/\b60(\.0)? s|\b1000 ms|\b10\.0 ms/)
      }),
      { numRuns: 2000 },
    )
  })
})
