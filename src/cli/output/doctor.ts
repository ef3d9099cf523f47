import { isatty } from 'node:tty'
import { formatMs } from '../../core/options.js'
import type { Target } from '../../core/target.js'
import type { Examination } from '../../gate/doctor/checkup.js'
import { monotonic } from '../../io/clock.js'
import type { Values } from '../call.js'
import { type Format, formatOf, isDocument } from '../reporting.js'
import type { DoctorEnding } from './doctor-ending.js'
import { type Paint, paintFor } from './paint.js'

/** Where doctor's news goes: text for people to standard error, documents to standard output. */
export class DoctorReporting {
  readonly #begun = monotonic()
  #drawn = false

  /** @throws HoldfastError (usage) where the options for the output contradict each other or cannot be met. */
  static async of(
    values: Values,
    env: NodeJS.ProcessEnv,
    targets: readonly Target[],
  ): Promise<DoctorReporting> {
    const format = formatOf(values)
    const junit = values.text('junit')
    if (junit) (await import('./junit.js')).checkWritable(junit)
    return new DoctorReporting(values, env, targets, format, paintFor(env, isatty(2)))
  }

  private constructor(
    readonly values: Values,
    readonly env: NodeJS.ProcessEnv,
    readonly targets: readonly Target[],
    readonly format: Format,
    readonly paint: Paint,
  ) {}

  /** A line in a log; on a terminal one line that the next takes the place of. */
  examination(target: Target, examination: Examination): void {
    if (this.format === 'ndjson') {
      const elapsedMs = Math.round(monotonic() - this.#begun)
      this.#print({ event: 'examination', elapsedMs, target: target.name, ...examination })
    }
    if (isDocument(this.format) || this.values.flag('quiet')) return
    const { state, message } = examination
    const time = formatMs(monotonic() - this.#begun).padStart(8)
    const text = `holdfast: ${time}  ${target.name}  ${examination.examination} ${state}: ${message}`
    const live = isatty(2) && !this.env.CI && this.env.TERM !== 'dumb' && !this.values.flag('verbose')
    const shown = live ? text.slice(0, Math.max(20, (process.stderr.columns || 80) - 1)) : text
    const painted =
      state === 'passed' ? shown : state === 'failed' ? this.paint.bad(shown) : this.paint.dim(shown)
    if (live) this.#erase()
    process.stderr.write(`${painted}\n`)
    this.#drawn = live
  }

  #erase(): void {
    if (this.#drawn) process.stderr.write('\u001b[1A\u001b[0J')
    this.#drawn = false
  }

  async end(ending: DoctorEnding): Promise<void> {
    this.#erase()
    const { checkups, exitStatus, durationMs } = ending
    if (isDocument(this.format)) {
      const { checkupDocument } = await import('./doctor-json.js')
      const event = this.format === 'ndjson' ? { event: 'end' } : {}
      this.#print({ ...event, ...checkupDocument(ending) })
    } else if (exitStatus !== 0 || !this.values.flag('quiet')) {
      const { reportOf } = await import('./doctor-text.js')
      process.stderr.write(`${reportOf(ending, this.paint, this.values.flag('all'))}\n`)
    }
    const junit = this.values.text('junit')
    if (junit) (await import('./doctor-files.js')).writeCheckups(junit, checkups, durationMs)
    await this.#github(ending)
  }

  async #github(ending: DoctorEnding): Promise<void> {
    const onGithub = this.env.GITHUB_ACTIONS === 'true'
    if (!onGithub && this.format !== 'github') return
    const { checkupAnnotations, writeCheckupSummary } = await import('./doctor-files.js')
    process.stderr.write(checkupAnnotations(ending.checkups))
    const file = this.env.GITHUB_STEP_SUMMARY
    if (onGithub && file) writeCheckupSummary(file, ending)
  }

  #print(document: object): void {
    process.stdout.write(`${JSON.stringify(document)}\n`)
  }
}
