import { placeOf } from '../core/hosts.js'
import type { Target } from '../core/target.js'
import type { Finding, Verdict } from '../core/verdict.js'
import { untilAborted } from '../io/resolve.js'

/** What is known of one login, counted together for all targets that log in by it. */
export class Logins {
  rejected = 0
  /** A wait has ended over it: there is no more to try. */
  spent = false
  /** A server let it in: from then on nothing can be locked by asking. */
  accepted = false
  #turn: Promise<unknown> = Promise.resolve()

  /** Runs `attempt` once no other attempt by this login is under way; at once where the login is known to be good. */
  async inTurn<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    if (this.accepted) return attempt()
    const mine = untilAborted(this.#turn, signal)
      .catch(() => {})
      .then(attempt)
    this.#turn = mine.catch(() => {})
    return mine
  }

  learn(verdict: Verdict): void {
    this.accepted ||=
      verdict.ready ||
      verdict.finding.reason === 'database-not-found' ||
      verdict.steps.some(({ layer, state }) => layer === 'auth' && state === 'ok')
  }
}

/** Who logs in where an address names nobody. */
const USERS: Readonly<Record<string, string>> = {
  mysql: 'root',
  redis: 'default',
  clickhouse: 'default',
  rabbitmq: 'guest',
}

/** Who logs in where: what a rejected password counts against. */
export function loginOf({ service, hosts, user }: Target): string {
  return JSON.stringify([service, hosts.map(placeOf), user || USERS[service]])
}

/** Of a target whose login was not tried, because another target's was rejected already. */
export const NOT_TRIED: Finding = {
  reason: 'authentication-failed',
  message: 'not tried: the same login was rejected for another target, and more may lock the account',
}
