import { nearest, usage } from '../../core/errors.js'
import type { PoolOptions } from './types.js'

/** Each option's keys, and the least that each may be. */
const LEAST = {
  circuitBreaker: { failures: 1, halfOpenAfterMillis: 1 },
  bulkhead: { concurrent: 1, queue: 0 },
} as const

/** @throws HoldfastError (usage) naming option and value, for `circuitBreaker`, `bulkhead` and `meter`. */
export function checkGuarding(
  options: Pick<PoolOptions, 'circuitBreaker' | 'bulkhead'> & { meter?: unknown },
): void {
  for (const [name, least] of Object.entries(LEAST)) {
    const given: unknown = options[name as keyof typeof LEAST]
    if (given !== undefined) checkNumbers(name, given, least)
  }
  if (options.bulkhead && options.bulkhead.concurrent === undefined)
    throw usage('bulkhead: it needs concurrent, how many may be at work at the same time')
  const { meter } = options
  if (
    meter !== undefined &&
    typeof (meter as { createHistogram?: unknown } | null)?.createHistogram !== 'function'
  )
    throw usage("meter: it is no Meter of @opentelemetry/api; give metrics.getMeter('NAME')")
}

function checkNumbers(name: string, given: unknown, least: Readonly<Record<string, number>>): void {
  const known = Object.keys(least)
  if (typeof given !== 'object' || given === null)
    throw usage(`${name}: ${JSON.stringify(given)} is not an object with ${known.join(' and ')}`)
  for (const [key, value] of Object.entries(given)) {
    const from = least[key]
    if (from === undefined)
      throw usage(
        `${name}.${key}: unknown option; did you mean ${nearest(key, known) ?? known.join(' or ')}?`,
      )
    if (value !== undefined && !(Number.isInteger(value) && value >= from && value < 2 ** 31))
      throw usage(`${name}.${key}: ${JSON.stringify(value)} is not a whole number from ${from}`)
  }
}
