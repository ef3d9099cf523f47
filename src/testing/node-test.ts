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
import { Block, currentBlock, within } from './node-test/block.js'
import { type Arguments, argumentsOf, guarded } from './node-test/calls.js'
import { testWithServices } from './node-test/fixtures.js'
import type { Describe, Hook, ServiceTest } from './node-test/types.js'
import type { Provided } from './provided.js'
import {
  askedOf,
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
 * @throws HoldfastError with the advice for a service that is there and broken: the file, or the block, fails.
 */
export function requireServices<const Name extends string>(
  ...args: RequireArguments<Name>
): RequiredServices<Name> {
  const { names, needs } = askedOf(args)
  const block = currentBlock()
  return apply(block, names, decideSync(names, { needs, suite: block.file }))
}

/** The same without blocking the process, for a file's top or a block that awaits. */
requireServices.async = async <const Name extends string>(
  ...args: RequireArguments<Name>
): Promise<RequiredServices<Name>> => {
  const { names, needs } = askedOf(args)
  const block = currentBlock()
  return apply(block, names, await decide(names, { needs, suite: block.file }))
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

type Native = (...args: never[]) => unknown

/** Where the block skips, the test is told as skipped, and its body never runs. */
function define(native: Native, given: Arguments, settings: FixtureSettings) {
  const block = currentBlock()
  const { name, options, fn } = argumentsOf(given)
  const call = native as (...args: unknown[]) => Promise<void>
  const settled = options.skip || options.todo || !fn
  const reason = settled ? undefined : block.skipped()
  if (reason) return call(name, { ...options, skip: reason }, fn)
  if (settled) return call(name, options, ...(fn ? [fn] : []))
  const { skip, body } = testWithServices(fn, settings, { suite: block.file, test: name })
  return skip ? call(name, { ...options, skip }, fn) : call(name, options, guarded(body, block))
}

function testWith(settings: FixtureSettings): ServiceTest {
  const one =
    (native: Native) =>
    (...given: Arguments) =>
      define(native, given, settings)
  return Object.assign(one(nativeTest), {
    skip: one(nativeTest.skip),
    todo: one(nativeTest.todo),
    only: one(nativeTest.only),
    with: (more: FixtureSettings) => testWith({ ...settings, ...more }),
  }) as unknown as ServiceTest
}

/**
 * Node's `test`. A test that names a service in its parameter, as in `async ({ postgres }) => …`, requires it for itself alone:
 * it is skipped with the reason where the service is neither there nor replaced.
 */
export const test: ServiceTest = testWith({})
export const it: ServiceTest = testWith({})

function blockOf(native: Native) {
  return (...given: Arguments) => {
    const { name, options, fn } = argumentsOf(given)
    const call = native as (...args: unknown[]) => Promise<void>
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
