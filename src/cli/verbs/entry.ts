import type { Call, Verb } from '../call.js'
import type { VerbText } from '../texts.js'

/** All that the command line knows of a verb. */
export interface VerbEntry {
  readonly verb: Verb
  readonly text: VerbText
  /** Runs it and resolves with the exit status. What it needs is imported when it is called. */
  readonly run: (call: Call) => Promise<number>
}
