/** More servers than one process waits for. */
const MOST = 1_000

/**
 * When servers began, in whole seconds. Clock and uptime of a server are cut off to seconds one by one, so that their
 * difference is off by one from reading to reading: it is the same life until it is off by more.
 */
export class Births {
  readonly #known = new Map<string, number>()

  of(place: string, second: number): number {
    const known = this.#known.get(place)
    if (known !== undefined && Math.abs(second - known) <= 1) return known
    if (this.#known.size >= MOST) this.#known.clear()
    this.#known.set(place, second)
    return second
  }
}
