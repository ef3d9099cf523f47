/** How a suite is made for one test runner, and run. */
export interface Runner {
  readonly name: string
  /** Packages that the suite's folder has in its node_modules, beside holdfast. */
  readonly packages: readonly string[]
  /** The files that the runner needs besides its tests, by path. */
  readonly project: Readonly<Record<string, string>>
  /** A test file's name and text: one test, which needs PostgreSQL and reads `n` from it. */
  file(n: number): { readonly name: string; readonly text: string }
  /** The program that runs every file, says on its output what became of each, and writes JUnit. */
  command(junit: string): readonly string[]
  /** `holdfast test` decides before the runner begins, an adapter in it. */
  readonly decides: 'before' | 'inside'
}
