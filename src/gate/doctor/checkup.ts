import type { Concern } from '../../core/concern.js'
import { EXIT, statusOfReason } from '../../core/errors.js'
import type { ReasonId } from '../../core/reasons.js'
import type { Expectation, Health, Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Layer, Verdict } from '../../core/verdict.js'
import type { Clock } from '../../io/clock.js'
import type { Resolve } from '../../io/resolve.js'
import type { Env, Source } from '../variables.js'
import type { Around } from './around.js'
import type { Look, Subject } from './subject.js'

/** In the order in which they are made; each needs the ones before it. */
export const EXAMINATIONS = ['basic', 'retry', 'concurrent', 'health', 'schema'] as const
export type ExaminationName = (typeof EXAMINATIONS)[number]

export interface Examination {
  readonly examination: ExaminationName
  readonly state: 'passed' | 'failed' | 'skipped'
  readonly ms: number
  /** One line: what was seen, what failed, or why it was skipped. */
  readonly message: string
}

/** What keeps a target from working, and what puts that right. */
export interface Fault {
  /** The examination that found it. */
  readonly by: ExaminationName
  readonly reason: ReasonId
  readonly layer: Layer
  readonly code?: string
  readonly message: string
  readonly advice: string
  /** Lines to be pasted: a command, a statement, a line of a file. */
  readonly fix?: string
}

/** What doctor found out about one target. Plain data, without a secret. */
export interface Checkup {
  readonly target: Target
  /** The first probe's, or that of the first examination that failed. */
  readonly verdict: Verdict
  readonly tries: number
  /** When the first session was there, in milliseconds; null where there was none. */
  readonly readyAfterMs: number | null
  readonly examinations: readonly Examination[]
  readonly facts: Health['facts']
  readonly concerns: readonly Concern[]
  readonly fault?: Fault
}

/** What is examined. */
export interface Patient {
  readonly target: Target
  readonly service: Service
  readonly sources: readonly Source[]
  /** How deep a probe goes. Only `write` writes: a temporary table or key, taken back. */
  readonly until: 'tcp' | 'auth' | 'query' | 'write'
  readonly expect?: Expectation
  /** Statements that must each return a row whose first value is not false. */
  readonly queries?: readonly string[]
  readonly pool?: NonNullable<Subject['pool']>
}

export interface DoctorOptions {
  /** For everything together, in milliseconds. Default 30000. */
  readonly timeoutMs?: number
  /** For one attempt, and for each question to a session, in milliseconds. Default 4000. */
  readonly attemptTimeoutMs?: number
  /** Simultaneous connections. Default 20. */
  readonly connections?: number
  /** How many of them must answer, in percent. Default 80. */
  readonly threshold?: number
  /** The command that brings the schema up to date. */
  readonly migrate?: string
  readonly env?: Env
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly resolve?: Resolve
  /** What is learnt beside the examinations. */
  readonly looks?: readonly Look[]
  /** What is known of this machine, for advice. */
  readonly around?: Around
  /** Hears of each examination when it ends. */
  readonly onExamination?: (target: Target, examination: Examination) => void
}

/**
 * 0 for a sound target, 1 where only concerns of level error were found; a fault that does not heal is 78, a schema 65,
 * all else 69. Connections that find no room are 69 whatever refused them.
 */
export function statusOfCheckup({ fault, concerns }: Checkup): number {
  if (fault) return fault.by === 'concurrent' ? EXIT.unavailable : statusOfReason(fault.reason)
  return concerns.some(({ level, silenced }) => level === 'error' && silenced === undefined)
    ? EXIT.findings
    : EXIT.ok
}

/** The first failing target decides; findings count where no target failed. */
export function statusOfCheckups(checkups: readonly Checkup[]): number {
  const all = checkups.map(statusOfCheckup)
  return all.find(status => status > EXIT.findings) ?? all.find(status => status !== EXIT.ok) ?? EXIT.ok
}
