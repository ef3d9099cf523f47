import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../journal/entry.js'
import { rateOf, summarize, trendOf } from './report.js'
import { type Demands, judge, percent } from './thresholds.js'

let made = 0
const entry = (more: Partial<Entry> = {}): Entry => ({
  v: 1,
  id: `${++made}`,
  at: '2026-03-01T12:00:00.000Z',
  kind: 'decision',
  run: 'run-1',
  ci: false,
  host: 'here',
  pid: 1,
  suite: `suite-${made}`,
  service: 'postgres',
  decision: 'real',
  ...more,
})

const times = (n: number, more: Partial<Entry>): Entry[] => Array.from({ length: n }, () => entry(more))
const skip = { decision: 'skip', reason: 'connection-refused', message: 'connect ECONNREFUSED' } as const
const DEMANDS: Demands = { limits: [], required: [], ci: false }

const entries = fc.array(
  fc
    .record({
      id: fc.option(fc.uuid(), { nil: undefined }),
      at: fc
        .date({ min: new Date(0), max: new Date(1e12), noInvalidDate: true })
        .map(date => date.toISOString()),
      kind: fc.constantFrom('decision', 'decision', 'run'),
      run: fc.constantFrom('a', 'b', 'c'),
      ci: fc.boolean(),
      suite: fc.constantFrom('x', 'y', undefined),
      test: fc.constantFrom('1', undefined),
      service: fc.constantFrom('postgres', 'redis', undefined),
      decision: fc.constantFrom('real', 'stand-in', 'skip', 'fail'),
      reason: fc.constantFrom('connection-refused', undefined),
      durationMs: fc.option(fc.nat(100), { nil: undefined }),
    })
    .map(one => entry(JSON.parse(JSON.stringify(one)))),
  { maxLength: 40 },
)
const choice = fc.record({
  run: fc.constantFrom('last', 'all', 'a'),
  by: fc.constantFrom('service', 'suite', 'run', 'reason'),
} as const)

test('rates sum to one, and groups to the whole', () => {
  fc.assert(
    fc.property(entries, choice, (all, how) => {
      const { total, groups, services, decisions } = summarize(all, how)
      for (const counts of [total, ...groups.map(one => one.counts)]) {
        const sum = (['real', 'stand-in', 'skip', 'fail'] as const).reduce(
          (n, one) => n + rateOf(counts, one),
          0,
        )
        expect(sum).toBeCloseTo(counts.total === 0 ? 0 : 1)
      }
      for (const split of [groups, services])
        expect(split.reduce((n, { counts }) => n + counts.total, 0)).toBe(total.total)
      expect(total.total).toBe(decisions.length)
    }),
  )
})

test('the order of the records does not matter', () => {
  const shuffled = entries.chain(all =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  )
  fc.assert(
    fc.property(shuffled, choice, ([all, other], how) => {
      expect(summarize(other, how)).toEqual(summarize(all, how))
    }),
  )
})

test('a decision that was made again in the same run counts once, as the last', () => {
  const same = { suite: 'a', test: 'one' }
  const again = entry({ ...same, at: '2026-03-01T12:00:01.000Z' })
  expect(summarize([again, entry({ ...same, ...skip })]).total).toMatchObject({ total: 1, real: 1, skip: 0 })
  expect(summarize([again, entry({ ...same, ...skip, run: 'run-2' })], { run: 'all' }).total.total).toBe(2)
  expect(summarize([again, entry({ ...same, service: 'redis' })]).total.total).toBe(2)
})

test('shards, jobs of a matrix and packages that share a run count each, though their suites have one name', () => {
  const same = { suite: 'go test ./...', target: 'db', ci: true }
  const roots = ['a', 'b', 'c', 'd']
  const all = roots.map(root => entry({ ...same, root, ...(root === 'd' ? {} : skip) }))
  expect(summarize(all).total).toMatchObject({ total: 4, real: 1, skip: 3 })
  const again = all.map(one => ({ ...one, id: `${one.id}-again`, at: '2026-03-01T12:00:01.000Z', pid: 2 }))
  expect(summarize([...all, ...again]).total.total).toBe(4)
})

