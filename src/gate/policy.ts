import type { ReasonId } from '../core/reasons.js'
import { reasonOf } from '../core/reasons.js'
import type { NotReady, Verdict } from '../core/verdict.js'
import { Logins } from './logins.js'

/** What a wait remembers of one target's attempts. Milliseconds since the wait began. */
export interface History {
  readonly logins: Logins
  /** Since when every verdict has been one that ends a wait. */
  brokenSince: number | undefined
  /** When a server answered for the first time. */
  answeredSince: number | undefined
}

export const newHistory = (logins: Logins = new Logins()): History => ({
  logins,
  brokenSince: undefined,
  answeredSince: undefined,
})

export type Decision = { readonly act: 'again'; readonly delayMs: number } | { readonly act: 'stop' }

/** A second rejected login may lock the account (MySQL's FAILED_LOGIN_ATTEMPTS): there is no third. */
const MAX_REJECTED = 2

/** A server younger than this may still be running the script that creates the database. */
const YOUNG_MS = 30_000

const BROKEN_POLL_MS = 250

/** Decides by the table whether to try again, and when. `now` is the time waited so far. */
export function decide(
  verdict: NotReady,
  history: History,
  now: number,
  graceMs: number,
  random = Math.random,
): Decision {
  const { reason } = verdict.finding
  if (answers(verdict)) history.answeredSince ??= now
  if (!ends(verdict, graceMs)) {
    history.brokenSince = undefined
    return { act: 'again', delayMs: cadence(verdict, now, random, now - (history.answeredSince ?? now)) }
  }
  history.brokenSince ??= now
  if (reason === 'authentication-failed') history.logins.rejected++
  const left = history.brokenSince + graceMs - now
  if (graceMs === 0 || left <= 0 || history.logins.rejected >= MAX_REJECTED) {
    history.logins.spent ||= reason === 'authentication-failed'
    return { act: 'stop' }
  }
  // The one login that is left is made at the end of the grace.
  return { act: 'again', delayMs: reason === 'authentication-failed' ? left : Math.min(BROKEN_POLL_MS, left) }
}

/** Has another target with the same credentials used up the login that `decide` had left to this one? */
export const isSpent = (verdict: Verdict, { logins }: History): boolean =>
  !verdict.ready &&
  verdict.finding.reason === 'authentication-failed' &&
  (logins.spent || logins.rejected >= MAX_REJECTED)

/** Does this verdict end a wait once it outlives the grace? */
export function ends(verdict: NotReady, graceMs = 1): boolean {
  const { reason } = verdict.finding
  if (reasonOf(reason).heals === 'never') return true
  if (reason !== 'database-not-found') return false
  return graceMs === 0 || (verdict.server?.ageMs ?? Number.POSITIVE_INFINITY) >= YOUNG_MS
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high)

/** How long refusals are answered quickly; later polling takes a share of the time waited. */
const EAGER_MS = 10_000

/** `answering`: how long ago the server answered for the first time. */
type Pace = (waited: number, random: () => number, answering: number) => number

/** Nobody is bothered: a hundredth of the time waited. */
const unheard: Pace = waited =>
  waited < EAGER_MS ? clamp(waited / 100, 5, 50) : clamp(waited / 100, 50, 1000)
/**
 * A server had to answer: a twentieth, so that it hears at most a hundred questions in ten seconds. One that has only
 * just begun to answer is most often ready a few milliseconds later.
 */
const answered: Pace = (waited, _, answering) => clamp(answering / 4, 10, clamp(waited / 22, 45, 1000))
const slow: Pace = waited => clamp(waited / 20, 250, 2000)

const PACE: Partial<Record<ReasonId, Pace>> = {
  'too-many-connections': (_, random) => 500 + 250 * random(),
  'dns-failure': waited => clamp(waited / 50, 50, 1000),
  'host-unreachable': waited => clamp(waited / 50, 25, 1000),
  'connect-timeout': unheard,
  'resource-exhausted': slow,
  'read-only': slow,
  'statement-timeout': slow,
  'database-not-found': slow,
  unknown: slow,
}

const answers = (verdict: NotReady): boolean => verdict.heard || verdict.layer === 'query'

/** Milliseconds until the next attempt, after `waited` milliseconds. */
export function cadence(
  verdict: NotReady,
  waited: number,
  random: () => number = Math.random,
  answering = Number.POSITIVE_INFINITY,
): number {
  const pace = PACE[verdict.finding.reason] ?? (answers(verdict) ? answered : unheard)
  return pace(waited, random, answering)
}

/** Has the target gone: does it refuse, or has its name disappeared? A time-out or a rejection is no proof. */
export const isGone = ({ finding }: NotReady): boolean =>
  finding.reason === 'connection-refused' ||
  (finding.reason === 'dns-failure' && finding.code === 'ENOTFOUND')
