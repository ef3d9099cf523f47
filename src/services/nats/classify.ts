import { byText, type TextRule } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/** The texts of -ERR: the protocol has no codes. Source: nats-server's errors.go and client.go. */
// biome-ignore format: a table
export const ERRORS: readonly TextRule[] = [
  [/^authorization (violation|error)/i, 'authentication-failed'],
  [/^(user|account) authentication (expired|revoked)/i, 'authentication-failed',
    'The credentials were good once: issue new ones.'],
  [/^(authentication|authorization) timeout/i, 'connect-timeout'],
  [/^maximum (account active |user )?connections exceeded|^connection throttling/i, 'too-many-connections'],
  [/^permissions violation/i, 'access-denied', 'Allow the named subject in the permissions of this user.'],
  [/^secure connection - tls required/i, 'tls-failure', 'The server requires TLS: leave out sslmode=disable.'],
  [/^maximum control line exceeded/i, 'client-misuse',
    'The login, or a subject, is longer than max_control_line of the server.'],
  [/^(unknown protocol operation|parser error|invalid client protocol)/i, 'protocol-mismatch'],
  [/^attempted to connect to (route|gateway|leaf ?node|websocket|mqtt) port/i, 'protocol-mismatch',
    'This port is for other servers: use the one for clients, 4222 by default.'],
  [/^(server shutdown|lame duck)/i, 'server-not-ready'],
  [/^(stale connection|slow consumer)/i, 'connection-lost'],
  [/^maximum subscriptions exceeded/i, 'resource-exhausted'],
  [/^maximum payload violation/i, 'query-error'],
  [/^(insufficient resources|jetstream system temporarily unavailable)/i, 'server-not-ready'],
]

/** A short name for a text of -ERR, as nats.js makes its codes: AUTHORIZATION_VIOLATION. */
const codeOf = (text: string): string =>
  text
    .replace(/ (for|to|-) .*$/s, '')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
    .toUpperCase()
    .slice(0, 48)

/**
 * What the text of -ERR means. A text that no rule knows is an answer all the same, without a code: that is made of
 * what a rule knows, since the rest of a text may hold a secret.
 */
export function findingOf(text: string): Finding {
  const known = ERRORS.find(([pattern]) => pattern.test(text))?.[0].exec(text)?.[0]
  const code = codeOf(known ?? '')
  return { ...(byText(ERRORS, text) ?? { reason: 'query-error', message: text }), ...(code ? { code } : {}) }
}

/** Errors of the JetStream API by err_code. Source: nats-server's errors.json. */
const JETSTREAM: Readonly<Record<number, Finding['reason']>> = {
  10002: 'resource-exhausted',
  10008: 'server-not-ready',
  10009: 'server-not-ready',
  10023: 'resource-exhausted',
  10028: 'resource-exhausted',
  10035: 'access-denied',
  10039: 'access-denied',
  10047: 'resource-exhausted',
  10076: 'server-not-ready',
}

/** What an error of the JetStream API means. */
export function jetstreamFinding(code: number, message: string): Finding {
  return { reason: JETSTREAM[code] ?? 'query-error', code: String(code), message }
}
