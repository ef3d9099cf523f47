import { readFileSync } from 'node:fs'
import type { Phase } from '../../src/core/rules.js'
import { type ClassifyOptions, classify } from '../../src/services/classify.js'

/** An error within a recorded one. */
export interface Recorded {
  readonly name?: string | null
  readonly ctor?: string | null
  readonly code?: string | number | null
  readonly errno?: string | number | null
  readonly sqlstate?: string | null
  readonly severity?: string | null
  readonly syscall?: string | null
  readonly message?: string | null
  readonly cause?: Recorded | null
  readonly aggregate?: readonly Recorded[] | null
  readonly labels?: readonly string[] | null
  readonly extra?: Readonly<Record<string, unknown>> | null
}

/** One line of fixtures/faults.ndjson: what a driver showed of a fault, and the reason that the fault asks for. */
export interface Fault extends Recorded {
  readonly driver: string
  readonly fault: string
  readonly phase: string
  readonly variant?: string
  readonly expected?: readonly string[]
}

export interface Miss {
  /** Line of the file, from 1. */
  readonly row: number
  readonly fault: Fault
  readonly got: string
}

export interface Score {
  readonly rows: number
  readonly scored: number
  readonly drivers: ReadonlyMap<string, { rows: number; without: number; with: number }>
  readonly without: readonly Miss[]
  readonly with: readonly Miss[]
}

export const readFaults = (file: string | URL): Fault[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Fault)

/** The error as the driver threw it, as far as it was recorded. */
export function rebuild(recorded: Recorded): Error {
  const { name, ctor, message, cause, aggregate, labels, extra, code, errno, sqlstate, severity, syscall } =
    recorded
  const error = new Error(message ?? '', cause ? { cause: rebuild(cause) } : undefined)
  const kind = ctor ?? name ?? 'Error'
  Object.defineProperty(error, 'constructor', { value: { [kind]: class extends Error {} }[kind] })
  const own = { name, code, errno, severity, syscall, sqlState: sqlstate, errorLabels: labels, ...extra }
  for (const [key, value] of Object.entries(own))
    if (value !== undefined && value !== null) set(error, key, value)
  if (aggregate) set(error, 'errors', aggregate.map(rebuild))
  return error
}

const set = (error: Error, key: string, value: unknown) =>
  Object.defineProperty(error, key, { value, enumerable: true, configurable: true })

/** The phases of the file in the words of `classify`. `while:` marks what came as an event meanwhile. */
export function phaseOf(recorded: string): Phase {
  const phase = recorded.replace(/^while:/, '')
  if (phase === 'connect' || phase === 'acquire' || phase === 'idle' || phase === 'commit') return phase
  return phase === 'release' || phase === 'end-twice' ? 'idle' : 'statement'
}

/**
 * What makes two recorded errors the same: everything that a rule may look at, without what differs from run to
 * run (numbers, addresses, quoted names, OpenSSL's thread, the statement).
 */
export const identityOf = ({ driver, ...error }: Fault): string => JSON.stringify([driver, identity(error)])

function identity(error: Recorded): unknown {
  const { name, ctor, code, errno, sqlstate, severity, syscall, message, cause, aggregate, labels, extra } =
    error
  return [
    [name, ctor, code, errno, sqlstate, severity, syscall, labels],
    normal(message ?? ''),
    cause && identity(cause),
    aggregate?.map(identity),
    normal(JSON.stringify(extra ?? null)),
  ]
}

const normal = (text: string): string =>
  text
    .replace(/\nsql: [\s\S]*/, '')
    .replace(/[0-9A-F]{8,16}(?=:error:)/g, 'T')
    .replace(/\\?"[^"\\]*\\?"|'[^']*'/g, 'Q')
    .replace(/::1\b/g, '0')
    .replace(/\d+(\.\d+)*/g, '0')

/** Scored are the rows with a label whose error never carries a disjoint one: there only an earlier event can tell. */
export function score(faults: readonly Fault[]): Score {
  const labels = new Map<string, (readonly string[])[]>()
  for (const fault of faults) {
    const key = identityOf(fault)
    if (fault.expected) labels.set(key, [...(labels.get(key) ?? []), fault.expected])
  }
  const clear = (fault: Fault) =>
    labels.get(identityOf(fault))?.every(other => other.some(one => fault.expected?.includes(one))) === true
  const scored = faults
    .map((fault, i) => ({ fault, row: i + 1 }))
    .filter(({ fault }) => fault.expected && clear(fault))

  const drivers = new Map<string, { rows: number; without: number; with: number }>()
  const misses = { without: [] as Miss[], with: [] as Miss[] }
  for (const { fault, row } of scored) {
    const { driver } = fault
    const tally = drivers.get(driver) ?? { rows: 0, without: 0, with: 0 }
    drivers.set(driver, tally)
    tally.rows++
    for (const mode of ['without', 'with'] as const) {
      const options = { driver, ...(mode === 'with' ? { phase: phaseOf(fault.phase) } : {}) }
      const got = classify(rebuild(fault), options as ClassifyOptions).reason
      if (fault.expected?.includes(got)) tally[mode]++
      else misses[mode].push({ row, fault, got })
    }
  }
  return { rows: faults.length, scored: scored.length, drivers, ...misses }
}
