import type { Target } from '../../core/target.js'
import type { DoctorOptions, Examination, ExaminationName } from './checkup.js'
import type { Cleaner } from './clean.js'
import type { Seen } from './examinations.js'

/** The examinations of one target, as they are made. */
export class Examinations {
  readonly examinations: Examination[] = []

  constructor(
    readonly target: Target,
    readonly clean: Cleaner,
    readonly onExamination: DoctorOptions['onExamination'],
  ) {}

  note(examination: ExaminationName, { ok, message }: Seen, ms: number): void {
    this.#add({ examination, state: ok ? 'passed' : 'failed', ms: Math.round(ms * 10) / 10, message })
  }

  skip(examination: ExaminationName, why: string): undefined {
    this.#add({ examination, state: 'skipped', ms: 0, message: why })
  }

  passed(name: ExaminationName): boolean {
    return this.examinations.some(({ examination, state }) => examination === name && state === 'passed')
  }

  #add(examination: Examination): void {
    const clean = { ...examination, message: this.clean.line(examination.message) }
    this.examinations.push(clean)
    this.onExamination?.(this.target, clean)
  }
}
