import { HoldfastError } from '../core/errors.js'
import { Look } from '../core/look.js'
import type { ReasonId } from '../core/reasons.js'
import {
  type Classification,
  type ClassifyOptions,
  classify,
  type Outcome,
  settled,
} from '../services/classify.js'

/** An error as a helper of holdfast throws it: the driver's own, with what the helper knows of it. */
export type Told<E extends Error = Error> = E & { readonly holdfast: Classification }

/**
 * The driver's error itself, so that what is caught by its class or code still is, with the property `holdfast`
 * (not enumerable): reason, phase and outcome, from which `classify(error)` answers, too. What is told first stays. What
 * is no error, or cannot take a property, becomes the cause of one. The driver's `sql` and `command`, which have the
 * statement's values, are not enumerable any more.
 */
export function told(error: unknown, options: ClassifyOptions): Told {
  if (isTold(error)) return error
  return tell(error, classify(error, options))
}

/**
 * An error of ours: no driver has one for it. `code` is SQLSTATE where there is one, else the reason in capitals.
 * `rejected`: the helper knows that nothing took effect.
 */
export function failure(
  reason: ReasonId,
  message: string,
  about: ClassifyOptions & {
    code?: string
    cause?: unknown
    advice?: string
    target?: string
    rejected?: boolean
  },
): Told<HoldfastError> {
  const { code = codeFor(reason), advice, target = 'pool', rejected, ...rest } = about
  const finding = { reason, code, message, ...(advice ? { advice } : {}) }
  const verdict = {
    ready: false,
    target,
    steps: [],
    heard: false,
    layer: LAYER[rest.phase ?? 'statement'],
    finding,
  } as const
  const error = new HoldfastError('verdict', message, {
    verdict,
    ...('cause' in about ? { cause: about.cause } : {}),
  })
  Object.defineProperty(error, 'code', { value: code, enumerable: true })
  const found = classify(error, rest)
  return tell(error, rejected ? { ...found, outcome: 'rejected' } : found) as Told<HoldfastError>
}

const LAYER = {
  config: 'config',
  acquire: 'query',
  connect: 'auth',
  idle: 'query',
  statement: 'query',
  commit: 'query',
} as const

export const codeFor = (reason: ReasonId): string => reason.toUpperCase().replaceAll('-', '_')

/** Of anything, whatever its getters and proxies do. */
export const isTold = (error: unknown): error is Told =>
  isError(error) && Boolean(Look.at(error).inner('holdfast')?.text('reason'))

function isError(value: unknown): value is Error {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

/** With another outcome, which its teller came to know. */
export const retold = (error: Told, outcome: Outcome): Told => tell(error, settled(error.holdfast, outcome))

/** Keeps what failed afterwards with what failed first, as its property `suppressed` (not enumerable). */
export function suppress<E>(first: E, later: unknown): E {
  if (!isError(first) || later === undefined || later === first) return first
  try {
    const value = [...((first as { suppressed?: unknown[] }).suppressed ?? []), later]
    Object.defineProperty(first, 'suppressed', { value, configurable: true })
  } catch {
    // It is frozen, or a proxy that will not have it.
  }
  return first
}

function tell(error: unknown, holdfast: Classification): Told {
  const told = { value: holdfast, configurable: true }
  try {
    if (isError(error)) {
      const carrier = Object.defineProperty(error, 'holdfast', told) as Told & { previousErrors?: unknown }
      // ioredis adds them after this.
      if (error.message.startsWith('EXECABORT')) carrier.previousErrors ??= undefined
      for (const key of WITH_VALUES)
        if (Object.hasOwn(error, key)) Object.defineProperty(error, key, { enumerable: false })
      return carrier
    }
  } catch {
    // As above.
  }
  const carrier = new Error(Look.at(error).message, { cause: error })
  return Object.defineProperty(carrier, 'holdfast', told) as Told
}

/** A statement with its values, of mysql2 and of ioredis. Loggers print what is enumerable. */
const WITH_VALUES = ['sql', 'command', 'previousErrors']
