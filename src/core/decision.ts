import type { ReasonId } from './reasons.js'

/** What was done about a service that tests need. */
export interface Decision {
  readonly service: string
  /** The target's name. */
  readonly target: string
  /** `fail`: it is there and broken, or absent where nothing may take its place. */
  readonly decision: 'real' | 'stand-in' | 'skip' | 'fail'
  /** The rung of a stand-in: `system-postgres`. */
  readonly with?: string
  /** Why it is not the real one; none where no address is configured. */
  readonly reason?: ReasonId
  /** A sentence for people, without a secret. */
  readonly message?: string
  /** The rungs before the chosen one, each with its reason. */
  readonly passedOver?: readonly { readonly with: string; readonly why: string }[]
}
