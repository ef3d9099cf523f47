import type { FixtureSettings, Opened, ServiceFixture } from '../fixtures.js'
import type { Provided } from '../provided.js'
import { environmentOf, outcomeOf } from '../suite.js'
import type { Bridge, Requirement } from './bridge.js'
import {
  type Block,
  type Event,
  type Expect,
  fullName,
  runs,
  type State,
  type Test,
  testsIn,
  withoutHooks,
} from './circus.js'
import type { Decisions, Question } from './decisions.js'
import { put, type Variables } from './variables.js'

export interface FileRunOptions {
  /** Loads what decides. */
  readonly outside: () => Promise<Decisions>
  /** The test file, relative to the project. */
  readonly suite: string
  /** The project's folder. */
  readonly cwd: string
  /** Takes lines for people, with their ends. */
  readonly say: (text: string) => void
  /** Whether each test is told of. */
  readonly verbose: boolean
  /** What the test file sees, and others that services' variables are put into. */
  readonly environments: () => readonly [Variables, ...Variables[]]
}

interface Required {
  readonly names: readonly string[]
  readonly question: Question
  provided?: readonly Provided[]
}

interface Skip {
  /** The test's full name, as its author wrote it. */
  readonly name: string
  readonly reason: string
}

/** What a test says that it takes. */
interface Taken {
  readonly names: readonly string[]
  readonly settings: FixtureSettings
}

/** A test that takes something, once that is decided. */
interface Use {
  readonly settings: FixtureSettings
  readonly provided: readonly Provided[]
  readonly test: string
  fixtures?: Promise<readonly ServiceFixture[]> | undefined
  readonly opened: Opened[]
  restore?: (() => void) | undefined
}

/**
 * The services of one test file. Everything is decided when its tests are defined and none has begun: a test that is
 * skipped then takes none of its author's hooks with it, which no later moment of jest-circus can promise.
 */
export class FileRun {
  readonly bridge: Bridge = {
    require: (names, needs) => this.#require([...names], [...needs]),
    define: (body, names, settings) => void this.#taken.set(body, { names: [...names], settings }),
    fixtures: async body => this.#open(this.#useOf(body)),
  }
  #state: State | undefined
  #expect: Expect | undefined
  #decisions: Decisions | undefined
  readonly #required = new Map<Block, Required[]>()
  readonly #taken = new Map<unknown, Taken>()
  readonly #uses = new Map<Test, Use>()
  readonly #usesOfBodies = new Map<unknown, Use>()
  readonly #failing = new Map<Test, Error>()
  readonly #skipping = new Map<Test, Skip>()
  readonly #restores = new Map<Block, () => void>()

  constructor(private readonly options: FileRunOptions) {}

  /** Before the file is loaded, which may ask synchronously. */
  async open(): Promise<void> {
    this.#decisions = await this.options.outside()
  }

  /** After the last test, or after whatever ended the file early. */
  async close(): Promise<void> {
    for (const use of this.#uses.values()) await this.#release(use, true)
    for (const block of [...this.#restores.keys()].reverse()) this.#leave(block)
  }

  /** Called for each event of jest-circus, which waits for what it returns (not while tests are being defined). */
  handle(event: Event, state: State): Promise<void> | undefined {
    this.#state = state
    switch (event.name) {
      case 'setup':
        this.#expect = event.runtimeGlobals.expect
        return undefined
      case 'run_start':
        return this.#begin(state)
      case 'run_describe_start':
        this.#enter(event.describeBlock)
        return undefined
      case 'run_describe_finish':
        this.#leave(event.describeBlock)
        return undefined
      case 'test_start':
        return this.#start(event.test)
      case 'test_skip':
        this.#skipped(event.test)
        return undefined
      case 'test_done':
        return this.#done(event.test)
      default:
        return undefined
    }
  }

  #require(names: string[], needs: string[]): Requirement {
    const state = this.#state
    if (!state || state.hasStarted)
      throw new Error(
        `requireServices belongs at the top of a test file or of a describe block, ${state ? 'not into a test or a hook' : 'or into setupFilesAfterEnv, not into setupFiles'}`,
      )
    const required: Required = { names, question: this.#question(needs) }
    const block = state.currentDescribeBlock
    this.#required.set(block, [...(this.#required.get(block) ?? []), required])
    return {
      read: () => {
        required.provided ??= this.#outside.decideSync(names, required.question)
        const outcome = outcomeOf(required.provided)
        if (!outcome.run && 'fail' in outcome) throw plain(outcome.fail)
        return required.provided
      },
      decide: () => this.#decide(required),
    }
  }

  async #decide(required: Required): Promise<void> {
    required.provided ??= await this.#outside.decide(required.names, required.question)
  }

  #question(needs: readonly string[] = [], test?: string): Question {
    const { suite, cwd, environments } = this.options
    // As it is now: what is put into it later must not be taken for configured.
    return { needs, suite, cwd, env: { ...environments()[0] }, ...(test === undefined ? {} : { test }) }
  }

  get #outside(): Decisions {
    if (this.#decisions) return this.#decisions
    throw new Error('the environment around holdfastEnvironment must call super.setup()')
  }

  async #begin(state: State): Promise<void> {
    const all = testsIn(state.rootDescribeBlock).filter(test => runs(test, state))
    const going = new Set(all)
    for (const [block, requirements] of this.#required) {
      for (const required of requirements) {
        const tests = testsIn(block).filter(test => going.has(test))
        if (tests.length === 0) continue
        await this.#decide(required)
        for (const test of tests) if (this.#stop(test, required.provided)) going.delete(test)
      }
    }
    for (const test of going) {
      const { names = [], settings = {} } = this.#taken.get(test.fn) ?? {}
      if (names.length === 0) continue
      const name = fullName(test)
      const provided = await this.#outside.decide(names, this.#question(settings.needs, name))
      if (this.#stop(test, provided)) {
        going.delete(test)
        continue
      }
      const use: Use = { settings, provided, test: name, opened: [] }
      this.#uses.set(test, use)
      this.#usesOfBodies.set(test.fn, use)
    }
    // A test.todo would have them run.
    withoutHooks(state.rootDescribeBlock, new Set(all), going)
    this.#tell(testsIn(state.rootDescribeBlock))
  }

  /** Lets it fail or skip where a service is not to be had. */
  #stop(test: Test, provided: readonly Provided[] = []): boolean {
    const outcome = outcomeOf(provided)
    if (outcome.run) return false
    // In either case: hooks run for a test that fails, and not for one that is skipped.
    test.mode = 'skip'
    if ('fail' in outcome) {
      this.#failing.set(test, plain(outcome.fail))
      return true
    }
    const name = fullName(test)
    this.#skipping.set(test, { name, reason: outcome.skip })
    test.name += ` (${outcome.skip})`
    // By its new name Jest would take its snapshots for obsolete, and --ci -u would delete them.
    this.#expect?.getState().snapshotState?.markSnapshotsAsCheckedForTest?.(name)
    return true
  }

