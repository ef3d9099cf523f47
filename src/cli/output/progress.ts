import { formatMs } from '../../core/options.js'
import { reasonOf } from '../../core/reasons.js'
import { adviceOf, type Verdict } from '../../core/verdict.js'
import type { Progress } from '../../gate/outcome.js'
import type { Paint } from './paint.js'

/** Hears of verdicts while a wait lasts. */
export interface ProgressView {
  verdict(verdict: Verdict, progress: Progress): void
  /** Takes back what is not meant to stay. */
  end(): void
}

export const SILENT: ProgressView = { verdict() {}, end() {} }

/** One line for each change of state, so that a log says what happened and when. */
export class LineView implements ProgressView {
  readonly #last = new Map<string, string>()
  constructor(
    readonly write: (text: string) => void,
    readonly paint: Paint,
    /** Every attempt, not only changes. */
    readonly all = false,
  ) {}

  verdict(verdict: Verdict, { target, elapsedMs, attempts }: Progress): void {
    const state = verdict.ready
      ? 'ready'
      : `${verdict.finding.reason} ${verdict.finding.code ?? ''} ${verdict.layer}`
    if (!this.all && this.#last.get(target.name) === state) return
    this.#last.set(target.name, state)
    const count = this.all ? ` #${attempts}` : ''
    this.write(
      `holdfast: ${formatMs(elapsedMs).padStart(8)}${count}  ${target.name}  ${this.#what(verdict)}\n`,
    )
  }

  #what(verdict: Verdict): string {
    if (verdict.ready) return this.paint.good('ready')
    const { reason, message } = verdict.finding
    const text = `${reason} at ${verdict.layer}: ${message}`
    const lasting = healsOf(verdict) === 'never'
    return lasting ? `${this.paint.bad(text)} → ${adviceOf(verdict.finding)}` : this.paint.warn(text)
  }

  end(): void {}
}

/** Will waiting help? Empty for a target that is ready. */
export const healsOf = (verdict: Verdict): string =>
  verdict.ready ? '' : reasonOf(verdict.finding.reason).heals
