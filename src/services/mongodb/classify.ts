import { byNumber } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/** Error code → reason; any other is an error of the statement. Source: MongoDB's src/mongo/base/error_codes.yml. */
const BY_CODE = byNumber({
  'connection-lost': [89, 91, 145, 279, 317, 333, 372, 384, 398, 9001, 11600, 11602],
  'server-not-ready': [
    6, 7, 63, 70, 71, 74, 94, 109, 133, 134, 149, 150, 199, 202, 203, 216, 230, 234, 249, 250, 308, 407, 436,
    13388, 13436,
  ],
  'resource-exhausted': [146, 208, 261, 264, 365, 402, 433, 449, 450, 462, 14031],
  'authentication-failed': [11, 18, 334, 337, 390, 391, 392],
  'access-denied': [13, 214, 371],
  'tls-failure': [140, 141, 299, 302],
  'protocol-mismatch': [17, 126, 188, 223, 233, 322, 352],
  'read-only': [189, 10058, 10107, 13435],
  'statement-timeout': [50, 64, 237, 262, 11601, 46841],
  'transaction-conflict': [24, 46, 107, 112, 225, 239, 244, 246, 251, 267, 272, 282, 290, 356, 363],
})

/** What a code that a server gave means. */
export function byCode(number: number, message: string): Finding {
  const base = { code: String(number), message }
  // Atlas has one number for everything that its proxy refuses.
  if (number === 8000 && /auth/i.test(message))
    return { ...base, reason: 'authentication-failed', byText: true }
  return { ...base, reason: BY_CODE.get(number) ?? 'query-error' }
}

/** What a server's error means: a number as `code`, and its name as `codeName`, which nobody else has. */
export function classifyMongodb(error: unknown): Finding | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, codeName, message } = error as Record<string, unknown>
  if (typeof code !== 'number' || typeof codeName !== 'string') return undefined
  return byCode(code, typeof message === 'string' ? message : codeName)
}
