import { nearest, usage } from '../../core/errors.js'
import { redactAddress } from '../../core/redact.js'

/** @throws HoldfastError (usage) that names the option which is not known, and the nearest that is. */
export function checkKeys(where: string, given: object, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null)
    throw usage(`${where}: ${shown(given)} is not an object of options`)
  const unknown = Object.keys(given).find(key => !known.includes(key))
  if (unknown === undefined) return
  const near = nearest(unknown, known)
  throw usage(
    `${where}: unknown option ${redactAddress(unknown)}${near ? `; did you mean ${near}?` : `; known: ${known.join(', ') || 'none'}`}`,
  )
}

/** Node's timers hold 31 bits; what is longer they call at once. */
const MOST_MILLIS = 2 ** 31 - 1

/** @throws HoldfastError (usage) unless it is left out or a number from `least`, and one that a timer can hold. */
export function checkMillis(option: string, value: unknown, least: number): void {
  if (value === undefined) return
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least)
    throw usage(`${option}: ${shown(value)} is not a number of milliseconds from ${least}`)
  if (value > MOST_MILLIS)
    throw usage(`${option}: ${value} is more than ${MOST_MILLIS} milliseconds, 24 days`)
}

export function checkType(
  option: string,
  value: unknown,
  type: 'boolean' | 'function' | 'string' | 'object',
): void {
  if (value !== undefined && (value === null || typeof value !== type))
    throw usage(`${option}: ${shown(value)} is not a ${type}`)
}

/** Numbers and booleans as they are; what may hold a secret by its type alone. */
const shown = (value: unknown): string =>
  value === null || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : `a ${typeof value}`
