import type { HoldfastError } from '../../core/errors.js'
import { formatMs } from '../../core/options.js'
import { failure, type Told, told } from '../told.js'
import { stateText } from './statetext.js'
import type { PoolState } from './types.js'
import type { Way } from './ways.js'

/** An acquire time-out carries the pool's numbers. */
export type Exhausted = Told<HoldfastError> & { readonly pool: PoolState }

/** Nothing was free in time. */
export function exhausted(pool: PoolState, ms: number, cause?: Error): Exhausted {
  const { name } = pool
  const error = failure(
    'pool-exhausted',
    `timeout exceeded when trying to connect: pool ${name} had none free within ${formatMs(ms)} (${stateText(pool)})`,
    { driver: 'pg', phase: 'acquire', sent: false, target: name, ...(cause ? { cause } : {}) },
  )
  return Object.defineProperty(error, 'pool', { value: pool, enumerable: true }) as Exhausted
}

/** A connection was being made, and was not there in time. */
export const late = (name: string, ms: number, cause?: Error): Told =>
  failure(
    'connect-timeout',
    `timeout exceeded when trying to connect: pool ${name} got no connection within ${formatMs(ms)}`,
    {
      ...({ driver: 'pg', phase: 'connect', sent: false, code: 'ETIMEDOUT', target: name } as const),
      ...(cause ? { cause } : {}),
    },
  )

export const gone = (name: string): Told =>
  failure('client-misuse', `Cannot use a pool after calling end on the pool (${name})`, {
    ...({ driver: 'pg', phase: 'acquire', sent: false, code: 'POOL_ENDED', target: name } as const),
    advice: 'End the pool after its last use.',
  })

/** Nothing was sent: it waited for a connection, or is a statement that has one. */
export const aborted = (signal: AbortSignal, phase: 'acquire' | 'statement' = 'acquire'): Told =>
  failure('statement-timeout', `aborted by its signal${ABORTED[phase]}`, {
    ...({ driver: 'pg', phase, sent: false, code: 'ABORT_ERR' } as const),
    cause: signal.reason,
  })

const ABORTED = { acquire: ' while it waited for a connection', statement: '; the statement was not sent' }

/** Why there is no session. */
export function unconnected(error: Error, { place, config }: Way): Told {
  const about = { driver: 'pg', phase: 'connect' } as const
  if (error.message !== 'timeout expired') return told(error, about)
  const message = `${place}: no session within ${formatMs(config.connectionTimeoutMillis ?? 0)}`
  return failure('connect-timeout', message, { ...about, code: 'ETIMEDOUT', cause: error })
}
