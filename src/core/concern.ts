/** How bad it is, least first. */
export const LEVELS = ['info', 'warning', 'error'] as const
export type Level = (typeof LEVELS)[number]

/** Something that is wrong, or will be, although it may not keep a target from being ready. Plain data, never with a secret. */
export interface Concern {
  /** Stable, in kebab-case, like `superuser-role`: what users silence by name. */
  readonly id: string
  readonly level: Level
  readonly message: string
  /** What to do, as an imperative sentence. */
  readonly advice?: string
  /** A command, a statement or lines of a file that put it right, to be pasted. */
  readonly fix?: string
  /** The name of the target that it is about. */
  readonly target?: string
  /** Where it is set: `env:DATABASE_URL`, `compose.yaml:12:5`. */
  readonly where?: string
  /** The user's reason why it does not count. */
  readonly silenced?: string
}

export const reaches = (level: Level, least: Level): boolean => LEVELS.indexOf(level) >= LEVELS.indexOf(least)
