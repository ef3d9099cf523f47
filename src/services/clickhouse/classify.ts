import type { Look } from '../../core/look.js'
import type { ReasonId } from '../../core/reasons.js'
import { byNumber, type Circumstances, type Rules, TIME_LIMIT } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/** Error code → reason; any other is an error of the statement. Source: ClickHouse's src/Common/ErrorCodes.cpp. */
const BY_CODE = byNumber({
  'connection-lost': [95, 96, 209, 210, 319],
  'server-not-ready': [
    198, 203, 225, 236, 244, 253, 254, 255, 265, 279, 285, 286, 289, 297, 369, 415, 416, 519, 529, 999,
  ],
  'resource-exhausted': [173, 201, 202, 204, 241, 243, 252, 298, 299, 301, 364, 439],
  'authentication-failed': [192, 193, 194, 516],
  'access-denied': [195, 291, 481, 482, 497],
  'database-not-found': [81],
  'protocol-mismatch': [99, 100, 101, 102, 217],
  'read-only': [164, 242, 472, 495],
  'statement-timeout': [159, 160, 335, 394],
  'transaction-conflict': [384, 473],
})

/** Newer errors, by the name that the modern format carries. */
const BY_NAME: Readonly<Record<string, ReasonId>> = {
  USER_SESSION_LIMIT_EXCEEDED: 'too-many-connections',
  SERVER_OVERLOADED: 'resource-exhausted',
  TOO_MANY_MUTATIONS: 'resource-exhausted',
  REPLICA_IS_ALREADY_ACTIVE: 'server-not-ready',
  CLIENT_INFO_DOES_NOT_MATCH: 'protocol-mismatch',
}

/**
 * The client parses the modern format into `code` and `type`. What it does not know stays text: the format of old
 * servers, and an exception in the middle of a body that was to be JSON.
 */
function codeOf(error: Look, named: boolean): { code: string; byText?: boolean } | undefined {
  const { code, message } = error
  const isOwn = error.is('ClickHouseError') || /^[A-Z][A-Z0-9_]+$/.test(error.text('type')) || named
  if (isOwn && /^\d{1,4}$/.test(code)) return { code }
  const old = /^Code: (\d{1,4})[.,]/.exec(message)?.[1]
  if (old) return { code: old }
  const within = /"Code: (\d{1,4})\b/.exec(message)?.[1]
  return within ? { code: within, byText: true } : undefined
}

function code(error: Look, { named }: Circumstances): Finding | undefined {
  const found = codeOf(error, named)
  if (!found) return undefined
  const type = error.text('type')
  const name = Object.hasOwn(BY_NAME, type) ? BY_NAME[type] : undefined
  return {
    ...found,
    message: error.message,
    reason: name ?? BY_CODE.get(Number(found.code)) ?? 'query-error',
  }
}

/** @clickhouse/client. Source of the texts: where its dist/ and client-common create errors. */
export const clickhouseRules: Rules = {
  drivers: ['@clickhouse/client', 'clickhouse', '@clickhouse/client-web'],
  code,
  classes: {},
  // biome-ignore format: a table
  texts: [
    [/^Timeout error\.$|^The user aborted a request\.$/, TIME_LIMIT],
    [/^Port \d+ is for clickhouse-client program/, 'protocol-mismatch',
      'That is the native port: the client needs the HTTP port, 8123 unless configured otherwise.'],
    // A proxy's page is all that the client keeps of its answer.
    [/<(title|h1)>\s*401\b/i, 'authentication-failed', 'A proxy on the way wants credentials.'],
    [/<(title|h1)>\s*403\b/i, 'access-denied', 'A proxy on the way does not let this request through.'],
    [/<(title|h1)>\s*404\b/i, 'protocol-mismatch', 'A web server answers there: check host, port and path.'],
    [/<(title|h1)>\s*429\b/i, 'resource-exhausted', 'A proxy on the way limits the rate of requests.'],
    [/^\s*<(!doctype|html|\?xml)/i, 'server-not-ready', 'A proxy answers instead of ClickHouse: see what it says.'],
    [/^(502 |503 |504 )?(Bad Gateway|Service (Temporarily )?Unavailable|Gateway Time-?out)\b/i, 'server-not-ready'],
    [/^(upstream connect error|no healthy upstream)/i, 'server-not-ready'],
    [/URL is malformed|^ClickHouse URL protocol must|^Only HTTP and HTTPS protocols|^Unknown URL parameters/,
      'client-misuse'],
    [/has invalid (boolean |numeric )?value: |is (less than min|greater than max) allowed|^Both access token and/,
      'client-misuse'],
    [/^Unexpected encoding: /, 'protocol-mismatch'],
  ],
  // An answer without a body: only a proxy gives one.
  ownTexts: [[/^\s*$/, 'server-not-ready']],
  sessionless: true,
  // Without transactions, what ends an INSERT half-way leaves the blocks that were written.
  rejected: (error, { reason }) =>
    codeOf(error, true) !== undefined &&
    ['query-error', 'authentication-failed', 'access-denied', 'database-not-found', 'read-only'].includes(
      reason,
    ),
}
