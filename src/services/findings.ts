import type { Concern } from '../core/concern.js'
import { isPrivateAddress } from '../core/networks.js'
import { plain } from '../core/redact.js'
import { type Health, type Link, ProbeError } from '../core/service.js'

/** After these the session has nothing more to say. */
const ENDS = new Set(['connection-lost', 'server-not-ready', 'protocol-mismatch'])

/** What a session's questions about its server's health have brought so far. */
export class Findings {
  readonly facts: Record<string, string | number | boolean> = {}
  readonly concerns: Concern[] = []

  /** Takes in what is known: no null, no NaN, no control characters of an outsider's. */
  put(facts: Readonly<Record<string, string | number | boolean | null | undefined>>): void {
    for (const [name, value] of Object.entries(facts))
      if (value !== null && value !== undefined && !Number.isNaN(value))
        // JSON has no -0.
        this.facts[name] = typeof value === 'string' ? plain(value) : value === 0 ? 0 : value
  }

  add(...concerns: readonly (Concern | undefined)[]): void {
    for (const one of concerns)
      if (one)
        this.concerns.push({
          ...one,
          message: plain(one.message),
          ...(one.fix
            ? {
                fix: one.fix
                  .split('\n')
                  .map(line => plain(line))
                  .join('\n'),
              }
            : {}),
        })
  }

  health(): Health {
    return { facts: this.facts, concerns: this.concerns }
  }

  /** What `work` gives, or undefined where the role may not ask or the server does not know. Throws a lost session. */
  async allowed<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ProbeError && !ENDS.has(error.finding.reason)) return undefined
      throw error
    }
  }

  /**
   * Puts `clockSkewMs`: the server's clock against ours, half of the round trip taken off. `read` gives the server's
   * time in milliseconds since 1970, which may be too low by `stepMs`.
   */
  async clock(read: () => Promise<number | undefined>, stepMs = 1): Promise<void> {
    const before = Date.now()
    const server = await this.allowed(read)
    const after = Date.now()
    if (server === undefined || !Number.isFinite(server)) return
    const skew = Math.round(server + stepMs / 2 - (before + after) / 2)
    // What the round trip and the clock's step leave open is not held against it.
    const open = (after - before + stepMs) / 2
    const certain = Math.max(0, Math.abs(skew) - open)
    this.put({ clockSkewMs: stepMs > 1 && certain === 0 ? 0 : skew })
    if (certain <= SKEW_MS) return
    this.add({
      id: 'clock-skew',
      level: 'warning',
      message: `the server's clock is ${Math.abs(skew)} ms ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
      advice:
        'Let both machines take their time from the same place: tokens, leases and timestamps depend on it.',
      fix: 'timedatectl set-ntp true',
    })
  }
}

/** Beyond it clocks disagree, in milliseconds. */
const SKEW_MS = 1000

/** The number that a text is; NaN, which is not put, for anything else. */
export const number = (text: string | null | undefined): number =>
  text && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN

/** Whole milliseconds of seconds. */
export const seconds = (text: string | null | undefined): number => Math.round(number(text) * 1000)

/** A concern where what is said crosses a network in the clear: less of one in a private network, as of containers. */
export function plaintext(link: Link, fix: string): Concern | undefined {
  if (link.secure || link.local) return undefined
  const inside = isPrivateAddress(link.address)
  return {
    id: 'no-tls',
    level: inside ? 'info' : 'warning',
    message: `the connection to ${link.address} is not encrypted${inside ? ', in a private network' : ''}`,
    advice: 'Whoever is on the way can read and change what is said: use TLS, and verify the certificate.',
    fix,
  }
}

/** A duration for people: `750 ms`, `90 s`, `12 min`, `3 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return `${Math.round(ms / 3_600_000)} h`
}
