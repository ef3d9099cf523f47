import { type ReasonId, reasonOf } from './reasons.js'
import { adviceOf, type NotReady } from './verdict.js'

const BRAND = Symbol.for('holdfast.error')

/** Why holdfast itself gives up: each kind has one exit status. */
export type ErrorKind = 'usage' | 'config' | 'verdict' | 'defect'

/** The exit statuses of sysexits.h that holdfast uses. */
export const EXIT = {
  ok: 0,
  findings: 1,
  usage: 64,
  schema: 65,
  unavailable: 69,
  defect: 70,
  config: 78,
  notExecutable: 126,
  notFound: 127,
  interrupted: 130,
} as const

const STATUS: Record<ErrorKind, number> = {
  usage: EXIT.usage,
  config: EXIT.config,
  verdict: EXIT.unavailable,
  defect: EXIT.defect,
}

/** An error whose message tells the reader what to do next. Carries the verdict where a probe caused it. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError'
  readonly [BRAND] = true
  readonly kind: ErrorKind
  readonly verdict?: NotReady

  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; verdict?: NotReady } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.kind = kind
    if (options.verdict) this.verdict = options.verdict
  }

  get exitStatus(): number {
    if (this.verdict) return statusOfReason(this.verdict.finding.reason)
    return STATUS[this.kind]
  }

  static fromVerdict(verdict: NotReady): HoldfastError {
    const { reason, message } = verdict.finding
    return new HoldfastError(
      'verdict',
      `${verdict.target}: ${reason} at ${verdict.layer}: ${message} ${adviceOf(verdict.finding)}`,
      { verdict },
    )
  }

  /** True for this class also across copies of the package and realms. */
  static is(error: unknown): error is HoldfastError {
    return typeof error === 'object' && error !== null && BRAND in error
  }
}

/** What will not heal by itself is 78, a schema 65, all else 69. */
export function statusOfReason(reason: ReasonId): number {
  if (reason === 'schema-missing') return EXIT.schema
  return reasonOf(reason).heals === 'never' || reason === 'database-not-found'
    ? EXIT.config
    : EXIT.unavailable
}

export const usage = (message: string): HoldfastError => new HoldfastError('usage', message)

/** The nearest of the known words, for "did you mean", or undefined when none is near. */
export function nearest(
  word: string,
  known: readonly string[],
  most = Math.max(2, Math.floor(word.length / 3)),
): string | undefined {
  let best: string | undefined
  let least = most + 1
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitute, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
