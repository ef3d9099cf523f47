/** What one test runner looks like to the conformance suite of the adapters. */
export interface Face {
  /** The entry of the package: `vitest` for `holdfast/vitest`. */
  readonly name: string
  /** How a test's file ends. */
  readonly ending: string
  /** Packages that a project has in its node_modules besides holdfast. */
  readonly packages: readonly string[]
  /**
   * What a file begins with: it declares `fs`, `Client` of pg, `test`, `describe`, `requireServices`, `beforeAll`, `beforeEach`, `afterAll`,
   * `afterEach`, and `failing`: the `test` of what is expected to fail.
   */
  readonly prelude: string
  /** Whether a file may await at its top. */
  readonly topLevelAwait: boolean
  /** Files of the project besides its tests, by path; `setUp`: with the set-up of a whole run. */
  project(options: { readonly setUp: boolean }): Readonly<Record<string, string>>
  /** The command that runs all files of the folder that it is in, tells each test, and writes JUnit into `junit`. */
  command(options: { readonly setUp: boolean; readonly junit: string; readonly files: readonly string[] }): {
    readonly args: readonly string[]
    readonly env?: Readonly<Record<string, string>>
  }
}

/** One test of a report. */
export interface Reported {
  readonly name: string
  readonly state: 'passed' | 'failed' | 'skipped'
  /** All else that JUnit's element says: the reason of a skip, the message of a failure. */
  readonly text: string
}

/** What a run came to. */
export interface Ran {
  readonly status: number | null
  /** Both outputs, without colours. */
  readonly output: string
  /** What JUnit's file says. */
  readonly tests: readonly Reported[]
  /** What the files noted by `mark(text)`, in order. */
  readonly marks: readonly string[]
  /** Processes that were still there when the runner had ended. */
  readonly left: readonly string[]
}
