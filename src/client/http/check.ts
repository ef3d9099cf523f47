import { HoldfastError, usage } from '../../core/errors.js'
import { redactAddress } from '../../core/redact.js'
import { probe, targetOf } from '../../gate/library.js'
import { checkKeys, checkMillis, checkType } from './options.js'
import { asksPool } from './pool.js'
import type { Ask, ProbedPool } from './probed.js'

interface CheckSettings {
  /** Whether `/readyz` is 503 while it fails; otherwise it is shown as degraded. Default true. */
  readonly critical?: boolean
  /** Milliseconds from the end of one sample to the next; up to a tenth is taken off at random, and after a failure it is a second at most. Default: that of all, 5000. */
  readonly intervalMillis?: number
  /** Milliseconds for one sample. Default: that of all, 3000. */
  readonly timeoutMillis?: number
}

/** What is asked: a pool, the server at an address, or a function of yours. */
export type Check =
  /** `SELECT 1` through a pool of holdfast, pg or mysql2. While all of its connections are taken nothing is asked: it is degraded as long as one comes back sound, else `pool-exhausted`. */
  | (CheckSettings & { readonly pool: ProbedPool })
  /** A connection of its own, through all layers, as `probe(address)`. */
  | (CheckSettings & { readonly address: string })
  /** Passes when it resolves. It must end when the signal aborts: the next sample waits for it. */
  | (CheckSettings & { readonly check: (signal: AbortSignal) => unknown })

const KINDS = ['pool', 'address', 'check'] as const
const SETTINGS = ['critical', 'intervalMillis', 'timeoutMillis'] as const

/** @throws HoldfastError (usage) for a check that is none. */
export function askOf(name: string, check: Check): Ask {
  const where = `checks.${name}`
  checkKeys(where, check, [...KINDS, ...SETTINGS])
  checkType(`${where}.critical`, check.critical, 'boolean')
  checkMillis(`${where}.intervalMillis`, check.intervalMillis, 10)
  checkMillis(`${where}.timeoutMillis`, check.timeoutMillis, 1)
  const given = KINDS.filter(kind => kind in check)
  if (given.length !== 1) throw usage(`${where}: give one of ${KINDS.join(', ')}, not ${given.length}`)
  if ('pool' in check) {
    const { pool } = check
    if (typeof pool?.query !== 'function') throw usage(`${where}.pool: it has no query(), so it is no pool`)
    return asksPool(pool)
  }
  if ('address' in check) {
    const { address } = check
    targetOf(address)
    return (signal, timeoutMs) => askServer(address, signal, timeoutMs)
  }
  const { check: own } = check
  if (typeof own !== 'function') throw usage(`${where}.check: a ${typeof own} is not a function`)
  return async signal => {
    await own(signal)
    return { busy: false }
  }
}

/** Names are shown to whoever asks: an address would be, too. */
export function checkName(name: string): void {
  if (/^(ping|shutdown|event-loop)$/.test(name))
    throw usage(`checks: the name ${name} has a meaning of its own`)
  if (!/^[A-Za-z][\w.-]{0,62}$/.test(name))
    throw usage(`checks: "${redactAddress(name)}" is no name; take letters, digits, ., - and _`)
}

async function askServer(
  address: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ busy: boolean }> {
  const verdict = await probe(address, { timeoutMs, signal })
  if (!verdict.ready) throw HoldfastError.fromVerdict(verdict)
  return { busy: false }
}
