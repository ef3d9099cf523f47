import type { Look } from '../../core/look.js'
import { type Circumstances, type Rules, TIME_LIMIT } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { reasonOf } from './classify.js'

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
  return { ...found, message: error.message, reason: reasonOf(Number(found.code), error.text('type')) }
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
