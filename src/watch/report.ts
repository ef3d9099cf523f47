import type { DECISIONS, Entry } from '../journal/entry.js'

export type Made = (typeof DECISIONS)[number]
export type By = 'service' | 'suite' | 'run' | 'reason'

/** How often each decision was made. */
export type Counts = Readonly<Record<Made, number>> & { readonly total: number }

export interface Group {
  readonly name: string
  readonly counts: Counts
}

export interface Run {
  readonly run: string
  /** Of its first and of its last decision. */
  readonly from: string
  readonly to: string
  readonly ci: boolean
  readonly commit?: string
  readonly counts: Counts
}

export interface Cause {
  /** An entry of core/reasons.ts; `unconfigured` where no address was configured. */
  readonly reason: string
  readonly decision: Made
  readonly count: number
  readonly services: readonly string[]
  /** The last one's. */
  readonly message?: string
}

/** A CI run that skipped every decision of a service. */
export interface Nothing {
  readonly run: string
  readonly service: string
  readonly suites: number
  readonly reason: string
}

/** What a journal says of the chosen runs. */
export interface Report {
  /** The chosen runs and all runs, the oldest first. */
  readonly runs: readonly Run[]
  readonly all: readonly Run[]
  readonly total: Counts
  readonly suites: number
  readonly services: readonly Group[]
  readonly groups: readonly Group[]
  readonly reasons: readonly Cause[]
  /** Stand-ins by rung. */
  readonly rungs: readonly { readonly with: string; readonly service: string; readonly count: number }[]
  /** The slowest decisions, the slowest first. */
  readonly slowest: readonly Entry[]
  readonly nothing: readonly Nothing[]
  /** The chosen decisions, each once, in the order of time. */
  readonly decisions: readonly Entry[]
}

const SLOWEST = 5

/** Sums up decisions, in whatever order they come: those of the last run, of all runs, or of the run with that id. */
export function summarize(
  entries: readonly Entry[],
  { run = 'last', by = 'service' }: { readonly run?: string; readonly by?: By | undefined } = {},
): Report {
  const decisions = last(entries)
  const all = runsOf(decisions)
  const runs = run === 'all' ? all : run === 'last' ? all.slice(-1) : all.filter(one => one.run === run)
  const names = new Set(runs.map(one => one.run))
  const chosen = decisions.filter(one => names.has(one.run))
  const services = groupsOf(chosen, serviceOf)
  return {
    runs,
    all,
    total: countsOf(chosen),
    suites: new Set(chosen.map(suiteOf)).size,
    services,
    groups:
      by === 'run' ? runs.map(one => ({ name: one.run, counts: one.counts })) : groupsOf(chosen, KEYS[by]),
    reasons: causesOf(chosen),
    rungs: rungsOf(chosen),
    slowest: chosen
      .filter(one => one.durationMs !== undefined)
      .sort((a, b) => (b.durationMs ?? 0) - (a.durationMs ?? 0) || order(a, b))
      .slice(0, SLOWEST),
    nothing: runs.filter(one => one.ci).flatMap(one => nothingIn(one.run, chosen)),
    decisions: chosen,
  }
}

/** From 0 to 1; 0 where nothing was decided. */
export const rateOf = (counts: Counts, decision: Made): number =>
  counts.total === 0 ? 0 : counts[decision] / counts.total

export const serviceOf = (entry: Entry): string => entry.service ?? '(none)'
const suiteOf = (entry: Entry): string => entry.suite ?? '(none)'
export const reasonOf = (entry: Entry): string =>
  entry.reason ?? (entry.decision === 'real' ? 'ready' : 'unconfigured')

const KEYS = { service: serviceOf, suite: suiteOf, reason: reasonOf }

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const order = (a: Entry, b: Entry): number =>
  compare(a.at, b.at) || compare(a.id ?? '', b.id ?? '') || compare(JSON.stringify(a), JSON.stringify(b))

/**
 * Decisions in the order of time. Of one that was made again below the same first process the last: CI's number is shared
 * by shards and jobs, of which each counts. One of `holdfast test` for all of its command is not told where suites below it
 * have their own about the same target.
 */
function last(entries: readonly Entry[]): Entry[] {
  const latest = new Map<string, Entry>()
  const ofSuites = new Set<string>()
  for (const one of entries.filter(entry => entry.kind === 'decision').sort(order)) {
    latest.set(JSON.stringify([aboutOf(one), one.suite, one.test]), one)
    if (one.root && !one.scope) ofSuites.add(aboutOf(one))
  }
  return [...latest.values()].filter(one => !one.scope || !ofSuites.has(aboutOf(one))).sort(order)
}

