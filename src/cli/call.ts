/** What an option takes. A flag takes nothing; a list may be given several times. */
export type Kind = 'flag' | 'duration' | 'count' | 'text' | 'list' | { readonly choice: readonly string[] }

export interface Option {
  readonly kind: Kind
  readonly short?: string
  /** The name of its value in the help, like DURATION. */
  readonly value?: string
  /** No variable stands for it. */
  readonly flagOnly?: true
}

export type OptionTable = Readonly<Record<string, Option>>

export interface Verb {
  readonly name: string
  readonly options: OptionTable
  /** Whether COMMAND may, must or must not follow `--`. */
  readonly command: 'none' | 'optional' | 'required'
  /** What a usage error shows. The help has more: texts.ts. */
  readonly example: string
}

/** A parsed command line. */
export interface Call {
  readonly verb: Verb
  readonly targets: readonly string[]
  readonly command: readonly string[] | undefined
  readonly values: Values
}

/** The options' values, by name; milliseconds for durations. */
export class Values {
  constructor(readonly given: ReadonlyMap<string, unknown>) {}
  flag(name: string): boolean {
    return this.given.get(name) === true
  }
  number(name: string): number | undefined {
    return this.given.get(name) as number | undefined
  }
  text(name: string): string | undefined {
    return this.given.get(name) as string | undefined
  }
  list(name: string): readonly string[] {
    return (this.given.get(name) as readonly string[] | undefined) ?? []
  }
}
