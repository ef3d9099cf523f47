import { hostname } from 'node:os'
import { isDead, type Owner, ownerFrom, thisProcess } from '../io/owner.js'

/** Our record on a database or schema, as JSON in its comment: who made it, when, and what for. */
export interface OwnerRecord {
  readonly holdfast: 1
  readonly kind: 'template' | 'clone' | 'schema'
  /** What it is on: a database that was renamed since, or restored under another name, is somebody's own. */
  readonly name: string
  readonly owner: Owner
  readonly host: string
  /** One manager of one process. */
  readonly run: string
  /** Milliseconds since 1970, as all times here. */
  readonly madeAt: number
  /** A template's: copied only when it is finished, and swept when it has not been used for long. */
  readonly finished?: boolean
  readonly usedAt?: number
  /** What the template's content goes by. */
  readonly hash?: string
  /** True for a template that no later run knows to be what it needs: it goes with its maker. */
  readonly ofRun?: boolean
  /** Set where it stays for people to look at. */
  readonly kept?: { readonly at: number; readonly suite?: string; readonly test?: string }
}

const DAY_MS = 86_400_000

/** How long an owner of whom nothing can be learnt here (another machine, another container) counts as alive. */
export const FOREIGN_MS = DAY_MS

/** How long a finished template stays unused, and a kept database stays. */
export const CACHED_MS = 7 * DAY_MS

export const newRecord = (kind: OwnerRecord['kind'], run: string, name: string): OwnerRecord => ({
  holdfast: 1,
  ...{ kind, name },
  owner: thisProcess(),
  host: hostname(),
  run,
  madeAt: Date.now(),
})

/** The record in the comment of what is called so; undefined where that is not ours. */
export function readRecord(comment: string | null | undefined, name: string): OwnerRecord | undefined {
  if (!comment?.startsWith('{"holdfast":1,')) return undefined
  try {
    const record = JSON.parse(comment) as OwnerRecord
    const { kind, host, run, madeAt } = record
    const known = kind === 'template' || kind === 'clone' || kind === 'schema'
    const valid = known && typeof host === 'string' && typeof run === 'string' && Number.isFinite(madeAt)
    return valid && record.name === name && ownerFrom(record.owner) ? record : undefined
  } catch {
    return undefined
  }
}

/** Is its maker certainly, or after so long a time, gone? Process ids mean something on their own machine only. */
export function isAbandoned({ owner, host, madeAt }: OwnerRecord, now = Date.now()): boolean {
  const us = thisProcess()
  const here = host === hostname() && owner.namespace === us.namespace && owner.boot === us.boot
  return here ? isDead(owner) : now - madeAt > FOREIGN_MS
}

/** May it be dropped by anybody who finds it? Whether a template is in use right now its lock tells. */
export function isLeftover(record: OwnerRecord, now = Date.now()): boolean {
  if (record.kept) return now - record.kept.at > CACHED_MS
  if (record.finished && !record.ofRun) return now - (record.usedAt ?? record.madeAt) > CACHED_MS
  return isAbandoned(record, now)
}
