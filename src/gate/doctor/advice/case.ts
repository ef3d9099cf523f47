import type { Health } from '../../../core/service.js'
import type { Target } from '../../../core/target.js'
import type { NotReady, Verdict } from '../../../core/verdict.js'
import type { Around } from '../around.js'
import type { ExaminationName } from '../checkup.js'
import type { Subject } from '../subject.js'

/** All that advice is made of. */
export interface Case {
  readonly subject: Subject
  readonly verdict: NotReady
  readonly by: ExaminationName
  readonly facts: Health['facts']
  /** A later connection worked. */
  readonly recovered: boolean
  readonly around: Around
  /** One more attempt, at the same place by other settings. */
  readonly again: (target: Target) => Promise<Verdict>
  /** How many sessions the program may hold. */
  readonly pool?: number
  readonly migrate?: string
}

/** What is known better than by the table; the message only where it says more than the server's. */
export interface Advice {
  readonly message?: string
  readonly advice?: string
  readonly fix?: string
}

export type Adviser = (of: Case) => Promise<Advice | undefined> | Advice | undefined
