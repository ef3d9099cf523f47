import type { ReasonId } from '../../core/reasons.js'
import { byText, type TextRule } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/** The lines of a refusal. Source: memcached's doc/protocol.txt and proto_text.c; what proxies say in its place. */
// biome-ignore format: a table
const BY_LINE: readonly TextRule[] = [
  [/^ERROR Too many open connections/i, 'too-many-connections'],
  [/^CLIENT_ERROR (unauthenticated|authentication)/i, 'authentication-failed'],
  [/^SERVER_ERROR out of memory/i, 'resource-exhausted'],
  [/^SERVER_ERROR object too large/i, 'query-error'],
  [/^SERVER_ERROR .*(unavailable|backend|refused|timed out|host is down|no route)/i, 'server-not-ready',
    'The proxy answers, and the servers behind it do not.'],
  [/^SERVER_ERROR\b/, 'server-not-ready'],
]

/** What a line that refuses means. A line that no rule knows is an answer all the same. */
export function findingOf(line: string): Finding {
  const code = /^((CLIENT_|SERVER_)?ERROR|NOT_STORED|EXISTS|NOT_FOUND)\b/.exec(line)?.[0]
  return { ...(byText(BY_LINE, line) ?? { reason: 'query-error', message: line }), ...(code ? { code } : {}) }
}

/** Status of the binary protocol → reason. Source: memcached's protocol_binary.h. */
const BY_STATUS: Readonly<Record<number, ReasonId>> = {
  8: 'database-not-found',
  9: 'access-denied',
  32: 'authentication-failed',
  33: 'authentication-failed',
  36: 'access-denied',
  130: 'resource-exhausted',
  133: 'server-not-ready',
  134: 'server-not-ready',
}

/** What a status of the binary protocol means. */
export function statusFinding(status: number, text: string): Finding {
  const code = `0x${status.toString(16).padStart(2, '0')}`
  return { reason: BY_STATUS[status] ?? 'query-error', code, message: text || `status ${code}` }
}