test('without a root each host and process counts on its own', () => {
  const same = { suite: 'a', target: 'db' }
  const all = [entry({ ...same, ...skip }), entry({ ...same, pid: 2 }), entry({ ...same, host: 'there' })]
  expect(summarize(all).total).toMatchObject({ total: 3, real: 2, skip: 1 })
})

test('what holdfast test decided is told where no suite below it has a decision about the same target', () => {
  const root = 'a'
  const own = (more: Partial<Entry> = {}) =>
    entry({ root, scope: 'command', suite: 'npm test', target: 'db', ...more })
  const below = [1, 2].map(n => entry({ root, suite: `${n}.test.ts`, target: 'db' }))
  const cache = own({ service: 'redis', target: 'cache' })
  expect(summarize([own(), cache, ...below]).decisions.map(one => one.suite)).toEqual([
    ...below.map(one => one.suite),
    'npm test',
  ])
  expect(summarize([own({ ...skip, root: 'b' }), ...below]).total).toMatchObject({ total: 3, skip: 1 })
})

test('the last run is the one with the last decision', () => {
  const all = [
    entry({ run: 'b', at: '2026-03-02T00:00:00.000Z' }),
    ...times(3, { run: 'a', at: '2026-03-01T00:00:00.000Z', ci: true, commit: 'abc' }),
  ]
  expect(summarize(all).runs.map(({ run }) => run)).toEqual(['b'])
  expect(summarize(all, { run: 'a' }).runs).toMatchObject([
    { run: 'a', ci: true, commit: 'abc', counts: { total: 3 } },
  ])
  expect(summarize(all).all.map(({ run }) => run)).toEqual(['a', 'b'])
})

test('reasons, rungs and the slowest decisions are told with their numbers', () => {
  const report = summarize([
    ...times(3, skip),
    entry({ ...skip, service: 'redis' }),
    entry({ decision: 'stand-in', with: 'pglite', durationMs: 800 }),
    entry({ durationMs: 2 }),
  ])
  expect(report.reasons).toEqual([
    {
      reason: 'connection-refused',
      decision: 'skip',
      count: 4,
      services: ['postgres', 'redis'],
      message: 'connect ECONNREFUSED',
    },
    { reason: 'unconfigured', decision: 'stand-in', count: 1, services: ['postgres'] },
  ])
  expect(report.rungs).toEqual([{ with: 'pglite', service: 'postgres', count: 1 }])
  expect(report.slowest.map(one => one.durationMs)).toEqual([800, 2])
})

test('a trend is over runs, and over days where there are many', () => {
  const runs = Array.from({ length: 50 }, (_, n) =>
    entry({ run: `run-${n}`, at: new Date(Date.UTC(2026, 2, 1 + Math.floor(n / 10), n % 10)).toISOString() }),
  )
  expect(trendOf(summarize(runs.slice(0, 12)).all)).toMatchObject({ of: 'run', points: { length: 12 } })
  const { of, points } = trendOf(summarize(runs).all)
  expect([of, points.map(({ name, counts }) => [name, counts.total])]).toEqual([
    'day',
    [1, 2, 3, 4, 5].map(day => [`2026-03-0${day}`, 10]),
  ])
})

const found = (all: readonly Entry[], demands: Partial<Demands>) =>
  judge(summarize(all), { ...DEMANDS, ...demands }).map(
    ({ concern }) => concern && [concern.id, concern.level],
  )

test('a limit is broken by more than it, not by as much', () => {
  const all = [...times(9, {}), entry(skip)]
  const limit = (percent: number) => found(all, { limits: [{ decision: 'skip', percent }] })
  expect(limit(10)).toEqual([undefined])
  expect(limit(9.99)).toEqual([['skip-rate', 'error']])
})

