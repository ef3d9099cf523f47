import { relative } from 'node:path'
import type { RunnerTestCase, RunnerTestSuite, SuiteCollector, TestAPI, TestContext } from 'vitest'
import { beforeAll, TestRunner, test as vitest } from 'vitest'
import { decide, decideSync } from './decide.js'
import { enter } from './environment.js'
import {
  FIXTURES,
  type FixtureSettings,
  open,
  type ServiceFixture,
  type ServiceFixtures,
} from './fixtures.js'
import type { Provided } from './provided.js'
import { plain, plainly } from './refused.js'
import { checkSettings } from './settings.js'
import {
  askedOf,
  environmentOf,
  misplaced,
  type NamesIn,
  outcomeOf,
  type RequireArguments,
  type RequiredServices,
  servicesOf,
  tellStandIns,
} from './suite.js'

export { describe } from 'vitest'
export type { FixtureSettings, ServiceFixture, ServiceFixtures } from './fixtures.js'
export type { RequiredService, RequiredServices, RequireOptions } from './suite.js'

/**
 * What the file, or the block of `describe` that this stands in, needs: all of these services, by name. Where one is
 * neither there nor replaced, the tests of the file or block are skipped with the reason, and none of its hooks runs. Until the
 * last of them has ended, `process.env` leads to what they got.
 *
 * @throws with the advice, at the top of a file, for a service that is there and broken, where in a block that block fails; in a
 * test or a hook.
 */
export function requireServices<const Args extends RequireArguments>(
  ...args: Args
): RequiredServices<NamesIn<Args>> {
  return plainly(() => {
    const { names, needs } = askedOf(args)
    const block = currentBlock()
    return apply(block, names, decideSync(names, { needs, ...placeOf(block.file) }))
  })
}

/** The same without blocking the worker, for a file's top or a block that awaits. */
requireServices.async = async <const Args extends RequireArguments>(
  ...args: Args
): Promise<RequiredServices<NamesIn<Args>>> => {
  try {
    const { names, needs } = askedOf(args)
    const block = currentBlock()
    return apply(block, names, await decide(names, { needs, ...placeOf(block.file) }))
  } catch (error) {
    throw plain(error)
  }
}

/** The file, or the block of `describe`, whose tests are being defined. */
function currentBlock(): SuiteCollector {
  const block = TestRunner.getCurrentSuite()
  // When it is known how long that took, tests and hooks run.
  if (block.file.collectDuration !== undefined || TestRunner.getCurrentTest()) throw misplaced()
  return block
}

function apply<Name extends string>(
  block: SuiteCollector,
  names: readonly Name[],
  provided: readonly Provided[],
): RequiredServices<Name> {
  const outcome = outcomeOf(provided)
  if (!outcome.run && 'fail' in outcome) {
    if (!block.suite) throw outcome.fail
    whenCollected(block, suite => suite && failWith(suite, plain(outcome.fail)))
    return servicesOf(names, provided)
  }
  tellStandIns(provided)
  const services = servicesOf(names, provided)
  const env = environmentOf(provided)
  const leave = enter(env)
  whenCollected(block, suite => {
    leave()
    if (suite && !outcome.run) skipWith(suite, outcome.skip)
  })
  // What it returns is called after all hooks of the block.
  if (outcome.run) beforeAll(() => enter(env))
  return services
}

/** Where a file belongs: its name is its path from its project's root, which need not be the working directory. */
function placeOf({ name, filepath }: { readonly name: string; readonly filepath: string }) {
  const cwd = filepath.endsWith(`/${name}`) ? filepath.slice(0, -name.length - 1) || '/' : process.cwd()
  return { cwd, suite: relative(cwd, filepath) }
}

/** Undefined for a file that could not be loaded. */
type Act = (suite: RunnerTestSuite | undefined) => void

/** What waits for a block, or for a file, to be complete. */
const waiting = new WeakMap<object, Act[]>()

/**
 * Calls `act` when all tests of the block are known and none has begun. Vitest has no event for that: a block's suite gets
 * its `tasks` at that moment; what stands at a file's top has no suite, but is collected by calling `collect`.
 */
