import type { Look } from './look.js'
import type { ReasonId } from './reasons.js'
import type { Finding } from './verdict.js'

/** What a program was doing when an error reached it, in the order of a connection's life. */
export const PHASES = ['config', 'acquire', 'connect', 'idle', 'statement', 'commit'] as const
export type Phase = (typeof PHASES)[number]

/** What is known about an error besides the error. */
export interface Circumstances {
  readonly phase?: Phase | undefined
  /** True where the caller named the driver: then a rule may rely on what other programs' errors have, too. */
  readonly named: boolean
}

/** A reason, or one for the way to the session and another for the session. */
export type Means = ReasonId | { readonly connecting: ReasonId; readonly later: ReasonId }

export type TextRule = readonly [pattern: RegExp, means: Means, advice?: string]

/** How the errors of one service's server and drivers are read. Its stages are asked in this order. */
export interface Rules {
  /** The names under which a caller may know the drivers. */
  readonly drivers: readonly string[]
  /**
   * Where the real error is, if this one only says that there was one: names of properties, or `lastEvent` for
   * what the driver told its 'error' listener.
   */
  behind?(error: Look): readonly string[]
  /** What the server or the driver gave a code. */
  code(error: Look, circumstances: Circumstances): Finding | undefined
  /** By the name of the constructor, or of the error. */
  readonly classes: Readonly<Record<string, Means>>
  /** By the wording, where there is nothing else. */
  readonly texts: readonly TextRule[]
  /** The same, for wordings that other programs have, too: only where the caller named the driver. */
  readonly ownTexts?: readonly TextRule[]
  /** True where the caller holds no session: each request finds or makes its connection by itself. */
  readonly sessionless?: true
  /** True where the server answered that the statement had no effect. */
  rejected(error: Look, finding: Finding): boolean
}

/** True on the way to a session: no statement can have been sent. */
export const isConnecting = (phase: Phase | undefined): boolean =>
  phase === 'config' || phase === 'acquire' || phase === 'connect'

/** True where the caller had a session when the error came. */
export const hasSession = (phase: Phase | undefined): boolean => phase !== undefined && !isConnecting(phase)

/** Without a phase that which promises less. */
export const reasonIn = (means: Means, phase: Phase | undefined): ReasonId =>
  typeof means === 'string' ? means : isConnecting(phase) ? means.connecting : means.later

/** A time limit: of the connection on the way to a session, of the statement afterwards. */
export const TIME_LIMIT: Means = { connecting: 'connect-timeout', later: 'statement-timeout' }

/** A table from numbers to reasons, written as reason → numbers, since the reasons are fewer. */
export const byNumber = (table: Readonly<Partial<Record<ReasonId, readonly number[]>>>) =>
  new Map(
    Object.entries(table).flatMap(([reason, numbers]) => numbers.map(n => [n, reason as ReasonId] as const)),
  )

export function byText(rules: readonly TextRule[], message: string, phase?: Phase): Finding | undefined {
  const rule = rules.find(([pattern]) => pattern.test(message))
  if (!rule) return undefined
  const [, means, advice] = rule
  return { reason: reasonIn(means, phase), message, byText: true, ...(advice ? { advice } : {}) }
}
