import { formatMs } from '../../core/options.js'
import {
  type Counts,
  type Group,
  type Made,
  type Report,
  type Run,
  serviceOf,
  trendOf,
} from '../../watch/report.js'
import { percent } from '../../watch/thresholds.js'
import { defused } from './github.js'
import type { Paint } from './paint.js'
import type { Reported } from './report-files.js'

const MADE: readonly Made[] = ['real', 'stand-in', 'skip', 'fail']
/** Rows of a table of suites without -v. */
const ROWS = 20
/** Characters of a name; the end of a path tells more than its beginning. */
const WIDEST = 60
/** Cells of a bar. */
const BAR = 20

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

/** For people: the chosen runs, a table, why, the trend, and what the report was held to last. */
export function text(
  reported: Reported,
  how: { readonly quiet: boolean; readonly verbose: boolean },
  paint: Paint,
): string {
  const { report } = reported
  const lines =
    how.quiet || report.total.total === 0
      ? []
      : [
          ...headOf(report),
          ...tableOf(report, how.verbose, paint),
          ...reasonsOf(report),
          ...rungsOf(report),
          ...slowestOf(report),
          ...trendLines(report, paint),
        ]
  const all = [...lines, ...endOf(reported, how.quiet, paint)]
  return all.map(line => `${defused(line)}\n`).join('')
}

function headOf({ runs, total, suites }: Report): string[] {
  const [only, another] = runs
  const what = `${count(total.total, 'decision')} in ${count(suites, 'suite')}`
  return [only && !another ? `${runOf(only)}: ${what}` : `${runs.length} runs: ${what}`]
}

const runOf = ({ run, ci, commit, from }: Run): string =>
  `run ${run} (${[...(ci ? ['CI'] : []), ...(commit ? [commit.slice(0, 12)] : []), `${from.slice(0, 16).replace('T', ' ')} UTC`].join(', ')})`

function tableOf({ groups, total }: Report, verbose: boolean, paint: Paint): string[] {
  const shown = verbose ? groups : groups.slice(0, ROWS)
  const more = groups.length - shown.length
  const rows: readonly Group[] = groups.length > 1 ? [...shown, { name: 'all', counts: total }] : shown
  const cells = rows.map(({ name, counts }) => [
    name.length > WIDEST ? `…${name.slice(1 - WIDEST)}` : name,
    String(counts.total),
    ...MADE.map(made => percent(counts[made], counts.total)),
  ])
  const head = ['', 'decisions', ...MADE]
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map(row => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return [
    paint.dim(`  ${line(head)}`),
    ...cells.map((row, i) => `  ${line(row)}  ${bar(rows[i]?.counts, paint)}`),
    ...(more > 0 ? [paint.dim(`  … ${more} more; -v shows them`)] : []),
  ]
}

const MARKS: Readonly<Record<Made, string>> = { real: '█', 'stand-in': '▓', skip: '░', fail: '×' }

/** What was decided, as shares of one line; whatever was decided at all has a cell. */
function bar(counts: Counts | undefined, paint: Paint): string {
  if (!counts || counts.total === 0) return ''
  const colour = { real: paint.good, 'stand-in': paint.warn, skip: paint.bad, fail: paint.bad }
  const cells = MADE.map(made =>
    counts[made] === 0 ? 0 : Math.max(1, Math.round((counts[made] / counts.total) * BAR)),
  )
  const widest = cells.indexOf(Math.max(...cells))
  const over = cells.reduce((sum, n) => sum + n, 0) - BAR
  return MADE.map((made, i) => {
    const n = (cells[i] ?? 0) - (i === widest ? over : 0)
    return n > 0 ? colour[made](MARKS[made].repeat(n)) : ''
  }).join('')
}

function reasonsOf({ reasons }: Report): string[] {
  if (reasons.length === 0) return []
  return [
    'why not real',
    ...reasons.map(
      ({ count: n, decision, reason, services, message }) =>
        `  ${String(n).padStart(4)}  ${decision.padEnd(8)}  ${reason} (${services.join(', ')})${message ? `: ${message}` : ''}`,
    ),
  ]
}

const rungsOf = ({ rungs }: Report): string[] =>
  rungs.length === 0
    ? []
    : ['stand-ins', ...rungs.map(one => `  ${String(one.count).padStart(4)}  ${one.with} (${one.service})`)]

const slowestOf = ({ slowest }: Report): string[] =>
  slowest.length === 0
    ? []
    : [
        'slowest decisions',
        ...slowest.map(one => {
          const where = [one.suite, one.test].filter(Boolean).join(' > ')
          return `  ${formatMs(one.durationMs ?? 0).padStart(8)}  ${serviceOf(one)}  ${one.decision}${where && `  ${where}`}`
        }),
      ]

const STEPS = [...'▁▂▃▄▅▆▇█']

/** One character a share: the lowest is none, the highest all. */
export const sparkline = (shares: readonly number[]): string =>
  shares.map(share => STEPS[share <= 0 ? 0 : Math.max(1, Math.ceil(share * (STEPS.length - 1)))]).join('')

function trendLines({ all }: Report, paint: Paint): string[] {
  if (all.length < 2) return []
  const { of, points } = trendOf(all)
  const line = (made: Made) => {
    const shares = points.map(({ counts }) => counts[made] / counts.total)
    const [first, last] = [points[0], points.at(-1)].map(point =>
      point ? percent(point.counts[made], point.counts.total) : '',
    )
    return `  ${made.padEnd(8)}  ${sparkline(shares)}  ${first} → ${last}`
  }
  const seen = MADE.filter(made => points.some(({ counts }) => counts[made] > 0))
  return [paint.dim(`trend over ${count(points.length, of)}`), ...seen.map(line)]
}

function endOf({ report, checks, places, unreadable }: Reported, quiet: boolean, paint: Paint): string[] {
  const concerns = checks.flatMap(({ concern }) => (concern ? [concern] : []))
  const failed = concerns.some(({ level }) => level === 'error')
  const lost =
    unreadable > 0 && !quiet
      ? [
          paint.warn(
            `holdfast: ${count(unreadable, 'line')} of the journal could not be read and ${unreadable === 1 ? 'is' : 'are'} left out`,
          ),
        ]
      : []
  const told = concerns.flatMap(({ level, message, advice }) => [
    paint.bad(`holdfast: ${level === 'error' ? 'failed: ' : ''}${message}`),
    ...(advice ? [`  → ${advice}`] : []),
  ])
  if (report.total.total === 0 && concerns.length === 0)
    return quiet
      ? lost
      : [
          ...lost,
          `holdfast: no decisions recorded in ${places.join(', ')}. They come from holdfast test and the adapters for test runners: holdfast test -- npm test`,
        ]
  const met = checks.length - concerns.length
  const passed =
    failed || quiet || met === 0
      ? []
      : [paint.good(`holdfast: passed: ${checks.flatMap(one => (one.concern ? [] : [one.name])).join(', ')}`)]
  return [...lost, ...told, ...passed]
}
