import { HoldfastError } from '../core/errors.js'
import type { ReasonId } from '../core/reasons.js'
import { type Classification, type ClassifyOptions, classify, settled } from '../services/classify.js'

/** An error as a helper of holdfast throws it: the driver's own, with what the helper knows of it. */
export type Told<E extends Error = Error> = E & { readonly holdfast: Classification }

/**
 * The driver's error itself, so that what is caught by its class or code still is, with the property `holdfast`
 * (not enumerable): reason, phase and outcome, from which `classify(error)` answers, too. What is told first stays. What
 * is no error, or cannot take a property, becomes the cause of one.
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

export const isTold = (error: unknown): error is Told =>
  error instanceof Error && typeof (error as Partial<Told>).holdfast?.reason === 'string'

/** Tells anew of an error of ours: by now it is known that nothing of what it belongs to took effect. */
export const undone = (error: Told): void =>
  void Object.defineProperty(error, 'holdfast', {
    value: settled(error.holdfast, 'rejected'),
    configurable: true,
  })

/** Keeps what failed afterwards with what failed first, as its property `suppressed` (not enumerable). */
export function suppress<E>(first: E, later: unknown): E {
  if (first instanceof Error && later !== undefined && later !== first && Object.isExtensible(first)) {
    const value = [...((first as { suppressed?: unknown[] }).suppressed ?? []), later]
    Object.defineProperty(first, 'suppressed', { value, configurable: true })
  }
  return first
}

function tell(error: unknown, holdfast: Classification): Told {
  const able = error instanceof Error && Object.isExtensible(error)
  const carrier = able ? error : new Error(String((error as Error)?.message ?? error), { cause: error })
  return Object.defineProperty(carrier, 'holdfast', { value: holdfast, configurable: true }) as Told
}
