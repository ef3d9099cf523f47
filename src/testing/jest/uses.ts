import type { FixtureSettings, Opened, ServiceFixture } from '../fixtures.js'
import type { Provided } from '../provided.js'
import type { Body } from './bridge.js'
import type { Test } from './circus.js'

/** What a test says that it takes. */
export interface Taken {
  readonly names: readonly string[]
  readonly settings: FixtureSettings
}

interface Use {
  readonly open: () => AsyncGenerator<Opened>
  fixtures?: Promise<readonly ServiceFixture[]> | undefined
  readonly opened: Opened[]
  restore?: (() => void) | undefined
}

export type Open = (provided: Provided) => Promise<Opened>

/** The fixtures of a file's tests: made before a test's first hook, given back after its last. */
export class Uses {
  readonly #taken = new Map<unknown, Taken>()
  readonly #ofTests = new Map<Test, Use>()
  readonly #ofBodies = new Map<unknown, Use>()

  constructor(private readonly put: (fixtures: readonly ServiceFixture[]) => () => void) {}

  define(body: Body, taken: Taken): void {
    this.#taken.set(body, taken)
  }

  /** What a test says that it takes; undefined for nothing. */
  takenBy({ fn }: Test): Taken | undefined {
    const taken = this.#taken.get(fn)
    return taken && taken.names.length > 0 ? taken : undefined
  }

  add(test: Test, provided: readonly Provided[], open: Open): void {
    const use: Use = {
      async *open() {
        for (const one of provided) yield await open(one)
      },
      opened: [],
    }
    this.#ofTests.set(test, use)
    this.#ofBodies.set(test.fn, use)
  }

  async of(body: Body): Promise<readonly ServiceFixture[]> {
    const use = this.#ofBodies.get(body)
    if (use) return this.#open(use)
    if (this.#taken.get(body)?.names.length === 0) return []
    throw new Error('the function of a test with fixtures was called before its test')
  }

  async start(test: Test): Promise<void> {
    const use = this.#ofTests.get(test)
    if (!use) return
    try {
      const fixtures = await this.#open(use)
      // Tests that run at the same time share their variables.
      if (!test.concurrent) use.restore = this.put(fixtures)
    } catch (error) {
      test.errors.push(error)
    }
  }

  async done(test: Test): Promise<void> {
    const use = this.#ofTests.get(test)
    if (!use) return
    try {
      await this.#release(use, test.errors.length > 0)
    } catch (error) {
      test.errors.push(error)
    }
  }

  /** Gives back what a file that ended early has left. */
  async close(): Promise<void> {
    for (const use of this.#ofTests.values()) await this.#release(use, true)
  }

  /** Once a run of a test: Jest 29 calls concurrent tests before it says that they start. */
  #open(use: Use): Promise<readonly ServiceFixture[]> {
    use.fixtures ??= (async () => {
      for await (const opened of use.open()) use.opened.push(opened)
      return use.opened.map(({ fixture }) => fixture)
    })()
    return use.fixtures
  }

  async #release(use: Use, failed: boolean): Promise<void> {
    use.restore?.()
    use.restore = undefined
    use.fixtures = undefined
    for (const opened of use.opened.splice(0)) await opened.close({ failed })
  }
}
