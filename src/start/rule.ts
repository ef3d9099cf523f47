import type { Level } from '../core/concern.js'
import type { FileFacts } from './machine.js'
import type { Checked } from './subject.js'

/** What a rule found; its id, and what is left out, are the rule's. */
export interface Flaw {
  readonly level?: Level | undefined
  readonly message: string
  readonly advice?: string | undefined
  readonly fix?: string | undefined
  readonly target?: string | undefined
  readonly where?: string | undefined
}

/** A small world: shown by `--explain`, and the rule's own test. */
export interface Example {
  readonly env?: Readonly<Record<string, string>>
  /** The text of a `holdfast.config.yaml`. */
  readonly config?: string
  /** Files that are there, with their permissions. */
  readonly files?: Readonly<Record<string, Partial<FileFacts> & { readonly text?: string }>>
  /** Programs on PATH. */
  readonly programs?: readonly string[]
  readonly container?: boolean
}

export interface Rule {
  /** Stable: users silence it by this name. */
  readonly id: string
  /** `config` is always checked, `deploy` with `--deploy` and before COMMAND is started by `run`. */
  readonly stage: 'config' | 'deploy'
  /** The level that it usually has; the highest one where it depends. */
  readonly level: Level
  /** What is wrong, as half a sentence. */
  readonly title: string
  /** Why it matters, and where its level depends on something, on what. */
  readonly why: string
  readonly advice: string
  readonly bad: Example
  readonly good: Example
  readonly check: (subject: Checked) => Iterable<Flaw>
}
