import { type ClassifyOptions, classify } from '../services/classify.js'
import { type ConnectLimits, limitsOf, pauseAfter } from './again.js'
import { failure, isTold, type Told, told } from './told.js'

/** A third rejected login may lock the account. */
const MOST_REJECTED = 2

/** What a client that connects again by itself remembers: why it is not connected, and how often its login was rejected. */
export class Reconnecting {
  /** Of the driver's last 'error' event, since it was connected. */
  last: unknown
  /** Was there a session? Before, whoever calls `connect` decides to try again. */
  established = false
  #rejected = 0

  constructor(
    readonly driver: 'ioredis' | 'redis',
    readonly name: string,
    readonly limits: ConnectLimits,
  ) {}

  connected(): void {
    this.established = true
    this.last = undefined
    this.#rejected = 0
  }

  /** Milliseconds until the next attempt, undefined where there is none. */
  pause(failures: number, cause: unknown = this.last): number | undefined {
    const rejected =
      cause !== undefined &&
      classify(cause, { driver: this.driver, phase: 'connect' }).reason === 'authentication-failed'
    this.#rejected = rejected ? this.#rejected + 1 : 0
    return this.established && !this.ended ? pauseAfter(failures, limitsOf(this.limits)) : undefined
  }

  /** Rejected as often as may be: there are no more attempts. */
  get ended(): boolean {
    return this.#rejected >= MOST_REJECTED
  }

  /** The driver's error of a command, with what is known of it. */
  tell(error: unknown, sent: boolean): Told {
    return apart(error, { driver: this.driver, phase: 'statement', sent, lastEvent: this.last })
  }

  /** There was no connection in time: what was wrong with it is the reason. */
  unsent(millis: number): Told {
    const { last, driver } = this
    const why = last === undefined ? undefined : classify(last, { driver, phase: 'connect' })
    return failure(why?.reason ?? 'connect-timeout', `no connection within ${millis} ms`, {
      phase: 'statement',
      sent: false,
      target: this.name,
      ...(why?.code ? { code: why.code } : {}),
      ...(last === undefined ? {} : { cause: last }),
    })
  }

  unanswered(command: string, millis: number, sent: boolean): Told {
    return failure('statement-timeout', `${command} had no answer within ${millis} ms`, {
      phase: 'statement',
      sent,
      target: this.name,
    })
  }
}

/** `told`, where a driver rejects many commands with one error: each gets its own, since what became of them differs. */
export function apart(error: unknown, about: ClassifyOptions): Told {
  if (!isTold(error) || error.name === 'HoldfastError') return told(error, about)
  const { holdfast: _, ...own } = Object.getOwnPropertyDescriptors(error) as PropertyDescriptorMap
  return told(Object.create(Object.getPrototypeOf(error), own), about)
}
