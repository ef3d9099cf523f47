/** Longer messages carry statements or pages; what tells the reason stands at the beginning. */
const LONGEST = 4000

/** How many of the errors in an error are looked at. */
const MOST = 32

/**
 * A value that was thrown, as it can be looked at without harm: whatever its getters, proxies and circles do,
 * nothing here throws, and nothing is kept.
 */
export class Look {
  readonly #value: unknown

  private constructor(value: unknown) {
    this.#value = value
  }

  static at(value: unknown): Look {
    return attempt(() => value instanceof Look) ? (value as Look) : new Look(value)
  }

  /** The text under this name, or ''. */
  text(key: string): string {
    const value = this.#read(key)
    return typeof value === 'string' ? value.slice(0, LONGEST) : ''
  }

  number(key: string): number | undefined {
    const value = this.#read(key)
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  }

  flag(key: string): boolean | undefined {
    const value = this.#read(key)
    return typeof value === 'boolean' ? value : undefined
  }

  has(key: string): boolean {
    const value = this.#read(key)
    return value !== undefined && value !== null
  }

  /** What can be looked at under this name. */
  at(key: string): Look | undefined {
    return this.has(key) ? new Look(this.#read(key)) : undefined
  }

  /** The error or object under this name. */
  inner(key: string): Look | undefined {
    const value = this.#read(key)
    return isObject(value) ? new Look(value) : undefined
  }

  list(key: string): readonly Look[] {
    const value = this.#read(key)
    if (!attempt(() => Array.isArray(value))) return []
    const length = Math.min(Look.at(value).number('length') ?? 0, MOST)
    return Array.from({ length }, (_, i) => new Look(Look.at(value).#read(i)))
  }

  /** The code, where it is a text: drivers put numbers there, too. */
  get code(): string {
    return this.text('code')
  }

  /** True where the constructor or the error has one of these names; drivers leave `name` at "Error". */
  is(...names: readonly string[]): boolean {
    return names.includes(this.kind) || names.includes(this.text('name'))
  }

  /** The name of the constructor. */
  get kind(): string {
    return Look.at(this.#read('constructor')).text('name')
  }

  /** The message; of what is no error, its text. */
  get message(): string {
    return isObject(this.#value) ? this.text('message') : this.toString()
  }

  toString(): string {
    return attempt(() => String(this.#value).slice(0, LONGEST)) ?? 'something without a text'
  }

  #read(key: string | number): unknown {
    const value = this.#value
    return isObject(value) ? attempt(() => (value as Record<string | number, unknown>)[key]) : undefined
  }
}

const isObject = (value: unknown): boolean =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
