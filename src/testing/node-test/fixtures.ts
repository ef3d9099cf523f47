import { usage } from '../../core/errors.js'
import { decideSync } from '../decide.js'
import { enter } from '../environment.js'
import { FIXTURES, type FixtureSettings, type Opened, open, type Where } from '../fixtures.js'
import { fixturesOf, NotDestructured } from '../parameters.js'
import { plain } from '../refused.js'
import { meant } from '../settings.js'
import { outcomeOf, tellStandIns } from '../suite.js'
import type { Fn } from './calls.js'

/** A test with the services that it names; `skip`: why it cannot run; `fail`: what is broken. Decided now, before any hook. */
export function testWithServices(
  fn: Fn,
  settings: FixtureSettings,
  where: Where,
): { readonly body: Fn; readonly skip?: string; readonly fail?: unknown } {
  const taken = namesOf(fn)
  const names = taken.filter(isFixture)
  const others = taken.filter(name => !isFixture(name))
  if (names.length === 0) return { body: others.length > 0 ? knowing(others, fn) : fn }
  const provided = decideSync(names, { ...where, needs: settings.needs ?? [] })
  const outcome = outcomeOf(provided)
  if (!outcome.run)
    return 'skip' in outcome ? { skip: outcome.skip, body: fn } : { fail: plain(outcome.fail), body: fn }
  const body = async function (this: unknown, context: object) {
    known(others, context)
    tellStandIns(provided)
    const opened: Opened[] = []
    const leaves: (() => void)[] = []
    let failed = true
    try {
      for (const one of provided) {
        const given = await open(one, settings, where)
        opened.push(given)
        leaves.push(enter(given.fixture.env))
      }
      const fixtures = new Map(names.map((name, i) => [name, opened[i]?.fixture]))
      await fn.call(this, withServices(context, fixtures) as never)
      failed = false
    } finally {
      for (const leave of leaves) leave()
      for (const one of opened.reverse()) await one.close({ failed })
    }
  }
  return { body }
}

const isFixture = (name: string) => (FIXTURES as readonly string[]).includes(name)

/** @throws HoldfastError (usage) for a name that neither a service nor Node's context has. */
function known(names: readonly string[], context: object): void {
  const unknown = names.find(name => !(name in context))
  if (unknown === undefined) return
  const all = FIXTURES.join(', ')
  throw plain(
    usage(
      `there is no service "${unknown}", nor has Node's context it${meant(unknown, FIXTURES)}; services: ${all}`,
    ),
  )
}

function knowing(names: readonly string[], fn: Fn): Fn {
  const body = function (this: unknown, context: object, ...rest: unknown[]) {
    known(names, context)
    return fn.call(this, context as never, ...(rest as never[]))
  }
  return Object.defineProperty(body, 'length', { value: fn.length }) as Fn
}

/** `t => …` is what tests of Node are like; a pattern that cannot be read is the author's mistake. */
function namesOf(fn: Fn): readonly string[] {
  try {
    return fixturesOf(fn) ?? []
  } catch (error) {
    const pattern = /^[^({=]*\(\s*\{/.test(Function.prototype.toString.call(fn))
    if (error instanceof NotDestructured && !pattern) return []
    throw error
  }
}

/** Node's context keeps its state in private fields: its methods want the context itself. */
function withServices(context: object, fixtures: ReadonlyMap<string | symbol, unknown>): object {
  return new Proxy(context, {
    get(target, key) {
      if (fixtures.has(key)) return fixtures.get(key)
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