  /** Jest's reporters pass over a file of which no test ran. */
  #tell(tests: readonly Test[]): void {
    const { say, suite, verbose } = this.options
    const skips = [...this.#skipping.values()]
    if (skips.length === 0 || tests.some(test => test.mode !== 'skip' || this.#failing.has(test))) return
    if (verbose) {
      say(
        [
          `holdfast: ${suite}`,
          ...skips.map(({ name, reason }) => `  ○ skipped ${name} (${reason})`),
          '',
        ].join('\n'),
      )
      return
    }
    for (const reason of new Set(skips.map(one => one.reason))) {
      const count = skips.filter(one => one.reason === reason).length
      say(`holdfast: ${suite}: ${count} ${count === 1 ? 'test' : 'tests'} skipped: ${reason}\n`)
    }
  }

  #skipped(test: Test): void {
    const error = this.#failing.get(test)
    if (error) Object.assign(test, { status: 'done', errors: [error], duration: 0 })
  }

  #enter(block: Block): void {
    const provided = this.#required.get(block)?.flatMap(required => required.provided ?? []) ?? []
    if (provided.length > 0) this.#restores.set(block, this.#put(provided))
  }

  #leave(block: Block): void {
    this.#restores.get(block)?.()
    this.#restores.delete(block)
  }

  #put(provided: readonly Pick<Provided, 'env'>[]): () => void {
    return put(this.options.environments(), environmentOf(provided as readonly Provided[]))
  }

  async #start(test: Test): Promise<void> {
    const use = this.#uses.get(test)
    if (!use) return
    try {
      const fixtures = await this.#open(use)
      // Tests that run at the same time share their variables.
      if (!test.concurrent) use.restore = this.#put(fixtures)
    } catch (error) {
      test.errors.push(error)
    }
  }

  /** Once a test: Jest 29 calls concurrent tests before it says that they start. */
  #open(use: Use): Promise<readonly ServiceFixture[]> {
    use.fixtures ??= (async () => {
      for (const one of use.provided) {
        const where = { suite: this.options.suite, test: use.test }
        use.opened.push(await this.#outside.open(one, use.settings, where))
      }
      return use.opened.map(({ fixture }) => fixture)
    })()
    return use.fixtures
  }

  #useOf(body: unknown): Use {
    const use = this.#usesOfBodies.get(body)
    if (use) return use
    if (this.#taken.get(body)?.names.length === 0) return { settings: {}, provided: [], test: '', opened: [] }
    throw new Error('the function of a test with fixtures was called before its test')
  }

  async #done(test: Test): Promise<void> {
    const use = this.#uses.get(test)
    if (!use) return
    try {
      await this.#release(use, test.errors.length > 0)
    } catch (error) {
      test.errors.push(error)
    }
  }

  async #release(use: Use, failed: boolean): Promise<void> {
    use.restore?.()
    use.restore = undefined
    use.fixtures = undefined
    for (const opened of use.opened.splice(0)) await opened.close({ failed })
  }
}

/** Without a stack, which would be of this package. */
function plain({ message }: Error): Error {
  const error = new Error(message)
  error.stack = message
  return error
}
