import type { Env } from '../gate/variables.js'

/** How a suite asks for services. */
export interface Asking {
  /** Capabilities that a stand-in must have, besides those of the configuration: `concurrency`, `redis.streams`. */
  readonly needs?: readonly string[]
  /** The file of the tests, for the journal. */
  readonly suite?: string
  readonly test?: string
  /** Where the project is. Default: the working directory. */
  readonly cwd?: string
  /** Default: the process environment. */
  readonly env?: Env
  readonly signal?: AbortSignal
  /** Default: HOLDFAST_CONFIG, else the nearest holdfast.config from `cwd` upward. */
  readonly configFile?: string
}
