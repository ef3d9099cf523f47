import { type ReasonId, reasonOf } from './reasons.js'

/** The steps of reaching a service, outermost first. */
export const LAYERS = [
  'config',
  'dns',
  'tcp',
  'tls',
  'handshake',
  'auth',
  'query',
  'write',
  'schema',
] as const
export type Layer = (typeof LAYERS)[number]

/** One layer of one attempt. A probe that is cut off leaves the step that hung as `running`. */
export interface Step {
  readonly layer: Layer
  /** The address this step went to, where there are several. */
  readonly address?: string
  readonly ms: number
  readonly state: 'ok' | 'failed' | 'running'
  readonly code?: string
  readonly detail?: string
}

/** Why, in the words of the table. */
export interface Finding {
  readonly reason: ReasonId
  /** SQLSTATE, Redis prefix, errno or Node code. */
  readonly code?: string
  readonly message: string
  /** Sharper advice than the table's, where the cause is known better. */
  readonly advice?: string
  /** True where only the wording of a message gave the reason. */
  readonly byText?: boolean
}

/** What is known of the server that answered. */
export interface Server {
  readonly product: string
  readonly version?: string
  /** Changes whenever the server started anew, also after crash recovery. */
  readonly incarnation?: string
  /** Milliseconds since this incarnation began, by the server's clock. */
  readonly ageMs?: number
  /** Milliseconds for which it has certainly served, where `ageMs` counts its start-up, too. */
  readonly servingMs?: number
  /** A pooler in between, which hides the server's restarts. */
  readonly via?: string
}

interface Evidence {
  /** The target's name. */
  readonly target: string
  readonly steps: readonly Step[]
  /** True when any byte came from the other side. */
  readonly heard: boolean
}

export interface Ready extends Evidence {
  readonly ready: true
  readonly server: Server
}

export interface NotReady extends Evidence {
  readonly ready: false
  /** The layer that failed, or that hung at the deadline. */
  readonly layer: Layer
  readonly finding: Finding
  readonly server?: Server
}

/** What one probe concluded. Plain data, serialisable, never with a secret. */
export type Verdict = Ready | NotReady

export const adviceOf = (finding: Finding): string => finding.advice ?? reasonOf(finding.reason).next

/**
 * May a test suite descend to a stand-in? Only when the service is absent. A reply of any kind means that
 * it is present, with one exception: a server that kept starting until the wait was used up.
 */
export function mayDescend(verdict: Verdict, waited: boolean): boolean {
  if (verdict.ready) return false
  const { absent } = reasonOf(verdict.finding.reason)
  if (absent === 'after-wait') return waited
  return absent !== 'no' && !verdict.heard
}
