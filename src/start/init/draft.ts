/** What `--only` chooses from, in the order of the plan. */
export const PARTS = ['config', 'compose', 'entrypoint', 'workflow'] as const
export type Part = (typeof PARTS)[number]

/** One file as it shall be. */
export interface Draft {
  readonly path: string
  readonly part: Part
  /** Undefined: it is not there. */
  readonly before: string | undefined
  readonly after: string
  readonly executable?: boolean
  /** A file of the project's own, which is only added to. Otherwise it is ours, and one that differs is kept. */
  readonly insertion?: boolean
}

/** What one part comes to. */
export interface Outcome {
  readonly drafts: readonly Draft[]
  /** What the reader should know or do, a sentence each. */
  readonly notes: readonly string[]
}
