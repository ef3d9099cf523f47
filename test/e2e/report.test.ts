/** `holdfast report` over journals as test runs leave them. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Entry } from '../../src/journal/entry.js'
import { openJournal } from '../../src/journal/open.js'
import { placeOf } from '../../src/journal/place.js'
import { journalOpener } from '../../src/testing/journal.js'
import { holdfast } from '../support/cli.js'
import { refused } from '../support/peers.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'
import { differences, parseXml } from './documents.js'

const entry = (n: number, more: Partial<Entry> = {}): Entry => ({
  v: 1,
  at: new Date(Date.UTC(2026, 2, 1, 12) + n).toISOString(),
  kind: 'decision',
  run: 'ci-7',
  ci: true,
  host: 'runner',
  pid: 1,
  suite: `test/suite-${n}.test.ts`,
  service: 'postgres',
  target: 'db',
  decision: 'real',
  durationMs: n,
  ...more,
})

const skip = {
  decision: 'skip',
  reason: 'connection-refused',
  message: 'connect ECONNREFUSED 127.0.0.1:5432',
} as const

const suites = (n: number, from: number, more: Partial<Entry> = {}): Entry[] =>
  Array.from({ length: n }, (_, i) => entry(from + i, more))

/** A project whose journal has these entries. */
function project(entries: readonly Entry[] = []): string {
  const cwd = tempFolder('project')
  writeFileSync(join(cwd, 'package.json'), '{}')
  const journal = openJournal(placeOf(undefined, { env: {}, cwd }), { open: journalOpener({}) })
  for (const one of entries) journal.appendSync?.(one)
  return cwd
}

const THIRTY_PERCENT = [...suites(35, 0), ...suites(15, 35, skip)]

test('a run with 30 % skips shows its rates, reasons and numbers', async () => {
  const { status, stderr, stdout } = await holdfast(['report'], { cwd: project(THIRTY_PERCENT) })
  expect([status, stdout]).toEqual([0, ''])
  expect(stderr).toContain('run ci-7 (CI, 2026-03-01 12:00 UTC): 50 decisions in 50 suites')
  expect(stderr).toMatch(/postgres {2,}50 {2,}70% {2,}0% {2,}30% {2,}0% {2}█{14}░{6}\n/)
  expect(stderr).toContain(
    '  15  skip      connection-refused (postgres): connect ECONNREFUSED 127.0.0.1:5432',
  )
})

test('30 % skips are more than 10 %: exit 1, with the reason and what to do', async () => {
  const cwd = project(THIRTY_PERCENT)
  const { status, stderr } = await holdfast(['report', '--max-skip-rate', '10%', '-q'], { cwd })
  expect(status).toBe(1)
  expect(stderr).toBe(
    'holdfast: failed: 30% of the decisions are skips (15 of 50), and at most 10% may be; mostly connection-refused\n' +
      '  → Start the server, or correct host and port. To allow as much: --max-skip-rate 30%\n',
  )
  const allowed = await holdfast(['report', '--max-skip-rate', '30%'], { cwd })
  expect([allowed.status, allowed.stderr]).toEqual([
    0,
    expect.stringContaining('holdfast: passed: skip rate at most 30%'),
  ])
})

test('on GitHub it leaves an annotation and a summary, and a JUnit report beside them', async () => {
  const cwd = project(THIRTY_PERCENT)
  const summary = join(cwd, 'summary.md')
  const args = ['report', '--max-skip-rate', '10%', '--require', 'postgres', '--junit', 'report.xml']
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary }
  const { status, stderr } = await holdfast(args, { cwd, env })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^::error title=holdfast%3A skip-rate::30%25 of the decisions are skips .*$/m)
  expect(stderr).toMatch(
    /^::error title=holdfast%3A postgres%3A required-not-real::postgres is required, .*$/m,
  )
  expect(readFileSync(summary, 'utf8')).toContain('| postgres | 50 | 70% | 0% | 30% | 0% |')
  const { attributes, children } = parseXml(readFileSync(join(cwd, 'report.xml'), 'utf8'))
  expect(attributes).toMatchObject({ name: 'holdfast report', tests: '3', failures: '2' })
  expect(children.map(one => one.attributes.name)).toEqual([
    'skip rate at most 10%',
    'every decision of postgres is real',
    'postgres',
  ])
})

