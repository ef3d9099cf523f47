import type { FixtureSettings, Opened, Where } from '../fixtures.js'
import type { Provided } from '../provided.js'

/** What is asked about services: whose tests, where, with which variables. */
export interface Question {
  readonly needs: readonly string[]
  readonly suite: string
  readonly test?: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What an environment asks outside of its test file's context. */
export interface Decisions {
  decide(names: readonly string[], question: Question): Promise<readonly Provided[]>
  decideSync(names: readonly string[], question: Question): readonly Provided[]
  open(provided: Provided, settings: FixtureSettings, where: Where): Promise<Opened>
}
