import { plain, redactAddress } from '../core/redact.js'

/** One record of the journal: what happened, where, when. Plain data without a secret. docs/journal.md has the contract. */
export interface Entry {
  /** The version of this shape. */
  readonly v: 1
  /** Unique: the same record in two copies of a journal counts once. The journal gives one to an entry without. */
  readonly id?: string
  /** RFC 3339 with milliseconds, UTC. */
  readonly at: string
  /** What it tells of. More kinds may come; a reader passes over those that it does not know. */
  readonly kind: 'decision' | 'run'
  /** The run that it belongs to: CI's own number, else one made from its first process. */
  readonly run: string
  readonly ci: boolean
  readonly host: string
  readonly pid: number
  /**
   * A digest of the run's first process, its machine and its CI job: shards, jobs of a matrix and packages that share
   * `run` differ in it. None in records of before there was one.
   */
  readonly root?: string
  readonly commit?: string
  /** The worker of a test runner. */
  readonly worker?: string
  /** `command` for a decision of `holdfast test` for all of its command; none for one of a suite below it. */
  readonly scope?: 'command'
  /** The file of a test, relative to the repository or project; for `holdfast test` the command without its secrets. */
  readonly suite?: string
  readonly test?: string
  readonly service?: string
  readonly target?: string
  readonly decision?: 'real' | 'stand-in' | 'skip' | 'fail'
  /** The rung of a stand-in. */
  readonly with?: string
  /** An entry of core/reasons.ts. */
  readonly reason?: string
  readonly message?: string
  /** Milliseconds: of the decision, or of the run. */
  readonly durationMs?: number
  /** Of a run. */
  readonly exitStatus?: number
}

export const DECISIONS = ['real', 'stand-in', 'skip', 'fail'] as const

const KINDS: readonly unknown[] = ['decision', 'run'] satisfies Entry['kind'][]

/** The most characters of each text; with them a record has at most 10 kB in UTF-8. */
const TEXTS = {
  id: 80,
  run: 120,
  host: 120,
  root: 40,
  commit: 80,
  worker: 40,
  suite: 400,
  test: 400,
  service: 80,
  target: 80,
  with: 80,
  reason: 80,
  message: 500,
} as const

/**
 * A record as it is kept and shown: its known fields, texts cut and without control characters, addresses in them without
 * secrets. `other` for one of a kind that is not known here, undefined for what is no record.
 */
export function entryOf(value: unknown): Entry | 'other' | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const raw = value as Record<string, unknown>
  const at = typeof raw.at === 'string' ? Date.parse(raw.at) : Number.NaN
  if (raw.v !== 1 || Number.isNaN(at) || typeof raw.kind !== 'string') return undefined
  if (!KINDS.includes(raw.kind)) return 'other'
  if (raw.kind === 'decision' && !(DECISIONS as readonly unknown[]).includes(raw.decision)) return undefined
  if (typeof raw.run !== 'string' || raw.run === '') return undefined
  const record: Record<string, unknown> = {
    v: 1,
    at: new Date(at).toISOString(),
    kind: raw.kind,
    ci: raw.ci === true,
    host: '',
    pid: whole(raw.pid) ?? 0,
  }
  for (const [key, most] of Object.entries(TEXTS)) {
    const text = raw[key]
    if (typeof text === 'string' && text !== '') record[key] = shown(text, most)
  }
  if ((DECISIONS as readonly unknown[]).includes(raw.decision)) record.decision = raw.decision
  if (raw.scope === 'command') record.scope = raw.scope
  if (typeof raw.durationMs === 'number' && raw.durationMs >= 0 && raw.durationMs < 1e12)
    record.durationMs = Math.round(raw.durationMs * 10) / 10
  const exitStatus = whole(raw.exitStatus)
  if (exitStatus !== undefined) record.exitStatus = exitStatus
  return record as unknown as Entry
}

const whole = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) ? (value as number) : undefined

/** One line; half a surrogate pair, which neither UTF-8 nor jsonb has, is left out. */
const shown = (text: string, most: number): string =>
  plain(hidden(beginning(text)), most).replace(/\p{Cs}/gu, '')

/** As much as is looked at; a word that is cut may be half of an address. */
const beginning = (text: string): string =>
  text.length <= LONGEST ? text : text.slice(0, LONGEST).replace(/\S*$/, '…')
const LONGEST = 2000

/** The second line of defence: whoever writes an entry has left out the secrets that it knows. */
const hidden = (text: string): string =>
  text
    .replace(/[a-z][a-z0-9+.-]{0,30}:\/\/\S+/gi, redactAddress)
    .replace(/((?:passw(?:or)?d|pwd|secret|token)\w*\s*=\s*)('(?:\\.|[^'\\])*'?|"[^"]*"?|\S+)/gi, '$1***')
