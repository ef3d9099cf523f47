import type { Concern } from '../core/concern.js'
import { EXIT } from '../core/errors.js'
import { monotonic } from '../io/clock.js'
import { Interrupted, statusOfSignal } from '../io/signals.js'

export type StageState = 'passed' | 'failed' | 'skipped'

/** How a stage ended. */
export interface StageEnd {
  readonly state: StageState
  /** What was found, or why it failed or was skipped. */
  readonly message?: string
  /** The exit status that a failure leads to. */
  readonly status?: number
  readonly concerns?: readonly Concern[]
  /** Those of `concerns` that made the stage fail. */
  readonly failing?: readonly Concern[]
}

export interface Stage extends StageEnd {
  readonly stage: string
  readonly ms: number
}

export const passed = (message?: string): StageEnd => ({ state: 'passed', ...(message ? { message } : {}) })
export const skipped = (message: string): StageEnd => ({ state: 'skipped', message })
export const failed = (status: number, message: string): StageEnd => ({ state: 'failed', status, message })

/** The stages of one start, in the order in which they ended. */
export class Stages {
  readonly #done: Stage[] = []

  constructor(readonly tell: (stage: Stage) => void = () => {}) {}

  get all(): readonly Stage[] {
    return this.#done
  }

  /** The exit status that the first failed stage leads to, else 0. */
  get status(): number {
    const first = this.#done.find(({ state }) => state === 'failed')
    return first ? (first.status ?? EXIT.unavailable) : EXIT.ok
  }

  get failed(): boolean {
    return this.status !== EXIT.ok
  }

  /** Runs one stage and records how it ended, also where a signal ended it. Throws what the stage throws. */
  async run(stage: string, work: () => Promise<StageEnd> | StageEnd): Promise<StageEnd> {
    const begun = monotonic()
    const add = (end: StageEnd) => {
      const done = { stage, ms: Math.round((monotonic() - begun) * 10) / 10, ...end }
      this.#done.push(done)
      this.tell(done)
      return end
    }
    try {
      return add(await work())
    } catch (error) {
      if (error instanceof Interrupted)
        add(failed(statusOfSignal(error.signalName), `interrupted by ${error.signalName}`))
      throw error
    }
  }
}