test('the document is as its schema says, with findings and without, and for no decisions', async () => {
  const cwd = project([
    ...THIRTY_PERCENT,
    ...suites(3, 60, { run: 'ci-8', decision: 'stand-in', with: 'pglite' }),
  ])
  for (const args of [
    ['--max-stand-in-rate', '10%'],
    ['--run', 'all', '--by', 'suite'],
    ['--since', '1h'],
  ]) {
    const { json, status } = await holdfast(['report', '--json', ...args], { cwd })
    const document = json<{ exitStatus: number }>()
    expect([differences(document), document.exitStatus]).toEqual([[], status])
  }
  const { json } = await holdfast(['report', '--json', '--run', 'ci-7'], { cwd })
  expect(json()).toMatchObject({
    verb: 'report',
    findings: [],
    report: {
      unreadable: 0,
      suites: 50,
      total: { decisions: 50, real: 35, standIn: 0, skip: 15, fail: 0, rates: { real: 0.7, skip: 0.3 } },
      reasons: [{ reason: 'connection-refused', decision: 'skip', count: 15, services: ['postgres'] }],
      trend: { of: 'run', points: [{ name: 'ci-7' }, { name: 'ci-8', standIn: 3 }] },
    },
  })
})

test('a service that CI skipped altogether is a red line, and fails in CI', async () => {
  const cwd = project([...suites(44, 0, skip), ...suites(6, 50, { service: 'redis' })])
  const line = 'CI ran nothing on postgres: 44 suites skipped, reason connection-refused (run ci-7)'
  const here = await holdfast(['report', '-q'], { cwd, env: { FORCE_COLOR: '1' } })
  expect([here.status, here.stderr]).toEqual([
    0,
    expect.stringContaining(`\u001b[31mholdfast: ${line}\u001b[0m`),
  ])
  const inCi = await holdfast(['report'], { cwd, env: { CI: 'true' } })
  expect([inCi.status, inCi.stderr]).toEqual([
    1,
    expect.stringContaining(`holdfast: failed: ${line}\n  → Start`),
  ])
})

test('a journal without decisions says where they come from, and meets no demand', async () => {
  const cwd = project()
  const { status, stderr } = await holdfast(['report'], { cwd })
  expect([status, stderr]).toEqual([
    0,
    expect.stringMatching(/no decisions recorded in .*\.holdfast\/journal\. .*holdfast test -- npm test\n$/),
  ])
  for (const demand of [
    ['--max-skip-rate', '100%'],
    ['--require', 'postgres'],
  ]) {
    const held = await holdfast(['report', ...demand], { cwd })
    expect([held.status, held.stderr]).toEqual([
      1,
      expect.stringContaining('failed: no decision is recorded'),
    ])
  }
})

test('what cannot be meant is a usage error that names it', async () => {
  const cwd = project(THIRTY_PERCENT)
  const wrong: [string[], string][] = [
    [
      ['--max-skip-rate', '0.1'],
      '--max-skip-rate: "0.1" is not a percentage from 0% to 100%; did you mean 0.1%?',
    ],
    [['--max-stand-in-rate', 'postgres=many'], '--max-stand-in-rate: "many" is not a percentage'],
    [
      ['--max-skip-rate', 'postgress=1%'],
      '--max-skip-rate: "postgress" is not a service; did you mean postgres?',
    ],
    [['--since', 'monday'], '--since: "monday" is not a time; write it like 7d, 12h or 2026-03-01'],
    [['--run', 'ci-9'], '--run: the journal has no run "ci-9"; the last ones are ci-7'],
    [['no/such'], '"no/such" is not a journal: there is no such file or folder'],
    [['env:NONE'], '"env:NONE" is not a journal: the variable is not set'],
    [['redis://:s3cr3t@h'], 'journal: "redis://:***@h" is not a journal'],
  ]
  const ends = await Promise.all(wrong.map(([args]) => holdfast(['report', ...args], { cwd })))
  for (const [i, { status, stderr }] of ends.entries())
    expect([status, stderr]).toEqual([64, expect.stringContaining(`holdfast: ${wrong[i]?.[1]}`)])
})

