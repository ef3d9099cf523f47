import type { ReasonId } from '../../core/reasons.js'
import { adviceOf } from '../../core/verdict.js'
import { accessDenied, databaseMissing, loginRejected, tlsFailed } from './advice/access.js'
import type { Advice, Adviser, Case } from './advice/case.js'
import { full, notReady, schemaLacks } from './advice/limits.js'
import { nameUnknown } from './advice/names.js'
import { refused, somethingElse } from './advice/ports.js'
import type { Fault } from './checkup.js'
import { argumentOf } from './edits.js'

/** The first that knows something is heard. */
const ADVISERS: Partial<Record<ReasonId, readonly Adviser[]>> = {
  'dns-failure': [nameUnknown],
  'connection-refused': refused,
  'connection-lost': [somethingElse],
  'connect-timeout': [somethingElse],
  'protocol-mismatch': [somethingElse],
  'server-not-ready': [notReady],
  'authentication-failed': [loginRejected],
  'access-denied': [accessDenied],
  'tls-failure': [tlsFailed],
  'database-not-found': [databaseMissing],
  'too-many-connections': [full],
  'schema-missing': [schemaLacks],
}

/** Names the fault, with its fix where one is known. */
export async function adviseOn(of: Case): Promise<Omit<Fault, 'by'>> {
  const { finding, layer } = of.verdict
  const { reason, code, message } = finding
  const found = (of.recovered ? passing(of) : undefined) ?? (await firstOf(ADVISERS[reason] ?? [], of))
  return {
    reason,
    layer,
    ...(code ? { code } : {}),
    message: found?.message ?? message,
    advice: found?.advice ?? adviceOf(finding),
    ...(found?.fix ? { fix: found.fix } : {}),
  }
}

async function firstOf(advisers: readonly Adviser[], of: Case): Promise<Advice | undefined> {
  for (const adviser of advisers) {
    const advice = await adviser(of)
    if (advice) return advice
  }
  return undefined
}

/** The first connection failed, a later one did not. */
function passing({ by, verdict, subject }: Case): Advice | undefined {
  if (by !== 'basic') return undefined
  return {
    message: `${verdict.finding.message}; a later connection worked`,
    advice: 'Wait for it before the program starts, and look for a restart or a lossy path.',
    fix: `holdfast wait ${argumentOf(subject)}`.trim(),
  }
}
