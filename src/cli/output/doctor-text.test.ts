import { expect, test } from 'vitest'
import type { Concern } from '../../core/concern.js'
import { parseTarget } from '../../core/target.js'
import type { Step } from '../../core/verdict.js'
import type { Checkup, Fault } from '../../gate/doctor/checkup.js'
import { Cleaner } from '../../gate/doctor/clean.js'
import { SCHEMES } from '../../services/registry.js'
import { reportOf } from './doctor-text.js'
import { paintFor } from './paint.js'

const target = parseTarget('postgres://app@db/app', { schemes: SCHEMES, name: 'db' })

function report(over: Partial<Checkup>, exitStatus = 78, all = false): string[] {
  const steps: Step[] = [
    { layer: 'tcp', address: '10.0.0.1', ms: 1, state: 'ok' },
    { layer: 'handshake', ms: 2, state: 'ok' },
    { layer: 'handshake', ms: 3, state: 'ok', detail: 'TLSv1.3' },
  ]
  const checkup: Checkup = {
    target,
    verdict: { target: 'db', ready: true, steps, heard: true, server: { product: 'PostgreSQL' } },
    tries: 1,
    readyAfterMs: 1,
    examinations: [],
    facts: {},
    concerns: [],
    ...over,
  }
  return reportOf({ checkups: [checkup], exitStatus, durationMs: 5 }, paintFor({}, false), all).split('\n')
}

const fault = (over: Partial<Fault>): Fault => ({
  by: 'basic',
  reason: 'too-many-connections',
  layer: 'auth',
  message: 'm'.repeat(300),
  advice: 'Do this.',
  ...over,
})

test('the last line is short, with the first line of the fix', () => {
  const lines = report({ fault: fault({ fix: '# the file\nhost=db' }) })
  expect(lines.at(-1)).toMatch(/^holdfast: db: too-many-connections: m+… → host=db$/)
  expect(lines.at(-1)?.length).toBeLessThanOrEqual(160)
  expect(report({ fault: fault({ fix: 'x'.repeat(500) }) }).at(-1)?.length).toBeLessThanOrEqual(160)
})

test('what is not shown is counted', () => {
  const concern = (id: string, level: Concern['level']): Concern => ({ id, level, message: id })
  const concerns = [concern('a', 'warning'), concern('b', 'info'), concern('c', 'info')]
  expect(report({ concerns }, 0)).toContain('  --all shows 2 more')
  expect(report({ concerns }, 0, true).join('\n')).not.toContain('--all shows')
  expect(report({ concerns: concerns.slice(0, 1) }, 0).join('\n')).not.toContain('--all shows')
})

test('a layer of several steps is one line', () => {
  const lines = report({}, 0, true).filter(line => line.includes('handshake'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/5\.0 ms.*TLSv1\.3/)
})

test('data makes no lines, and no commands to a runner', () => {
  const cleaned = new Cleaner(target).fault(fault({ message: 'a\n::error::x', fix: "run 'a\n::error::x'" }))
  expect([cleaned.message, cleaned.fix]).toEqual(['a ::error::x', "run 'a ::error::x'"])
  expect(new Cleaner(target).fault(fault({ fix: '# file\nhost=db' })).fix).toBe('# file\nhost=db')
  const lines = report({ fault: fault({ fix: '::error::x' }) })
  expect(lines.filter(line => /^\s*(::|##\[)/.test(line))).toEqual([])
})
