import type { Health, Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Verdict } from '../../core/verdict.js'
import type { Env, Source } from '../variables.js'

/** One target under examination, after its first probe. */
export interface Subject {
  readonly target: Target
  readonly service: Service
  /** What the first probe concluded. */
  readonly verdict: Verdict
  /** The environment's variables that name it. */
  readonly sources: readonly Source[]
  /** The program's pool. */
  readonly pool?: { readonly max: number; readonly processes?: number | undefined }
  readonly env: Env
  readonly signal: AbortSignal
}

/** Something that can be learnt beside the probe, ready or not: read-only, bounded by the signal, never rejecting. */
export type Look = (subject: Subject) => Promise<Health>
