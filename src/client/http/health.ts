import { usage } from '../../core/errors.js'
import { type Asked, answerOf, type HealthAnswer, type HealthReport } from './answer.js'
import { askOf, type Check, checkName } from './check.js'
import { onSigterm } from './drain.js'
import { Lag } from './lag.js'
import { checkKeys, checkMillis, checkType } from './options.js'
import { type CheckState, Sampler } from './sampler.js'
import { systemTiming, type Timing } from './timing.js'

export interface HealthOptions {
  /** By name; names are shown to whoever asks. Default: none, so that it is ready as soon as it is started. */
  readonly checks?: Readonly<Record<string, Check>>
  /** Milliseconds from the end of one sample to the next; up to a tenth is taken off at random, and after a failure it is a second at most. Default 5000. */
  readonly intervalMillis?: number
  /** Milliseconds for one sample. Default 3000. */
  readonly timeoutMillis?: number
  /** A sample older than this, in milliseconds, has failed. Default: three intervals and the time-out, of each check. */
  readonly staleAfterMillis?: number
  /** `/livez` is 503 while the event loop is later than this, in milliseconds. Default: it asks nothing. */
  readonly maxEventLoopLagMillis?: number
  /** Whether SIGTERM makes `/readyz` 503. What the signal does otherwise stays. Default true. */
  readonly drainOnSigterm?: boolean
  /** Told whenever a sample says something else than the one before. */
  readonly onChange?: (state: CheckState) => void
}

const KEYS = [
  'checks',
  'intervalMillis',
  'timeoutMillis',
  'staleAfterMillis',
  'maxEventLoopLagMillis',
  'drainOnSigterm',
  'onChange',
] as const satisfies readonly (keyof HealthOptions)[]

/** The state behind `/livez`, `/readyz` and `/startupz`. */
export interface Health {
  /** Begins to sample, in the background and without keeping the process alive. Again is nothing. */
  start(): this
  /** Ends it; from then on it is not ready. */
  stop(): Promise<void>
  /** From now on `/readyz` is 503, so that load balancers stop sending; what is under way may end. There is no way back. */
  drain(): void
  readonly draining: boolean
  report(asked: Asked): HealthReport
  /**
   * The answer to a path with its query, like `/readyz?verbose`; `accept` is the header of that name, by which it is
   * text or JSON. `undefined` for any other path.
   */
  answer(url: string, accept?: string): HealthAnswer | undefined
}

/**
 * Health endpoints in the manner of Kubernetes' own: `/livez` is the process, `/readyz` its checks as they were sampled
 * last, `/startupz` whether each critical one ever passed. Asking costs nothing and asks nobody.
 * @throws HoldfastError (usage) that names the option.
 * @example
 * const status = health({ checks: { db: { pool }, cache: { address: process.env.REDIS_URL, critical: false } } })
 */
export function health(options: HealthOptions = {}, timing: Timing = systemTiming): Health {
  return new Endpoints(options, timing)
}

/** @throws HoldfastError (usage) for the options alone, as Fastify's plugin takes them. */
export function checkHealth(status: Health): Health {
  if (typeof status?.start === 'function' && typeof status.answer === 'function') return status
  throw usage('healthRoutes: give it what health() gave: healthRoutes(health({ checks }))')
}

class Endpoints implements Health {
  readonly #samplers: readonly Sampler[]
  readonly #lag: Lag
  #started = false
  #wasStarted = false
  #draining = false
  #forget = () => {}

  constructor(
    readonly options: HealthOptions,
    timing: Timing,
  ) {
    checkOptions(options)
    const { checks = {}, intervalMillis = 5000, timeoutMillis = 3000, onChange } = options
    this.#lag = new Lag(timing)
    this.#samplers = Object.entries(checks).map(([name, check]) => {
      checkName(name)
      const ask = askOf(name, check)
      const [interval, timeout] = [
        check.intervalMillis ?? intervalMillis,
        check.timeoutMillis ?? timeoutMillis,
      ]
      const settings = {
        name,
        critical: check.critical ?? true,
        intervalMillis: interval,
        timeoutMillis: timeout,
        staleAfterMillis: options.staleAfterMillis ?? 3 * interval + timeout,
        changed: (state: CheckState) => onChange?.(state),
      }
      if (settings.staleAfterMillis < interval + timeout)
        throw usage(
          `staleAfterMillis: ${settings.staleAfterMillis} is less than an interval and the time-out of ${name}, ${interval + timeout}`,
        )
      return new Sampler(settings, ask, timing)
    })
  }

  start(): this {
    if (this.#started) return this
    this.#started = this.#wasStarted = true
    for (const sampler of this.#samplers) sampler.start()
    if (this.options.maxEventLoopLagMillis !== undefined) this.#lag.start()
    if (this.options.drainOnSigterm ?? true) this.#forget = onSigterm(() => this.drain())
    return this
  }

  async stop(): Promise<void> {
    this.#started = false
    this.#forget()
    this.#lag.stop()
    await Promise.all(this.#samplers.map(sampler => sampler.stop()))
  }

  drain(): void {
    this.#draining = true
  }

  get draining(): boolean {
    return this.#draining
  }

  report(asked: Asked): HealthReport {
    const checks = this.#checks(asked)
    const worst = (['failed', 'degraded'] as const).find(state => checks.some(check => check.state === state))
    return { status: worst ?? 'ok', checks }
  }

  answer(url: string, accept = ''): HealthAnswer | undefined {
    return answerOf(url, accept, asked => this.report(asked))
  }

  #checks(asked: Asked): CheckState[] {
    if (asked === 'livez') return this.#alive()
    const runs = asked === 'startupz' ? this.#wasStarted : this.#started
    const own = this.#samplers.length === 0 && !runs ? [failed('ping', 'not-sampled')] : []
    if (asked === 'startupz') return [...own, ...this.#samplers.filter(isCritical).map(asStarted)]
    const shutdown = this.#draining ? [failed('shutdown', 'draining')] : []
    return [...own, ...this.#samplers.map(sampler => sampler.state()), ...shutdown]
  }

  #alive(): CheckState[] {
    const { maxEventLoopLagMillis: most } = this.options
    const ping: CheckState = { name: 'ping', critical: true, state: 'ok', ageMs: 0 }
    if (most === undefined) return [ping]
    const late = this.#lag.millis > most
    return [ping, late ? failed('event-loop', 'lag') : { ...ping, name: 'event-loop' }]
  }
}

const isCritical = ({ options }: Sampler): boolean => options.critical

function asStarted(sampler: Sampler): CheckState {
  if (!sampler.passed) return sampler.state()
  const { name, critical, ageMs } = sampler.state()
  return { name, critical, state: 'ok', ageMs }
}

const failed = (name: string, reason: 'draining' | 'lag' | 'not-sampled'): CheckState => ({
  name,
  critical: true,
  state: 'failed',
  reason,
  ageMs: 0,
})

function checkOptions(options: HealthOptions): void {
  checkKeys('health', options, KEYS)
  checkType('checks', options.checks, 'object')
  checkMillis('intervalMillis', options.intervalMillis, 10)
  checkMillis('timeoutMillis', options.timeoutMillis, 1)
  checkMillis('staleAfterMillis', options.staleAfterMillis, 10)
  checkMillis('maxEventLoopLagMillis', options.maxEventLoopLagMillis, 1)
  checkType('drainOnSigterm', options.drainOnSigterm, 'boolean')
  checkType('onChange', options.onChange, 'function')
}
