import { appendFileSync } from 'node:fs'
import type { Counts, Group, Made, Report } from '../../watch/report.js'
import { trendOf } from '../../watch/report.js'
import { type Check, percent } from '../../watch/thresholds.js'
import { version } from '../version.js'
import { annotation, cell } from './github.js'
import { escapeXml, writeSuite } from './junit.js'

/** What `holdfast report` has to tell. */
export interface Reported {
  readonly report: Report
  readonly checks: readonly Check[]
  /** Where the journals are, without a secret. */
  readonly places: readonly string[]
  readonly unreadable: number
  readonly exitStatus: number
  readonly durationMs: number
}

const concernsOf = ({ checks }: Reported) => checks.flatMap(({ concern }) => (concern ? [concern] : []))

/** Shares with four places. */
const share = (count: number, total: number): number =>
  total === 0 ? 0 : Math.round((count / total) * 10_000) / 10_000

const ratesOf = (counts: Counts): object => ({
  decisions: counts.total,
  real: counts.real,
  standIn: counts['stand-in'],
  skip: counts.skip,
  fail: counts.fail,
  rates: {
    real: share(counts.real, counts.total),
    standIn: share(counts['stand-in'], counts.total),
    skip: share(counts.skip, counts.total),
    fail: share(counts.fail, counts.total),
  },
})

const groupOf = ({ name, counts }: Group): object => ({ name, ...ratesOf(counts) })

/** The document of `--json`, by schema/output.schema.json. */
export function documentOf(reported: Reported): object {
  const { report, places, unreadable, exitStatus, durationMs } = reported
  const { of, points } = trendOf(report.all)
  return {
    holdfast: version(),
    verb: 'report',
    schema: 1,
    ok: exitStatus === 0,
    exitStatus,
    durationMs,
    targets: [],
    findings: concernsOf(reported),
    report: {
      journals: places,
      unreadable,
      runs: report.runs.map(({ counts, ...run }) => ({ ...run, ...ratesOf(counts) })),
      suites: report.suites,
      total: ratesOf(report.total),
      services: report.services.map(groupOf),
      groups: report.groups.map(groupOf),
      reasons: report.reasons,
      standIns: report.rungs,
      slowest: report.slowest.map(({ suite, test, service, decision, durationMs: ms }) => ({
        ...(suite === undefined ? {} : { suite }),
        ...(test === undefined ? {} : { test }),
        ...(service === undefined ? {} : { service }),
        decision,
        durationMs: ms,
      })),
      nothingRan: report.nothing,
      trend: { of, points: points.map(groupOf) },
    },
  }
}

/** One annotation for each demand that was not met. */
export const annotations = (reported: Reported): string =>
  concernsOf(reported)
    .map(({ id, level, message, advice, target }) =>
      annotation(
        level === 'error' ? 'error' : 'warning',
        `${target ? `${target}: ` : ''}${id}`,
        `${message}${advice ? ` → ${advice}` : ''}`,
      ),
    )
    .join('')

const MADE: readonly Made[] = ['real', 'stand-in', 'skip', 'fail']

/** Appends the table to the step's summary; a summary that cannot be written is no failure. */
export function summarizeStep(file: string, reported: Reported): void {
  const { report, exitStatus } = reported
  const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  const rows = [...report.groups, { name: 'all', counts: report.total }].map(({ name, counts }) =>
    row([name, String(counts.total), ...MADE.map(made => percent(counts[made], counts.total))]),
  )
  const reasons = report.reasons.map(one =>
    row([String(one.count), one.decision, one.reason, one.services.join(', '), one.message ?? '']),
  )
  const parts = [
    `### holdfast report: ${exitStatus === 0 ? 'passed' : 'failed'}`,
    concernsOf(reported)
      .map(({ message, advice }) => `- ${cell(message)}${advice ? ` → ${cell(advice)}` : ''}`)
      .join('\n'),
    `|  | decisions | real | stand-in | skip | fail |\n|---|---|---|---|---|---|\n${rows.join('\n')}`,
    reasons.length > 0
      ? `| count | decision | reason | services | message |\n|---|---|---|---|---|\n${reasons.join('\n')}`
      : '',
  ]
  try {
    appendFileSync(file, `${parts.filter(Boolean).join('\n\n')}\n\n`)
  } catch {
    // The runner took the file away.
  }
}

/** A test suite with one case a demand, and one a service, skipped where all of it was. */
export function writeCases(file: string, { report, checks, durationMs }: Reported): void {
  const head = (kind: string, name: string) =>
    `  <testcase classname="holdfast.report.${kind}" name="${escapeXml(name)}" time="0.000"`
  const demands = checks.map(({ name, concern }) => {
    if (!concern) return `${head('demand', name)}/>`
    const body = escapeXml(`${concern.message}\n${concern.advice ?? ''}`)
    const message = escapeXml(concern.message)
    return concern.level === 'error'
      ? `${head('demand', name)}>\n    <failure type="${concern.id}" message="${message}">${body}</failure>\n  </testcase>`
      : `${head('demand', name)}>\n    <system-out>${body}</system-out>\n  </testcase>`
  })
  const services = report.services.map(({ name, counts }) => {
    const rates = MADE.map(made => `${made} ${percent(counts[made], counts.total)}`).join(', ')
    if (counts.skip === counts.total)
      return `${head('service', name)}>\n    <skipped message="${escapeXml(`all ${counts.total} skipped`)}"/>\n  </testcase>`
    return `${head('service', name)}>\n    <system-out>${escapeXml(rates)}</system-out>\n  </testcase>`
  })
  writeSuite(file, 'report', [...demands, ...services], durationMs)
}