test('lines that a crash left, and what hostile records hold, do no harm', async () => {
  const cwd = project([entry(0)])
  const file = join(cwd, '.holdfast/journal/2026-03-01.ndjson')
  const hostile = {
    ...entry(1, {
      ...skip,
      suite: '::error::x',
      message: '\u001b[31mpostgres://app:s3cr3t@h/app\n::set-output::',
    }),
    service: '::add-mask::x',
  }
  appendFileSync(file, `${JSON.stringify(entry(2)).slice(0, 50)}\n${JSON.stringify(hostile)}\n`)
  const { stderr, status } = await holdfast(['report', '--by', 'suite'], {
    cwd,
    env: { GITHUB_ACTIONS: 'true', CI: 'false' },
  })
  expect(status).toBe(0)
  expect(stderr).toContain('1 line of the journal could not be read and is left out')
  expect(stderr).toContain('postgres://app:***@h/app')
  expect(stderr).not.toMatch(/s3cr3t|^\s*::(?!warning title=holdfast)/m)
  expect(stderr).not.toContain('\u001b')
})

test('journals of shards are read together, and a copy counts once', async () => {
  const one = project(suites(3, 0))
  const two = project(suites(2, 10, skip))
  const copy = join(one, 'copy')
  mkdirSync(copy)
  writeFileSync(join(copy, 'a.ndjson'), readFileSync(join(one, '.holdfast/journal/2026-03-01.ndjson')))
  const { json } = await holdfast(['report', '--json', one, join(two, '.holdfast/journal'), copy])
  expect(json()).toMatchObject({ report: { total: { decisions: 5, real: 3, skip: 2 } } })
})

test('the configuration says where the journal is, HOLDFAST_JOURNAL before it, off for nowhere', async () => {
  const cwd = project(suites(1, 0))
  writeFileSync(join(cwd, 'holdfast.config.yaml'), 'journal: records\n')
  mkdirSync(join(cwd, 'records'))
  for (const n of [1, 2]) appendFileSync(join(cwd, 'records', 'a.ndjson'), `${JSON.stringify(entry(n))}\n`)
  const decisions = async (env: Record<string, string>) =>
    (await holdfast(['report', '--json'], { cwd, env })).json<{ report: { total: { decisions: number } } }>()
      .report.total.decisions
  expect(await decisions({})).toBe(2)
  expect(await decisions({ HOLDFAST_JOURNAL: join(cwd, '.holdfast/journal') })).toBe(1)
  expect(await decisions({ HOLDFAST_JOURNAL: 'off' })).toBe(0)
})

test('a table in PostgreSQL is read by its address; one that does not answer is that reason’s status', async () => {
  const database = `report_${process.pid}`
  await sharedPostgres().sql(`CREATE DATABASE ${database} OWNER app`)
  const url = sharedPostgres().url({ database })
  const journal = openJournal(placeOf(url, { env: {}, cwd: '/' }), { open: journalOpener({}) })
  await Promise.all(suites(4, 0).map(one => journal.append(one)))
  await journal.close()
  const { status, stderr } = await holdfast(['report', 'env:JOURNAL', '--require', 'postgres'], {
    env: { JOURNAL: url },
  })
  expect([status, stderr]).toEqual([0, expect.stringMatching(/postgres {2,}4 {2,}100%/)])
  const wrong = await holdfast(['report', sharedPostgres().url({ database, password: 's3cr3t' })])
  expect([wrong.status, wrong.stderr]).toEqual([
    78,
    expect.stringMatching(
      /^holdfast: the journal postgres:\/\/app:\*\*\*@\S+: authentication-failed at auth: .*\. Correct /,
    ),
  ])
  expect(wrong.stderr).not.toContain('s3cr3t')
  await sharedPostgres().sql(`DROP DATABASE ${database} WITH (FORCE)`)
  const { port } = await refused()
  const gone = await holdfast(['report', `postgres://app@127.0.0.1:${port}/app`, '--json'])
  expect([gone.status, gone.stdout]).toEqual([69, ''])
})
