/** One record of the journal: what happened, where, when. Plain data without a secret. */
export interface Entry {
  /** The version of this shape. */
  readonly v: 1
  /** RFC 3339 with milliseconds, UTC. */
  readonly at: string
  /** What it tells of. More kinds may come; a reader passes over those that it does not know. */
  readonly kind: 'decision' | 'run'
  /** The run that it belongs to: CI's own number, else one made from its first process. */
  readonly run: string
  readonly ci: boolean
  readonly host: string
  readonly pid: number
  readonly commit?: string
  /** The worker of a test runner. */
  readonly worker?: string
  /** The file of a test, relative to the project; for `holdfast test` the command without its secrets. */
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
