import type { Concern } from '../core/concern.js'
import { REASONS } from '../core/reasons.js'
import { type Counts, countsOf, type Made, type Report, reasonOf, serviceOf } from './report.js'

/** The most of one decision that is allowed. */
export interface Limit {
  readonly decision: 'skip' | 'stand-in'
  /** All services together where it is missing. */
  readonly service?: string
  /** From 0 to 100. */
  readonly percent: number
}

/** What a report is held to. */
export interface Demands {
  readonly limits: readonly Limit[]
  /** Services or targets, or `all`, of which every decision must be real, and at least one made. */
  readonly required: readonly string[]
  /** Whether this is CI, where a service that was skipped altogether fails. */
  readonly ci: boolean
}

/** One demand, and how it was met. */
export interface Check {
  /** For a report: `skip rate of postgres at most 10%`. */
  readonly name: string
  readonly concern?: Concern
}

/** A share as it is shown: `30%`, `33.3%`; never 0 or 100 for what is not. */
export function percent(count: number, total: number): string {
  if (total === 0) return '–'
  const share = (count / total) * 100
  const shown = Math.min(Math.max(share, count > 0 ? 0.1 : 0), count < total ? 99.9 : 100)
  return `${Number(shown.toFixed(1))}%`
}

/** Every demand on the chosen runs, and every service that a CI run skipped altogether. */
export function judge(report: Report, { limits, required, ci }: Demands): Check[] {
  const asked = limits.length > 0 || required.length > 0
  if (asked && report.total.total === 0) return [{ name: 'decisions are recorded', concern: NO_DECISIONS }]
  return [
    ...nothingRan(report, ci),
    ...limits.map(limit => held(limit, report)),
    ...required.map(service => demanded(service, report)),
  ]
}

const NO_DECISIONS: Concern = {
  id: 'no-decisions',
  level: 'error',
  message: 'no decision is recorded, so that nothing can be said of its rates',
  advice:
    'Run the tests with holdfast test or an adapter first, see that HOLDFAST_JOURNAL is not off, and name the journal where it is elsewhere: holdfast report FOLDER',
}

/** Whether `n` of `total` are at most this share, to a millionth of a percent; in whole numbers, as 2.3 is no double. */
const isWithin = (n: number, total: number, percent: number): boolean =>
  BigInt(n) * 100_000_000n <= BigInt(Math.round(percent * 1e6)) * BigInt(total)

/** Of a service or target that is asked about, and in no decision. */
function unrecorded(name: string, { services }: Report): Pick<Concern, 'message' | 'advice'> {
  const known = services.map(one => one.name).join(', ')
  return {
    message: `no decision about ${name} is recorded, only about ${known}`,
    advice: `See that the tests ask for it (holdfast test --service ${name}), and that --run names the run that is meant.`,
  }
}

function held({ decision, service, percent: most }: Limit, report: Report): Check {
  const its = report.decisions.filter(one => service === undefined || serviceOf(one) === service)
  const counts = countsOf(its)
  const of = service === undefined ? '' : ` of ${service}`
  const name = `${decision} rate${of} at most ${most}%`
  const n = counts[decision]
  if (service !== undefined && counts.total === 0)
    return {
      name,
      concern: { id: `${decision}-rate`, level: 'error', target: service, ...unrecorded(service, report) },
    }
  if (isWithin(n, counts.total, most)) return { name }
  const option = `--max-${decision}-rate ${service === undefined ? '' : `${service}=`}`
  const leave = `${Math.ceil((n * 100) / counts.total)}%`
  return {
    name,
    concern: {
      id: `${decision}-rate`,
      level: 'error',
      ...(service === undefined ? {} : { target: service }),
      message: `${percent(n, counts.total)} of the decisions${of} are ${decision}s (${n} of ${counts.total}), and at most ${most}% may be${why(its, decision)}`,
      advice: `${next(its, decision)} To allow as much: ${option}${leave}`,
    },
  }
}

function demanded(required: string, report: Report): Check {
  const all = required === 'all'
  const its = report.decisions.filter(one => all || serviceOf(one) === required || one.target === required)
  const counts: Counts = countsOf(its)
  const name = all ? 'every decision is real' : `every decision of ${required} is real`
  if (counts.total > 0 && counts.real === counts.total) return { name }
  const base = { id: 'required-not-real', level: 'error', ...(all ? {} : { target: required }) } as const
  if (counts.total === 0) return { name, concern: { ...base, ...unrecorded(required, report) } }
  const others = (['stand-in', 'skip', 'fail'] as const).filter(made => counts[made] > 0)
  const worst = others.toSorted((a, b) => counts[b] - counts[a])[0] ?? 'skip'
  const numbers = others.map(made => `${counts[made]} ${made}`).join(', ')
  return {
    name,
    concern: {
      ...base,
      message: `${all ? 'every service' : required} is required, and of ${counts.total} decisions ${counts.total - counts.real} are not real (${numbers})${why(its, worst)}`,
      advice: next(its, worst),
    },
  }
}

/** One for each service: the last run, and how many there were. */
const nothingRan = ({ nothing }: Report, ci: boolean): Check[] =>
  [...new Map(nothing.map(one => [one.service, one])).values()].map(({ run, service, suites, reason }) => {
    const others = nothing.filter(one => one.service === service).length - 1
    const known = Object.hasOwn(REASONS, reason)
    return {
      name: `run ${run} ran something on ${service}`,
      concern: {
        id: 'nothing-ran',
        level: ci ? 'error' : 'warning',
        target: service,
        message: `CI ran nothing on ${service}: ${suites} suite${suites === 1 ? '' : 's'} skipped, reason ${reason} (run ${run}${others > 0 ? ` and ${others} before it` : ''})`,
        advice: `${known ? REASONS[reason as keyof typeof REASONS].next : NO_ADDRESS} What is wrong there: holdfast doctor`,
      },
    }
  })

const NO_ADDRESS = 'Give the tests the address of the service, as in DATABASE_URL.'

/** The commonest reason. */
function commonest(its: Report['decisions'], decision: Made): string | undefined {
  const counts = new Map<string, number>()
  for (const one of its)
    if (one.decision === decision) counts.set(reasonOf(one), (counts.get(reasonOf(one)) ?? 0) + 1)
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0]?.[0]
}

function why(its: Report['decisions'], decision: Made): string {
  const reason = commonest(its, decision)
  return reason ? `; mostly ${reason}` : ''
}

function next(its: Report['decisions'], decision: Made): string {
  const reason = commonest(its, decision)
  const known = reason !== undefined && Object.hasOwn(REASONS, reason)
  return known ? REASONS[reason as keyof typeof REASONS].next : NO_ADDRESS
}
