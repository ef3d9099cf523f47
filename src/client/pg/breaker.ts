import type * as cockatiel from 'cockatiel'
import { formatMs } from '../../core/options.js'
import { plain } from '../../core/redact.js'
import type { Classification } from '../../services/classify.js'
import { failure, isTold, type Told } from '../told.js'
import type { PoolEvents, PoolOptions } from './types.js'

export const BREAKER = { failures: 5, halfOpenAfterMillis: 10_000 }

/** What a guard needs of its pool. */
export interface Guarded {
  readonly name: string
  emit<E extends 'open' | 'close'>(event: E, ...told: PoolEvents[E]): unknown
}

type Kind = 'failed' | 'answered' | 'neither'
type Done<T> = { readonly failed: boolean } & ({ readonly value: T } | { readonly error: unknown })

/**
 * Opens after so many failures in a row that are the database's absence; then everything is rejected at once, but one
 * trial after `halfOpenAfterMillis`, whose success closes it. What the server answered is a success, what the program
 * did to itself is neither.
 */
export class Breaker {
  readonly #policy: cockatiel.CircuitBreakerPolicy
  readonly #states: typeof cockatiel.CircuitState
  readonly #pool: Guarded
  readonly #options: typeof BREAKER
  #last: Told | undefined
  /** By Date.now, as the policy has it; undefined while it is closed. */
  #openedAt: number | undefined

  constructor(lib: typeof cockatiel, options: NonNullable<PoolOptions['circuitBreaker']>, pool: Guarded) {
    this.#pool = pool
    this.#options = { ...BREAKER, ...options }
    this.#states = lib.CircuitState
    this.#policy = lib.circuitBreaker(
      lib.handleWhenResult(done => (done as Done<unknown>).failed),
      {
        breaker: new lib.ConsecutiveBreaker(this.#options.failures),
        halfOpenAfter: this.#options.halfOpenAfterMillis,
      },
    )
    this.#policy.onBreak(() => this.#opened())
    this.#policy.onReset(() => this.#closed())
  }

  /** @throws a failure with the code CIRCUIT_OPEN while it is open, or tries whether it may close. */
  check(): void {
    const { state } = this.#policy
    if (state === this.#states.Open ? this.#left() > 0 : state === this.#states.HalfOpen)
      throw this.#refusal()
  }

  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.check()
    const done = await this.#policy.execute(() => this.#try(work, signal))
    if ('error' in done) throw done.error
    return done.value
  }

  /** What is returned counts, one way or the other; what is thrown does not. */
  async #try<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<Done<T>> {
    const trial = this.#policy.state !== this.#states.Closed
    try {
      return { failed: false, value: await work() }
    } catch (error) {
      const told = toldIn(error)
      const kind = signal?.aborted ? 'neither' : kindOf(told?.holdfast)
      // A trial that says nothing leaves it open, and the next one is due.
      if (kind === 'neither' && trial) return { failed: true, error }
      if (kind === 'neither') throw error
      if (kind === 'failed') this.#last = told
      return { failed: kind === 'failed', error }
    }
  }

  #left(): number {
    return (this.#openedAt ?? 0) + this.#options.halfOpenAfterMillis - Date.now()
  }

  #opened(): void {
    const again = this.#openedAt !== undefined
    this.#openedAt = Date.now()
    if (again || !this.#last) return
    const { halfOpenAfterMillis } = this.#options
    this.#pool.emit('open', { reason: this.#last.holdfast.reason, error: this.#last, halfOpenAfterMillis })
  }

  #closed(): void {
    this.#openedAt = undefined
    this.#pool.emit('close')
  }

  #refusal(): Error {
    const { name } = this.#pool
    const left = this.#left()
    const next = left > 0 ? `the next trial is in ${formatMs(left)}` : 'a trial is under way'
    const said = this.#last ? `; the last failure: ${plain(this.#last.message)}` : ''
    return failure(
      this.#last?.holdfast.reason ?? 'connection-lost',
      `${name}: the circuit is open, ${next}${said}`,
      { phase: 'acquire', sent: false, code: 'CIRCUIT_OPEN', target: name, cause: this.#last },
    )
  }
}

/** By the table: 503, 504 and a lost connection are the database's absence; a conflict is its presence. */
function kindOf(verdict: Classification | undefined): Kind {
  if (!verdict) return 'neither'
  const { reason, httpStatus, outcome } = verdict
  if (reason === 'transaction-conflict') return 'answered'
  if (httpStatus !== 500 || reason === 'connection-lost') return 'failed'
  return outcome === 'rejected' ? 'answered' : 'neither'
}

/** The error of the pool in what a program threw: itself, or a cause. */
function toldIn(error: unknown): Told | undefined {
  let at = error
  for (let depth = 0; at instanceof Error && depth < 8; depth++, at = at.cause) if (isTold(at)) return at
  return undefined
}
