import { plain } from '../refused.js'
import type { Outcome } from '../suite.js'
import { type Expect, fullName, type Test } from './circus.js'

/** The tests of a file that do not run, for what they need. */
export class Stopped {
  readonly #failing = new Map<Test, unknown>()
  /** By the names that their author gave them. */
  readonly #skipping = new Map<string, string>()

  /** Lets it fail, or skip, with the reason. */
  add(test: Test, outcome: Exclude<Outcome, { readonly run: true }>, expect: Expect | undefined): void {
    // In either case: hooks run for a test that fails, and not for one that is skipped.
    test.mode = 'skip'
    if ('fail' in outcome) {
      this.#failing.set(test, plain(outcome.fail))
      return
    }
    const name = fullName(test)
    this.#skipping.set(name, outcome.skip)
    test.name += ` (${outcome.skip})`
    // By its new name Jest would take its snapshots for obsolete, and --ci -u would delete them.
    expect?.getState().snapshotState?.markSnapshotsAsCheckedForTest?.(name)
  }

  /** When Jest has passed over a test. */
  skipped(test: Test): void {
    const error = this.#failing.get(test)
    if (error) Object.assign(test, { status: 'done', errors: [error], duration: 0 })
  }

  /** What is to be said of a file: where none of its tests runs, Jest's reporters pass over it. */
  told(tests: readonly Test[], suite: string, verbose: boolean): string {
    const skips = [...this.#skipping]
    if (skips.length === 0 || tests.some(test => test.mode !== 'skip' || this.#failing.has(test))) return ''
    const lines = verbose
      ? [suite, ...skips.map(([name, reason]) => `  ○ skipped ${name} (${reason})`)]
      : [...new Set(this.#skipping.values())].map(reason => {
          const count = skips.filter(([, one]) => one === reason).length
          return `${suite}: ${count} ${count === 1 ? 'test' : 'tests'} skipped: ${reason}`
        })
    return `holdfast: ${lines.join('\n')}\n`
  }
}
