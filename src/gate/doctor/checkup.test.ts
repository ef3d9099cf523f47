import { expect, test } from 'vitest'
import { fakeTarget } from '../../../test/support/fake-service.js'
import type { Concern } from '../../core/concern.js'
import type { ReasonId } from '../../core/reasons.js'
import { type Checkup, type ExaminationName, statusOfCheckups } from './checkup.js'

const checkup = (
  reason?: ReasonId,
  { by = 'basic', concerns = [] }: { by?: ExaminationName; concerns?: Concern[] } = {},
): Checkup => ({
  target: fakeTarget(),
  verdict: { target: 'db', ready: true, steps: [], heard: true, server: { product: 'P' } },
  tries: 1,
  readyAfterMs: 1,
  examinations: [],
  facts: {},
  concerns,
  ...(reason ? { fault: { by, reason, layer: 'auth', message: 'm', advice: 'a' } } : {}),
})
const concern = (level: Concern['level'], silenced?: string): Concern => ({
  id: 'x',
  level,
  message: 'm',
  ...(silenced ? { silenced } : {}),
})

test.each<[ReasonId, number]>([
  ['authentication-failed', 78],
  ['access-denied', 78],
  ['database-not-found', 78],
  ['tls-failure', 78],
  ['protocol-mismatch', 78],
  ['schema-missing', 65],
  ['connection-refused', 69],
  ['dns-failure', 69],
  ['too-many-connections', 69],
  ['unmet', 69],
])('%s ends with %i', (reason, status) => {
  expect(statusOfCheckups([checkup(reason)])).toBe(status)
})

test('connections that find no room are 69, whatever refused them', () => {
  expect(statusOfCheckups([checkup('access-denied', { by: 'concurrent' })])).toBe(69)
})

test('the first target that fails decides', () => {
  expect(statusOfCheckups([checkup(), checkup('schema-missing'), checkup('access-denied')])).toBe(65)
})

test('a concern of level error counts where nothing failed, unless it is silenced', () => {
  const grave = checkup(undefined, { concerns: [concern('error')] })
  expect(statusOfCheckups([grave])).toBe(1)
  expect(statusOfCheckups([grave, checkup('connection-refused')])).toBe(69)
  const rest = [concern('warning'), concern('info'), concern('error', 'known')]
  expect(statusOfCheckups([checkup(undefined, { concerns: rest })])).toBe(0)
  expect(statusOfCheckups([])).toBe(0)
})
