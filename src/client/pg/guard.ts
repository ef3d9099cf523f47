import { HoldfastError, usage } from '../../core/errors.js'
import { told } from '../told.js'
import { Breaker, type Guarded } from './breaker.js'
import { Bulkhead } from './bulkhead.js'
import type { PoolOptions } from './types.js'

type Options = Pick<PoolOptions, 'circuitBreaker' | 'bulkhead'> & { readonly acquireTimeoutMillis: number }

/** Around all work of a pool: refuses what would only wait. */
export interface Guard {
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

/**
 * The circuit breaker and the bulkhead that the options ask for, or undefined. The package cockatiel is loaded then
 * and only then; without it every call is rejected with what to install.
 */
export function guardOf(
  options: Options,
  pool: Guarded,
  load = () => import('cockatiel'),
): Guard | undefined {
  const { circuitBreaker, bulkhead, acquireTimeoutMillis } = options
  if (!circuitBreaker && !bulkhead) return undefined
  const policies = load().then(
    lib => ({
      breaker: circuitBreaker && new Breaker(lib, circuitBreaker, pool),
      bulkhead: bulkhead && new Bulkhead(lib, bulkhead, { name: pool.name, acquireTimeoutMillis }),
    }),
    (error: unknown) => {
      throw told(absent(error), { phase: 'config', sent: false })
    },
  )
  policies.catch(() => {})
  return {
    async run(work, signal) {
      const { breaker, bulkhead } = await policies
      // Before the bulkhead, so that nobody waits there to be refused here; and again by `run` after it.
      breaker?.check()
      const guarded = breaker ? () => breaker.run(work, signal) : work
      return bulkhead ? bulkhead.run(guarded, signal) : guarded()
    },
  }
}

function absent(error: unknown): Error {
  if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') return error as Error
  const { message } = usage(
    'options circuitBreaker and bulkhead need the package cockatiel, which is not installed: npm install cockatiel',
  )
  return new HoldfastError('usage', message, { cause: error })
}
