/** Numbers that look random and come again with their seed (mulberry32). */
export class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] as T
  }

  /** A pause of `low` to `high` milliseconds. */
  pause(low: number, high: number): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, this.between(low, high)))
  }
}

/** The seed of one trial: of the run's seed, the race's name and the trial's number. */
export function trialSeed(seed: number, name: string, n: number): number {
  let hash = seed >>> 0
  for (const character of `${name}#${n}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  }
  return hash
}
