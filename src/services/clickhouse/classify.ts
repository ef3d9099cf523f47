import type { ReasonId } from '../../core/reasons.js'
import { byNumber } from '../../core/rules.js'
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

/** The reason of an error by its number and, where the modern format gives it, its name. */
export function reasonOf(code: number, name = ''): ReasonId {
  const named = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
  return named ?? BY_CODE.get(code) ?? 'query-error'
}

// biome-ignore format: a table
const ADVICE: Readonly<Record<number, string>> = {
  81: "Create it with CREATE DATABASE, or correct the database's name in the address.",
  164: 'The user may only read: its profile sets readonly. Use one that may write.',
  195: "Add the client's address to the user's networks.",
  291: "Add the database to the user's allow_databases.",
}

/** What an exception of the server means, wherever it stands: `Code: 81, e.displayText() = …` or `Code: 81. DB::Exception: …`. */
export function classifyClickHouse(error: unknown): Finding | undefined {
  const { message } = (error ?? {}) as { message?: unknown }
  if (typeof message !== 'string') return undefined
  const [, code, text] =
    /^Code: (\d{1,5})[.,] (?:e\.displayText\(\) = )?DB::(?:\w+)?Exception: ([\s\S]*)$/.exec(message) ?? []
  if (!code || text === undefined) return undefined
  const [, told = '', name] =
    /^([\s\S]*?)(?: \(([A-Z][A-Z0-9_]+)\))?(?:, e\.what\(\) = DB::\w+| \(version .*\))?\s*$/.exec(text) ?? []
  const advice = ADVICE[Number(code)]
  return { reason: reasonOf(Number(code), name), code, message: told, ...(advice ? { advice } : {}) }
}
