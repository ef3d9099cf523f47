import { HoldfastError } from '../../core/errors.js'
import type { ReasonId } from '../../core/reasons.js'
import { TimeoutError } from '../../io/clock.js'
import { classify } from '../../services/classify.js'
import { isTold } from '../told.js'
import { isPoolTaken } from './pool.js'
import type { Ask } from './probed.js'
import type { Timing } from './timing.js'

/** Beside the table: no answer in time; no sample yet; the last one is too old; the process ends; its event loop stands still. */
export type HealthReason = ReasonId | 'timeout' | 'not-sampled' | 'stale' | 'draining' | 'lag'

/** What is told of a check. */
export interface CheckState {
  readonly name: string
  readonly critical: boolean
  /** `degraded`: it fails and is not critical, or it is a pool that has nothing free and works. */
  readonly state: 'ok' | 'degraded' | 'failed'
  /** Why it is not ok. */
  readonly reason?: HealthReason
  /** Milliseconds since the sample that says so; null before the first. */
  readonly ageMs: number | null
}

export interface SamplerOptions {
  readonly name: string
  readonly critical: boolean
  readonly intervalMillis: number
  readonly timeoutMillis: number
  readonly staleAfterMillis: number
  readonly changed: (state: CheckState) => void
}

interface Sample {
  readonly at: number
  /** `undefined` where it passed. */
  readonly reason: HealthReason | undefined
  readonly busy: boolean
}

/** So long after its time is up may a check still say why. */
const LAST_WORD_MILLIS = 100

/** What failed is asked again sooner, so that its end is seen. */
const FAILED_MILLIS = 1000

/** So long a rejected login is not repeated: servers lock accounts. */
const REJECTED_MILLIS = 60_000

/** Asks one check again and again, never while it is still asked. */
export class Sampler {
  /** Whether it ever passed. */
  passed = false
  #sample: Sample | undefined
  #told = ''
  #running = false
  #asking = false
  #cancel = () => {}
  #giveUp = () => {}
  #ended: Promise<void> = Promise.resolve()

  constructor(
    readonly options: SamplerOptions,
    readonly ask: Ask,
    readonly timing: Timing,
  ) {}

  start(): void {
    if (this.#running) return
    this.#running = true
    if (!this.#asking) this.#go()
  }

  /** Resolves when what is under way has been told to end. What was known no longer counts. */
  async stop(): Promise<void> {
    this.#running = false
    this.#cancel()
    this.#giveUp()
    await this.#ended
    this.#sample = undefined
  }

  state(): CheckState {
    const { name, critical, staleAfterMillis } = this.options
    const sample = this.#sample
    const ageMs = sample ? Math.max(0, Math.round(this.timing.now() - sample.at)) : null
    const failed = (reason: HealthReason) =>
      ({ name, critical, state: critical ? 'failed' : 'degraded', reason, ageMs }) as const
    if (!sample || ageMs === null) return failed('not-sampled')
    if (sample.reason) return failed(sample.reason)
    if (ageMs > staleAfterMillis) return failed('stale')
    if (sample.busy) return { name, critical, state: 'degraded', reason: 'pool-exhausted', ageMs }
    return { name, critical, state: 'ok', ageMs }
  }

  #go(): void {
    this.#ended = this.#once()
  }

  async #once(): Promise<void> {
    const { timeoutMillis } = this.options
    const controller = new AbortController()
    let cancel = () => {}
    const overdue = new Promise<never>((_, reject) => {
      this.#giveUp = () => {
        controller.abort(new TimeoutError(timeoutMillis))
        reject(controller.signal.reason)
      }
      cancel = this.timing.after(timeoutMillis, () => {
        controller.abort(new TimeoutError(timeoutMillis))
        cancel = this.timing.after(LAST_WORD_MILLIS, this.#giveUp)
      })
    })
    this.#asking = true
    const asked = Promise.resolve().then(() => this.ask(controller.signal, timeoutMillis))
    const kept = this.#hear(Promise.race([asked, overdue]), controller.signal).finally(() => cancel())
    // The next one waits for this, also where it does not heed its signal.
    void Promise.allSettled([asked, kept]).then(() => {
      this.#asking = false
      if (this.#running) this.#later()
    })
    await kept
  }

  async #hear(answer: Promise<{ busy: boolean }>, signal: AbortSignal): Promise<void> {
    try {
      const { busy } = await answer
      this.#keep(undefined, busy)
    } catch (error) {
      this.#keep(reasonOf(error, signal), false)
    }
  }

  #later(): void {
    const { intervalMillis } = this.options
    const reason = this.#sample?.reason
    const base = reason ? Math.min(intervalMillis, FAILED_MILLIS) : intervalMillis
    const pause = reason === 'authentication-failed' ? Math.max(intervalMillis, REJECTED_MILLIS) : base
    this.#cancel = this.timing.after(pause * (1 - this.timing.random() / 10), () => this.#go())
  }

  #keep(reason: HealthReason | undefined, busy: boolean): void {
    if (!this.#running) return
    this.#sample = { at: this.timing.now(), reason, busy }
    if (!reason) this.passed = true
    const state = this.state()
    const told = `${state.state} ${state.reason}`
    if (told === this.#told) return
    this.#told = told
    try {
      this.options.changed(state)
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  }
}

function reasonOf(error: unknown, signal: AbortSignal): HealthReason {
  if (isPoolTaken(error)) return 'pool-exhausted'
  return signal.aborted && !HoldfastError.is(error) && !isTold(error) ? 'timeout' : classify(error).reason
}
