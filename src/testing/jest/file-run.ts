import type { Provided } from '../provided.js'
import { plain } from '../refused.js'
import { environmentOf, misplaced, outcomeOf } from '../suite.js'
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
import { Stopped } from './stopped.js'
import { Uses } from './uses.js'
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

/**
 * The services of one test file. Everything is decided when its tests are defined and none has begun: a test that is
 * skipped then takes none of its author's hooks with it, which no later moment of jest-circus can promise.
 */
export class FileRun {
  readonly bridge: Bridge = {
    require: (names, needs) => this.#require([...names], [...needs]),
    define: (body, names, settings) => this.#uses.define(body, { names: [...names], settings }),
    fixtures: body => this.#uses.of(body),
  }
  #state: State | undefined
  #expect: Expect | undefined
  #decisions: Decisions | undefined
  readonly #required = new Map<Block, Required[]>()
  readonly #stopped = new Stopped()
  readonly #uses = new Uses(fixtures => this.#put(fixtures))
  readonly #restores = new Map<Block, () => void>()

  constructor(private readonly options: FileRunOptions) {}

  /** Before the file is loaded, which may ask synchronously. */
  async open(): Promise<void> {
    this.#decisions = await this.options.outside()
  }

  /** After the last test, or after whatever ended the file early. */
  async close(): Promise<void> {
    await this.#uses.close()
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
        return this.#uses.start(event.test)
      case 'test_skip':
        this.#stopped.skipped(event.test)
        return undefined
      case 'test_done':
        return this.#uses.done(event.test)
      default:
        return undefined
    }
  }

  #require(names: string[], needs: string[]): Requirement {
    const state = this.#state
    if (!state || state.hasStarted)
      throw plain(misplaced(state ? undefined : 'or into setupFilesAfterEnv, not into setupFiles'))
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
      const taken = this.#uses.takenBy(test)
      if (!taken) continue
      const { names, settings } = taken
      const name = fullName(test)
      const provided = await this.#outside.decide(names, this.#question(settings.needs, name))
      if (this.#stop(test, provided)) going.delete(test)
      else {
        const where = { suite: this.options.suite, test: name, cwd: this.options.cwd }
        this.#uses.add(test, provided, one => this.#outside.open(one, settings, where))
      }
    }
    // A test.todo would have them run.
    withoutHooks(state.rootDescribeBlock, new Set(all), going)
    const { say, suite, verbose } = this.options
    const told = this.#stopped.told(testsIn(state.rootDescribeBlock), suite, verbose)
    if (told) say(told)
  }

  #stop(test: Test, provided: readonly Provided[] = []): boolean {
    const outcome = outcomeOf(provided)
    if (!outcome.run) this.#stopped.add(test, outcome, this.#expect)
    return !outcome.run
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
}
