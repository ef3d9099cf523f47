import type { FixtureSettings, ServiceFixtures } from './fixtures.js'
import { type Body, BRIDGE, type Bridge, type Requirement } from './jest/bridge.js'
import type { Describe, ServiceTest, TestBody } from './jest/types.js'
import { fixturesOf, NotDestructured } from './parameters.js'
import { plainly } from './refused.js'
import { checkSettings } from './settings.js'
import { askedOf, type NamesIn, type RequireArguments, type RequiredServices, servicesOf } from './suite.js'

export type { FixtureSettings, ServiceFixture, ServiceFixtures } from './fixtures.js'
export type { Describe, Done, ServiceTest, TestBody } from './jest/types.js'
export type { RequiredService, RequiredServices, RequireOptions } from './suite.js'

/**
 * What the file, or the block of `describe` that this stands in, needs: all of these services, by name. Where one is
 * neither there nor replaced, the tests of the file or block are skipped with the reason; where one is there and broken, each
 * fails with the advice; in both cases none of their hooks runs. While they run, `process.env` leads to what they got.
 *
 * Read what it returns in tests and hooks: while the file is being loaded, reading waits for the decision, and throws for a
 * service that is broken.
 */
export function requireServices<const Args extends RequireArguments>(
  ...args: Args
): RequiredServices<NamesIn<Args>> {
  return required(args).services
}

/** The same, decided when it resolves: for files that may await at their top. */
requireServices.async = async <const Args extends RequireArguments>(
  ...args: Args
): Promise<RequiredServices<NamesIn<Args>>> => {
  const { services, requirement } = required(args)
  await requirement.decide()
  requirement.read()
  return services
}

function required<Args extends RequireArguments>(args: Args) {
  const { names, needs } = askedOf(args)
  const requirement = bridge().require(names, needs)
  return { requirement, services: lazy(names, requirement) }
}

function lazy<Name extends string>(names: readonly Name[], requirement: Requirement) {
  const read = (key: Name | 'env') => ({
    enumerable: true,
    get: () => servicesOf(names, requirement.read())[key],
  })
  const properties = [...names, 'env' as const].map(key => [key, read(key)] as const)
  return Object.defineProperties({}, Object.fromEntries(properties)) as RequiredServices<Name>
}

/**
 * Jest's `test`. A test that names a service in its parameter, as in `async ({ postgres }) => …`, requires it for itself alone:
 * it is skipped with the reason where the service is neither there nor replaced. `each` gives its rows, and no services.
 */
export const test: ServiceTest = testWith({})
export const it: ServiceTest = test

/** Jest's `describe`. */
export const describe: Describe = passedOn(() => global('describe')) as unknown as Describe

type Any = (...args: unknown[]) => unknown

/** Jest's global functions, also where `injectGlobals` is false; outside of Jest this throws. */
function global(name: 'test' | 'describe'): Any {
  const found = Reflect.get(globalThis, name) as Any | undefined
  // Jest answers this name itself.
  return found ?? require('@jest/globals')[name]
}

function testWith(settings: FixtureSettings): ServiceTest {
  const more = (other: FixtureSettings) => testWith({ ...settings, ...plainly(() => checkSettings(other)) })
  return withFixtures(() => global('test'), settings, { with: more }) as unknown as ServiceTest
}

/** `real`, and what hangs on it: `only`, `skip`, `failing`, `concurrent`. */
function withFixtures(real: () => Any, settings: FixtureSettings, own: object = {}): Any {
  return passedOn(real, {
    apply: (_, self, [name, fn, ...rest]) =>
      Reflect.apply(real(), self, [name, bodyOf(name, fn, settings), ...rest]),
    get(_, key) {
      if (key in own) return Reflect.get(own, key)
      const value = Reflect.get(real(), key)
      const asItIs = typeof value !== 'function' || key === 'each' || key === 'todo'
      return asItIs ? value : withFixtures(() => value, settings)
    },
  })
}

function passedOn(real: () => Any, handler: ProxyHandler<Any> = {}): Any {
  return new Proxy<Any>(() => {}, {
    apply: (_, self, args) => Reflect.apply(real(), self, args),
    get: (_, key) => Reflect.get(real(), key),
    ...handler,
  })
}

/** What Jest gets for a function that takes services: one that takes nothing, so that Jest waits for no callback. */
function bodyOf(name: unknown, fn: unknown, settings: FixtureSettings): unknown {
  if (typeof fn !== 'function') return fn
  const names = namesOf(name, fn as TestBody)
  if (!names) return fn
  const outside = bridge()
  async function body(this: unknown) {
    const fixtures = await outside.fixtures(body as Body)
    // Objects of this context.
    const given = names?.map((one, i) => [one, { ...fixtures[i], env: { ...fixtures[i]?.env } }]) ?? []
    return Reflect.apply(fn as Any, this, [Object.fromEntries(given) as ServiceFixtures])
  }
  outside.define(body as Body, names, settings)
  return body
}

function namesOf(name: unknown, fn: TestBody): string[] | undefined {
  try {
    return fixturesOf(fn)
  } catch (error) {
    if (!(error instanceof NotDestructured)) throw error
    throw new TypeError(`test "${String(name)}": ${error.message}`)
  }
}

function bridge(): Bridge {
  const found = Reflect.get(globalThis, BRIDGE) as Bridge | undefined
  if (found) return found
  throw new Error(
    "holdfast/jest decides outside of the test file's context, and needs its environment there. Write into jest.config:\n\n  testEnvironment: 'holdfast/jest/environment',\n\nor stand it on yours, in a file of your own: holdfastEnvironment(Base), from 'holdfast/jest/environment'.",
  )
}
