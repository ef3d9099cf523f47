import { type Block, inTest } from './block.js'

export type Fn = (this: unknown, ...args: never[]) => unknown

/** `[name][, options][, fn]`, each of which may be left out. */
export type Arguments = readonly unknown[]

/** What Node makes of the arguments of `test` and `describe`. */
export function argumentsOf(given: Arguments): {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly fn: Fn | undefined
} {
  const fn = given.find((one): one is Fn => typeof one === 'function')
  const options = given.find((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
  const name = typeof given[0] === 'string' ? given[0] : fn?.name || '<anonymous>'
  return { name, options: options ?? {}, fn }
}

/**
 * The function, unless its block came to skip after it was given: then a test is skipped, and a hook does nothing. `prepare` gets
 * a test's context first.
 */
export function guarded(
  fn: Fn | undefined,
  block: Block,
  prepare?: (context: object) => void,
): Fn | undefined {
  if (!fn) return fn
  const guard = function (this: unknown, context?: { skip?(why: string): void }, done?: () => void) {
    const reason = block.skipped()
    if (reason === undefined) {
      if (context) prepare?.(context)
      return inTest(block, () => fn.apply(this, [context, done] as never))
    }
    context?.skip?.(reason)
    done?.()
    return undefined
  }
  // By the number of its parameters Node tells a callback.
  return Object.defineProperty(guard, 'length', { value: fn.length }) as Fn
}
