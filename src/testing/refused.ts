import { HoldfastError } from '../core/errors.js'
import type { Provided } from './provided.js'

/** A suite, or a whole run, that cannot begin: what is broken, with the advice, and the status of `holdfast test`. */
export class Refused extends HoldfastError {
  readonly #status: number | undefined

  constructor(failed: readonly Provided[]) {
    super('verdict', failed.map(one => `${one.name}: ${one.message}`).join('\n'))
    this.#status = failed[0]?.exitStatus
  }

  override get exitStatus(): number {
    return this.#status ?? super.exitStatus
  }
}

/** What of it says that the suite must fail; undefined where nothing does. */
export function refusalIn(provided: readonly Provided[]): Refused | undefined {
  const failed = provided.filter(one => one.decision === 'fail')
  return failed.length > 0 ? new Refused(failed) : undefined
}

/**
 * For runners, which print a stack and all properties of what they catch: the message alone, with the advice in it. A defect
 * stays as it is.
 */
export function plain(error: unknown): unknown {
  if (!HoldfastError.is(error) || error.kind === 'defect') return error
  const bare = new Error(error.message)
  bare.stack = error.message
  return bare
}

/** Calls it; what it throws is plain. */
export function plainly<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw plain(error)
  }
}
