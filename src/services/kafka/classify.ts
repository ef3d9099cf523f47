import type { ReasonId } from '../../core/reasons.js'
import { byNumber } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/** Error code → reason; any other is an error of the request. Source: Kafka's protocol guide, "Error Codes". */
const BY_CODE = byNumber({
  'connection-lost': [13],
  'server-not-ready': [5, 6, 8, 9, 14, 15, 16, 19, 20, 27, 41, 72, 74, 75],
  'resource-exhausted': [56, 89],
  'authentication-failed': [58, 62, 66],
  'access-denied': [29, 30, 31, 53, 65],
  'client-misuse': [33, 34, 54],
  'protocol-mismatch': [35],
  'schema-missing': [3],
  'statement-timeout': [7],
  'transaction-conflict': [51],
})

/** The names that the guide and kafkajs (`type`) give to the codes of the table. */
const NAMES: Readonly<Record<string, number>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_FOR_PARTITION: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  NETWORK_EXCEPTION: 13,
  GROUP_LOAD_IN_PROGRESS: 14,
  GROUP_COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR_FOR_GROUP: 16,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  NOT_CONTROLLER: 41,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  SECURITY_DISABLED: 54,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  DELEGATION_TOKEN_NOT_FOUND: 62,
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 65,
  DELEGATION_TOKEN_EXPIRED: 66,
  LISTENER_NOT_FOUND: 72,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  THROTTLING_QUOTA_EXCEEDED: 89,
}

export const nameOf = (code: number): string =>
  Object.entries(NAMES).find(([, number]) => number === code)?.[0] ?? `error ${code}`

export const reasonOfCode = (code: number): ReasonId => BY_CODE.get(code) ?? 'query-error'

/** So many names, and as long ones, that a broker sends are repeated. */
const [MOST, LONGEST] = [8, 64]

/** A name as a message may hold it. One that is too long is not cut: of a secret that is cut no redactor finds the rest. */
export const short = (name: string): string => (name.length > LONGEST ? `(${name.length} characters)` : name)

/** The first names of a list. */
export const listed = (names: readonly string[]): string =>
  [...names.slice(0, MOST).map(short), ...(names.length > MOST ? ['others'] : [])].join(', ')

/** What an error code of a broker means. */
export const byCode = (code: number, message = nameOf(code)): Finding => ({
  reason: reasonOfCode(code),
  code: String(code),
  message,
})

/** What a broker's error means: a number as `code` and its name as `type`, as kafkajs has them. */
export function classifyKafka(error: unknown): Finding | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, type, message } = error as Record<string, unknown>
  if (typeof code !== 'number' || typeof type !== 'string' || !/^[A-Z][A-Z_]+$/.test(type)) return undefined
  return byCode(code, typeof message === 'string' ? message : type)
}
