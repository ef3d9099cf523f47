import type { Concern } from '../../../core/concern.js'

/** What some drivers see otherwise. */
export interface Difference extends Concern {
  /** The names of their packages; without them it is certain that the program uses such a driver. */
  readonly drivers?: readonly string[]
}

/** Worth its level where the program uses such a driver; else something to know. */
export function weighed({ drivers, ...concern }: Difference, dependencies: ReadonlySet<string>): Concern {
  return !drivers || drivers.some(name => dependencies.has(name)) ? concern : { ...concern, level: 'info' }
}
