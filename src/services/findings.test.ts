import { describe, expect, test } from 'vitest'
import { type Link, LinkError, ProbeError } from '../core/service.js'
import { duration, Findings, number, plaintext, seconds } from './findings.js'

const denied = new ProbeError({ reason: 'access-denied', message: 'permission denied' })
const lost = new ProbeError({ reason: 'connection-lost', message: 'terminated' })
const broken = new LinkError('the answer broke off')

describe('a question', () => {
  test('that the role may not ask is left out', async () => {
    expect(await new Findings().allowed(() => Promise.reject(denied))).toBeUndefined()
  })

  test.each([lost, broken])('that the session did not survive is thrown', async error => {
    await expect(new Findings().allowed(() => Promise.reject(error))).rejects.toBe(error)
  })
})

test('what is not known is no fact', () => {
  const findings = new Findings()
  findings.put({ a: undefined, b: null, c: Number.NaN, d: 0, e: false, f: '', g: -0 })
  expect(findings.health().facts).toEqual({ d: 0, e: false, f: '', g: 0 })
})

test('what a server says loses its control characters', () => {
  const findings = new Findings()
  findings.put({ name: 'a\u001b[31mb' })
  findings.add({ id: 'x', level: 'info', message: 'c\u001b[0md', fix: 'e\u001b[0mf\ng' })
  expect(findings.concerns[0]?.fix).toBe('ef\ng')
  expect(JSON.stringify(findings.health())).not.toContain('u001b')
})

describe('the clock', () => {
  const skewed = async (ms: number, step?: number) => {
    const findings = new Findings()
    await findings.clock(async () => Date.now() + ms, step)
    return findings.health()
  }

  test('a minute ahead is a concern', async () => {
    const { facts, concerns } = await skewed(60_000)
    expect(facts.clockSkewMs).toBeGreaterThan(59_000)
    expect(concerns).toMatchObject([{ id: 'clock-skew', message: expect.stringContaining('ahead of') }])
  })

  test('a minute behind is a concern', async () => {
    expect((await skewed(-60_000)).concerns[0]?.message).toContain('behind')
  })

  test('of whole seconds that agrees is not said to differ', async () => {
    const findings = new Findings()
    await findings.clock(async () => Math.floor(Date.now() / 1000) * 1000, 1000)
    expect(findings.health()).toEqual({ facts: { clockSkewMs: 0 }, concerns: [] })
  })

  test('that cannot be read is no fact', async () => {
    const findings = new Findings()
    await findings.clock(async () => Number.NaN)
    await findings.clock(() => Promise.reject(denied))
    expect(findings.health()).toEqual({ facts: {}, concerns: [] })
  })
})

describe('a connection without TLS', () => {
  const to = (address: string, more: Partial<Link> = {}) =>
    plaintext({ address, secure: false, local: false, ...more } as Link, 'fix')?.level

  test.each([
    '10.0.0.1',
    '172.16.0.9',
    '172.31.255.1',
    '192.168.1.1',
    '::ffff:10.1.2.3',
    'fd00::1',
    'fe80::1',
  ])('to %s stays in a private network', address => {
    expect(to(address)).toBe('info')
  })

  test.each(['8.8.8.8', '172.32.0.1', '2001:db8::1', '::ffff:8.8.8.8'])('to %s is a warning', address => {
    expect(to(address)).toBe('warning')
  })

  test('is no concern on this machine', () => {
    expect(to('8.8.8.8', { local: true })).toBeUndefined()
    expect(to('8.8.8.8', { secure: true })).toBeUndefined()
  })
})

test('numbers are those that a server writes', () => {
  expect([number('12'), number('-1.5'), number('1e+20'), seconds('0.0015')]).toEqual([12, -1.5, 1e20, 2])
  expect([number(''), number(null), number('12 kB'), number(undefined)]).toEqual([NaN, NaN, NaN, NaN])
})

test('a duration is said in the unit that fits', () => {
  expect([750, 90_000, 720_000, 10_800_000].map(duration)).toEqual(['750 ms', '90 s', '12 min', '3 h'])
})
