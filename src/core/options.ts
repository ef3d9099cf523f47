import { usage } from './errors.js'
import { redactAddress } from './redact.js'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Parses `250ms`, `5s`, `1.5m`, `1h` or `0` into milliseconds; `option` names the option in the message. */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim())
  if (match) return Math.round(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1))
  if (text.trim() === '0') return 0
  const hint = /^\d+(\.\d+)?$/.test(text.trim())
    ? `Did you mean ${text.trim()}s?`
    : 'Write it like 250ms, 5s or 2m.'
  throw usage(`${option}: "${redactAddress(text)}" is not a duration. ${hint}`)
}

/** As many connections as one probe opens at the same time: more than any pool has. */
export const MAX_CONNECTIONS = 1000

/** Parses a whole number from 1 to MAX_CONNECTIONS. */
export function parseCount(text: string, option: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_CONNECTIONS) return Number(text)
  throw usage(`${option}: "${redactAddress(text)}" is not a whole number from 1 to ${MAX_CONNECTIONS}`)
}

/** Milliseconds as a reader wants them: `0.4 ms`, `12 ms`, `1.2 s`, `2 m 5 s`. */
export function formatMs(ms: number): string {
  // Each bound is where rounding would reach the next unit.
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} m ${seconds % 60} s`
}