function whenCollected(block: SuiteCollector, act: Act): void {
  const { suite, file } = block
  const acts = waiting.get(suite ?? file)
  if (acts) {
    acts.push(act)
    return
  }
  const all = [act]
  waiting.set(suite ?? file, all)
  const complete: Act = collected => {
    waiting.delete(suite ?? file)
    for (const one of all) one(collected)
  }
  if (suite) {
    Object.defineProperty(suite, 'tasks', {
      configurable: true,
      enumerable: true,
      get: () => [],
      set(value: RunnerTestSuite['tasks']) {
        Object.defineProperty(suite, 'tasks', { configurable: true, enumerable: true, writable: true, value })
        complete(suite)
      },
    })
    return
  }
  const { collect } = block
  block.collect = async of => {
    block.collect = collect
    // Where the file could not be loaded, the next one comes here.
    if (of !== file) complete(undefined)
    const collected = await collect(of)
    if (of === file) complete(collected)
    return collected
  }
}

/** As `test.skip` and `context.skip(reason)` leave a test; the annotation is what JUnit's reporter shows. */
function skipWith(suite: RunnerTestSuite, reason: string): void {
  if (suite.mode !== 'todo') suite.mode = 'skip'
  for (const task of suite.tasks) {
    if (task.type === 'suite') skipWith(task, reason)
    else if (task.mode !== 'skip' && task.mode !== 'todo') skipTest(task, reason)
  }
}

function skipTest(test: RunnerTestCase, reason: string): void {
  test.mode = 'skip'
  // `note` is what `context.skip(reason)` sets and reporters show; the type leaves it out.
  test.result = { state: 'skip', note: reason } as NonNullable<RunnerTestCase['result']>
  test.annotations?.push({ message: reason, type: ANNOTATION })
}

/** The property's name in JUnit output. */
const ANNOTATION = 'holdfast.skip'

/** The block fails before any hook of its author; vitest skips what is in it. */
function failWith(suite: RunnerTestSuite, error: unknown): void {
  const hooks = TestRunner.getSuiteHooks(suite)
  for (const list of Object.values(hooks)) list.length = 0
  hooks.beforeAll.push(() => {
    throw error
  })
}

interface Settings {
  /** What `test.with` said. */
  readonly holdfast: FixtureSettings
}

type Use = (fixture: ServiceFixture) => Promise<void>

// Vitest reads from the source which fixtures a function takes: it must destructure.
const fixture =
  (name: string) =>
  async ({ task, skip, annotate, holdfast }: TestContext & Settings, use: Use) => {
    const where = { ...placeOf(task.file), test: task.fullTestName }
    const opened = await unexpected(task, async () => {
      const provided = await decide([name], { ...where, needs: holdfast.needs ?? [] })
      const outcome = outcomeOf(provided)
      if (outcome.run) {
        tellStandIns(provided)
        return open(provided[0] as Provided, holdfast, where)
      }
      if ('fail' in outcome) throw outcome.fail
      await annotate(outcome.skip, ANNOTATION)
      return outcome.skip
    })
    if (typeof opened === 'string') return skip(opened)
    // Tests that run at the same time share their variables.
    const leave = task.concurrent ? () => {} : enter(opened.fixture.env)
    try {
      await use(opened.fixture)
    } finally {
      leave()
    }
    const failed = (task.result?.state === 'fail') !== Boolean(task.fails)
    await unexpected(task, () => opened.close({ failed }))
  }

/** What `test.fails` expects is of the test's body: what goes wrong around it fails the test. */
async function unexpected<T>(task: TestContext['task'], act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    // Vitest reads it when the test has ended; its type lets nobody set it.
    Object.assign(task, { fails: false })
    throw plain(error)
  }
}

/** Vitest's `test`, with a fixture for each service. */
export type ServiceTest = TestAPI<ServiceFixtures> & {
  /** Another `test`, whose fixtures are made as these settings say. */
  with(settings: FixtureSettings): ServiceTest
}

function testWith(settings: FixtureSettings): ServiceTest {
  const fixtures = Object.fromEntries(FIXTURES.map(name => [name, fixture(name)]))
  const extended = vitest.extend({ holdfast: settings, ...fixtures }) as unknown as TestAPI<ServiceFixtures>
  return Object.assign(extended, {
    with: (more: FixtureSettings) => testWith({ ...settings, ...plainly(() => checkSettings(more)) }),
  })
}

/**
 * Vitest's `test`. A test that names a service in its parameter, as in `async ({ postgres }) => …`, requires it for itself alone:
 * it is skipped with the reason where the service is neither there nor replaced.
 */
export const test: ServiceTest = loaded()
export const it: ServiceTest = loaded()

/** Outside of a run, where Vitest lets nobody extend its `test`, the module can be loaded all the same. */
function loaded(): ServiceTest {
  try {
    return testWith({})
  } catch (error) {
    return new Proxy(vitest as unknown as ServiceTest, {
      apply() {
        throw error
      },
      get() {
        throw error
      },
    })
  }
}
