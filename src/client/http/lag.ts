import type { Timing } from './timing.js'

const EVERY_MILLIS = 500

/** How late the event loop is: by its last timer, or by the one that has not come yet. */
export class Lag {
  #due: number | undefined
  #last = 0
  #cancel = () => {}

  constructor(readonly timing: Timing) {}

  start(): void {
    if (this.#due === undefined) this.#next()
  }

  stop(): void {
    this.#cancel()
    this.#due = undefined
    this.#last = 0
  }

  /** Milliseconds. */
  get millis(): number {
    return Math.max(this.#last, this.#late())
  }

  #late(): number {
    return this.#due === undefined ? 0 : Math.max(0, this.timing.now() - this.#due)
  }

  #next(): void {
    this.#due = this.timing.now() + EVERY_MILLIS
    this.#cancel = this.timing.after(EVERY_MILLIS, () => {
      this.#last = this.#late()
      this.#next()
    })
  }
}
