import type { ReasonId } from '../core/reasons.js'

/** One service that a suite needs, and what it gets. */
export interface Provided {
  /** The target's name. */
  readonly name: string
  readonly service: string
  /** `fail`: it is there and broken, or absent where nothing may take its place. */
  readonly decision: 'real' | 'stand-in' | 'skip' | 'fail'
  /** The rung of a stand-in: `system-postgres`. */
  readonly with?: string
  /** Why it is not the real one; none where no address is configured. */
  readonly reason?: ReasonId
  /** A sentence for people without a secret; on fail with what to do. */
  readonly message: string
  /** Its address with the password; none on skip and fail. */
  readonly url?: string
  /** What the environment gets for it; undefined: the variable is unset. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** On fail: as `holdfast test` would end. */
  readonly exitStatus?: number
}
