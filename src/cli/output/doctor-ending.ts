import type { Checkup } from '../../gate/doctor/checkup.js'

/** What became of one run of doctor. */
export interface DoctorEnding {
  readonly checkups: readonly Checkup[]
  readonly exitStatus: number
  readonly durationMs: number
}
