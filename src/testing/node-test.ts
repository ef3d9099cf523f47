import {
  after as nativeAfter,
  afterEach as nativeAfterEach,
  before as nativeBefore,
  beforeEach as nativeBeforeEach,
  describe as nativeDescribe,
  test as nativeTest,
} from 'node:test'
import { decide, decideSync } from './decide.js'
import type { FixtureSettings } from './fixtures.js'
import { Block, currentBlock, requiringBlock, skippable, within } from './node-test/block.js'
import { type Arguments, argumentsOf, type Fn, guarded } from './node-test/calls.js'
import { testWithServices } from './node-test/fixtures.js'
import type { Describe, Hook, ServiceTest } from './node-test/types.js'
import type { Provided } from './provided.js'
import { plain, plainly } from './refused.js'
import { checkSettings } from './settings.js'
import {
  askedOf,
  type NamesIn,
  outcomeOf,
  type RequireArguments,
  type RequiredServices,
  servicesOf,
  tellStandIns,
} from './suite.js'

export type { FixtureSettings, ServiceFixture, ServiceFixtures } from './fixtures.js'
export type { Describe, Hook, ServiceTest } from './node-test/types.js'
export type { RequiredService, RequiredServices, RequireOptions } from './suite.js'

/**
 * What the file, or the block of `describe` that this stands in, needs: all of these services, by name. Where one is
 * neither there nor replaced, the tests of the file or block are skipped with the reason, and none of its hooks runs. Until the
 * last of them has ended, `process.env` leads to what they got. It knows the tests, blocks and hooks of this module.
 *
 * @throws with the advice for a service that is there and broken: the file, or the block, fails; in a test or a hook.
 */
export function requireServices<const Args extends RequireArguments>(
  ...args: Args
): RequiredServices<NamesIn<Args>> {
  return plainly(() => {
    const { names, needs } = askedOf(args)
    const block = requiringBlock()
    return apply(block, names, decideSync(names, { needs, suite: block.file }))
  })
}

/** The same without blocking the process, for a file's top or a block that awaits. */
requireServices.async = async <const Args extends RequireArguments>(
  ...args: Args
): Promise<RequiredServices<NamesIn<Args>>> => {
  try {
    const { names, needs } = askedOf(args)
    const block = requiringBlock()
    return apply(block, names, await decide(names, { needs, suite: block.file }))
  } catch (error) {
    throw plain(error)
  }
}

function apply<Name extends string>(
  block: Block,
  names: readonly Name[],
  provided: readonly Provided[],
): RequiredServices<Name> {
  const outcome = outcomeOf(provided)
  if (!outcome.run && 'fail' in outcome) throw outcome.fail
  tellStandIns(provided)
  const services = servicesOf(names, provided)
  block.take(provided, outcome.run ? undefined : outcome.skip)
  return services
}

type Native = (name: string, options: object, fn?: Fn) => unknown
type Options = Readonly<Record<string, unknown>>

/** Where the block skips, the test is told as skipped, and its body never runs. `keyword`: what `test.todo` adds. */
function define(native: Native, given: Arguments, settings: FixtureSettings, keyword?: Options) {
  const block = currentBlock()
  const { name, options: own, fn } = argumentsOf(given)
  const options = { ...own, ...keyword }
  if (options.skip || !fn) return native(name, options, ...(fn ? [fn] : []))
  skippable(name)
  const reason = block.skipped()
  if (reason) return native(name, { ...options, skip: reason }, fn)
  const { skip, fail, body } = plainly(() =>
    testWithServices(fn, settings, { suite: block.file, test: name }),
  )
  if (skip) return native(name, { ...options, skip }, fn)
  if (fail) {
    const refused = () => {
      throw fail
    }
    // What is broken is not what the author expects to fail.
    return native(name, { ...options, todo: false, expectFailure: false }, guarded(refused, block))
  }
  const subtests = (context: { test?: Native }) => {
    const subtest = context.test?.bind(context) as Native
    const value = (...more: Arguments) => define(subtest, more, settings)
    Object.defineProperty(context, 'test', { configurable: true, writable: true, value })
  }
  return native(name, options, guarded(body, block, subtests))
}

function testWith(settings: FixtureSettings): ServiceTest {
  const one =
    (keyword?: Options) =>
    (...given: Arguments) =>
      define(nativeTest as Native, given, settings, keyword)
  return Object.assign(one(), {
    skip: one({ skip: true }),
    todo: one({ todo: true }),
    only: one({ only: true }),
    with: (more: FixtureSettings) => testWith({ ...settings, ...plainly(() => checkSettings(more)) }),
  }) as unknown as ServiceTest
}

/**
 * Node's `test`. A test that names a service in its parameter, as in `async ({ postgres }) => …`, requires it for itself alone:
 * it is skipped with the reason where the service is neither there nor replaced.
 */
export const test: ServiceTest = testWith({})
export const it: ServiceTest = testWith({})

function blockOf(native: typeof nativeDescribe.skip) {
  return (...given: Arguments) => {
    const { name, options, fn } = argumentsOf(given)
    const call = native as Native
    if (!fn) return call(name, options)
    const parent = currentBlock()
    return call(name, options, function (this: unknown, ...args: unknown[]) {
      return within(new Block(parent.file, parent), () => fn.apply(this, args as never))
    })
  }
}

const blocks = () =>
  Object.assign(blockOf(nativeDescribe), {
    skip: blockOf(nativeDescribe.skip),
    todo: blockOf(nativeDescribe.todo),
    only: blockOf(nativeDescribe.only),
  }) as unknown as Describe

/** Node's `describe`. */
export const describe: Describe = blocks()
export const suite: Describe = blocks()

const hook =
  (native: typeof nativeBefore): Hook =>
  (fn, options) => {
    const block = currentBlock()
    if (block.skipped() === undefined) native(guarded(fn, block) as typeof fn, options)
  }

/** Node's hooks; none runs in a block that skips. */
export const before: Hook = hook(nativeBefore)
export const beforeEach: Hook = hook(nativeBeforeEach)
export const afterEach: Hook = hook(nativeAfterEach)
export const after: Hook = (fn, options) => {
  hook(nativeAfter)(fn, options)
  currentBlock().leaveLast()
}
