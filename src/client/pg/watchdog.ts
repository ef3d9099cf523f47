/** What has a limit: when it ends, on the scale of performance.now(), and what happens then. */
interface Limited {
  readonly endsAt: number
  late(): void
}

/** Node's timers hold no more. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** One timer for all statements of a connection: it is set for the earliest limit, and seldom runs out. */
export class Watchdog {
  readonly #running = new Set<Limited>()
  #timer: NodeJS.Timeout | undefined
  #setFor = Number.POSITIVE_INFINITY

  watch(one: Limited): void {
    this.#running.add(one)
    if (one.endsAt < this.#setFor) this.#set(one.endsAt)
  }

  leave(one: Limited): void {
    this.#running.delete(one)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#setFor = Number.POSITIVE_INFINITY
  }

  #set(at: number): void {
    clearTimeout(this.#timer)
    this.#setFor = at
    // The socket keeps the process alive while something runs.
    this.#timer = setTimeout(
      () => this.#look(),
      Math.min(Math.max(1, Math.ceil(at - performance.now())), MAX_TIMER_MS),
    ).unref()
  }

  #look(): void {
    this.#setFor = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const one of [...this.#running]) if (one.endsAt <= now) one.late()
    let next = Number.POSITIVE_INFINITY
    for (const { endsAt } of this.#running) if (endsAt > now) next = Math.min(next, endsAt)
    if (next < Number.POSITIVE_INFINITY) this.#set(next)
  }
}
