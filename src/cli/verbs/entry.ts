import type { Call, Verb } from '../call.js'
import type { VerbText } from '../texts.js'

/** All that the command line knows of a verb. */
export interface VerbEntry {
  readonly verb: Verb
  readonly text: VerbText
  /** Runs it and resolves with the exit status; `all` are the verbs that there are. Imports what it needs when it is called. */
  readonly run: (call: Call, all: readonly Verb[]) => Promise<number>
}
