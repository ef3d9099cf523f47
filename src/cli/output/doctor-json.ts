import type { Checkup } from '../../gate/doctor/checkup.js'
import type { Outcome } from '../../gate/outcome.js'
import { ends } from '../../gate/policy.js'
import type { DoctorEnding } from './doctor-ending.js'
import { documentOf, targetOf } from './json.js'

/** The document of `doctor --json`, by schema/output.schema.json. */
export const checkupDocument = ({ checkups, exitStatus, durationMs }: DoctorEnding): object => ({
  ...documentOf({ verb: 'doctor', ok: exitStatus === 0, exitStatus, durationMs, outcomes: [] }),
  targets: checkups.map(checkupOf),
})

const checkupOf = (checkup: Checkup): object => ({
  ...targetOf(outcomeOf(checkup)),
  examinations: checkup.examinations,
  facts: checkup.facts,
  concerns: checkup.concerns,
  ...(checkup.fault?.fix ? { fix: checkup.fault.fix } : {}),
})

/** As a wait would tell it. */
export const outcomeOf = ({ target, verdict, tries, readyAfterMs }: Checkup): Outcome => ({
  target,
  state: verdict.ready ? 'ready' : ends(verdict, 0) ? 'broken' : 'waiting',
  verdict,
  attempts: tries,
  readyAfterMs,
})
