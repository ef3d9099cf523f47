import type { Config } from '../config/config.js'
import type { Concern } from '../core/concern.js'
import type { Target } from '../core/target.js'
import type { Env, Source } from '../gate/variables.js'
import type { Machine } from './machine.js'

/** A target that a verb would use, and where it is set. */
export interface CheckedTarget {
  readonly target: Target
  /** The program's pool, by the configuration. */
  readonly pool?: { readonly max: number; readonly processes?: number | undefined } | undefined
  /** The environment's variables that name it. */
  readonly sources: readonly Source[]
  /** Where its address is set: `env:DATABASE_URL`, `holdfast.config.yaml:3:9`, `argument`. */
  readonly where: string
}

/** What was already found wrong while the rest was read, under the id of its rule. */
export type Problem = Pick<Concern, 'id' | 'level' | 'message' | 'target'> & {
  readonly where?: string | undefined
}

/** What there is to check, all of it read without a connection. */
export interface Checked {
  readonly env: Env
  /** The part of the configuration that is valid; empty where there is none. */
  readonly config: Config
  /** The configuration's path, as it may be printed. */
  readonly file?: string | undefined
  readonly targets: readonly CheckedTarget[]
  /** What each variable, or family of variables, of the environment names, whether it is used or not. */
  readonly found: readonly CheckedTarget[]
  readonly problems: readonly Problem[]
  /** Where a key of the configuration stands: `holdfast.config.yaml:3:5`, `holdfast.config.ts: targets.db`. */
  readonly placeOf: (...path: readonly string[]) => string
  readonly machine: Machine
}