const aboutOf = ({ run, root, host, pid, service, target }: Entry): string =>
  JSON.stringify([run, root ?? [host, pid], service, target])

export function countsOf(decisions: readonly Entry[]): Counts {
  const counts = { total: decisions.length, real: 0, 'stand-in': 0, skip: 0, fail: 0 }
  for (const { decision } of decisions) if (decision) counts[decision]++
  return counts
}

function grouped(decisions: readonly Entry[], key: (entry: Entry) => string): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>()
  for (const one of decisions) {
    const group = groups.get(key(one))
    if (group) group.push(one)
    else groups.set(key(one), [one])
  }
  return groups
}

/** Those with the least real decisions first. */
const groupsOf = (decisions: readonly Entry[], key: (entry: Entry) => string): Group[] =>
  [...grouped(decisions, key)]
    .map(([name, its]) => ({ name, counts: countsOf(its) }))
    .sort(
      (a, b) =>
        rateOf(a.counts, 'real') - rateOf(b.counts, 'real') ||
        b.counts.total - a.counts.total ||
        compare(a.name, b.name),
    )

function runsOf(decisions: readonly Entry[]): Run[] {
  const runs = [...grouped(decisions, one => one.run)].map(([run, its]): Run => {
    const commit = its.findLast(one => one.commit)?.commit
    return {
      run,
      from: its[0]?.at ?? '',
      to: its.at(-1)?.at ?? '',
      ci: its.some(one => one.ci),
      ...(commit ? { commit } : {}),
      counts: countsOf(its),
    }
  })
  return runs.sort((a, b) => compare(a.to, b.to) || compare(a.run, b.run))
}

function causesOf(decisions: readonly Entry[]): Cause[] {
  const others = decisions.filter(one => one.decision !== 'real')
  return [...grouped(others, one => `${one.decision} ${reasonOf(one)}`).values()]
    .flatMap((its): Cause[] => {
      const one = its.at(-1)
      if (!one?.decision) return []
      const services = [...new Set(its.map(serviceOf))].sort(compare)
      const message = its.findLast(entry => entry.message)?.message
      const cause = { reason: reasonOf(one), decision: one.decision, count: its.length, services }
      return [message ? { ...cause, message } : cause]
    })
    .sort((a, b) => b.count - a.count || compare(a.decision, b.decision) || compare(a.reason, b.reason))
}

const rungsOf = (decisions: readonly Entry[]): Report['rungs'] =>
  [
    ...grouped(
      decisions.filter(one => one.decision === 'stand-in'),
      one => `${serviceOf(one)} ${one.with}`,
    ).values(),
  ]
    .flatMap(its => {
      const [one] = its
      return one ? [{ with: one.with ?? '(unknown)', service: serviceOf(one), count: its.length }] : []
    })
    .sort((a, b) => b.count - a.count || compare(a.with, b.with) || compare(a.service, b.service))

function nothingIn(run: string, decisions: readonly Entry[]): Nothing[] {
  const its = decisions.filter(one => one.run === run)
  return [...grouped(its, serviceOf)].flatMap(([service, all]) => {
    if (all.some(one => one.decision !== 'skip')) return []
    const [reason] = causesOf(all)
    return [{ run, service, suites: new Set(all.map(suiteOf)).size, reason: reason?.reason ?? 'unknown' }]
  })
}

/** One point of a trend: a run, or a day where there are more than `most` runs. */
export interface Point {
  readonly name: string
  readonly counts: Counts
}

/** The last `most` runs or days, the oldest first. */
export function trendOf(all: readonly Run[], most = 40): { of: 'run' | 'day'; points: readonly Point[] } {
  if (all.length <= most) return { of: 'run', points: all.map(({ run, counts }) => ({ name: run, counts })) }
  const days = new Map<string, Counts>()
  for (const { to, counts } of all) {
    const day = to.slice(0, 10)
    days.set(day, sum(days.get(day), counts))
  }
  return { of: 'day', points: [...days].map(([name, counts]) => ({ name, counts })).slice(-most) }
}

const sum = (a: Counts | undefined, b: Counts): Counts =>
  a
    ? {
        total: a.total + b.total,
        real: a.real + b.real,
        'stand-in': a['stand-in'] + b['stand-in'],
        skip: a.skip + b.skip,
        fail: a.fail + b.fail,
      }
    : b