test('a limit for a service looks at that one alone', () => {
  const all = [...times(9, {}), entry({ ...skip, service: 'redis' })]
  const limit = (service: string) => found(all, { limits: [{ decision: 'skip', percent: 20, service }] })
  expect(limit('postgres')).toEqual([undefined])
  expect(limit('redis')).toEqual([['skip-rate', 'error']])
})

test('a share is compared in whole numbers', () => {
  const share = fc.integer({ min: 0, max: 100_000_000 })
  const counts = fc
    .integer({ min: 1, max: 60 })
    .chain(total => fc.tuple(fc.integer({ min: 0, max: total }), fc.constant(total)))
  const broken = (n: number, total: number, percent: number) => {
    const all = [...times(total - n, {}), ...times(n, skip)]
    return found(all, { limits: [{ decision: 'skip', percent }] })[0] !== undefined
  }
  expect(broken(69, 3000, 2.3)).toBe(false)
  expect(broken(70, 3000, 2.3)).toBe(true)
  fc.assert(
    fc.property(counts, share, ([n, total], millionths) => {
      const percent = Number(`${Math.floor(millionths / 1e6)}.${`${millionths % 1e6}`.padStart(6, '0')}`)
      expect(broken(n, total, percent)).toBe(BigInt(n) * 100_000_000n > BigInt(millionths) * BigInt(total))
    }),
  )
})

test('a limit for a service without any decision is broken', () => {
  const limits = [
    { decision: 'skip', percent: 0, service: 'postgres' },
    { decision: 'stand-in', percent: 100, service: 'mysql' },
  ] as const
  const checks = judge(summarize([entry({ service: 'redis' })]), { ...DEMANDS, limits })
  expect(checks.map(({ concern }) => [concern?.id, concern?.message])).toEqual([
    ['skip-rate', 'no decision about postgres is recorded, only about redis'],
    ['stand-in-rate', 'no decision about mysql is recorded, only about redis'],
  ])
})

test('what is required must be real each time, and there must be one', () => {
  const required = ['postgres']
  expect(found(times(2, {}), { required })).toEqual([undefined])
  const broken = [['required-not-real', 'error']]
  expect(found([entry(), entry({ decision: 'stand-in', with: 'pglite' })], { required })).toEqual(broken)
  expect(found([entry({ service: 'redis' })], { required })).toEqual(broken)
  const cache = entry({ service: 'redis', target: 'cache', ...skip })
  expect(found([entry(), cache], { required: ['postgres', 'cache'] })).toEqual([undefined, ...broken])
  expect(found([entry(), cache], { required: ['all'] })).toEqual(broken)
  expect(found([entry()], { required: ['all'] })).toEqual([undefined])
})

test('without any decision a demand is not met', () => {
  expect(found([], { limits: [{ decision: 'skip', percent: 100 }] })).toEqual([['no-decisions', 'error']])
  expect(found([], {})).toEqual([])
})

test('a CI run that skipped everything of a service is told, and fails in CI', () => {
  const all = [...times(44, { ...skip, ci: true }), entry({ service: 'redis', ci: true })]
  expect(found(all, {})).toEqual([['nothing-ran', 'warning']])
  const [check] = judge(summarize(all), { ...DEMANDS, ci: true })
  expect(check?.concern).toMatchObject({
    level: 'error',
    message: 'CI ran nothing on postgres: 44 suites skipped, reason connection-refused (run run-1)',
  })
  expect(found(times(3, skip), { ci: true })).toEqual([])
})

test('a share is never shown as none or all unless it is', () => {
  expect([percent(0, 5), percent(5, 5), percent(1, 3), percent(0, 0)]).toEqual(['0%', '100%', '33.3%', '–'])
  expect([percent(1, 100_000), percent(99_999, 100_000)]).toEqual(['0.1%', '99.9%'])
})
