import type { Concern } from '../../core/concern.js'
import { formatMs } from '../../core/options.js'
import { reasonOf } from '../../core/reasons.js'
import type { Health, Session } from '../../core/service.js'
import type { NotReady, Server, Verdict } from '../../core/verdict.js'
import { holds } from '../examine.js'
import type { Outcome } from '../outcome.js'
import type { Fault, Patient } from './checkup.js'
import { latency } from './latency.js'

export interface Seen {
  readonly ok: boolean
  readonly message: string
}

/** Why a second connection is not tried after a first one that failed for good. */
export function noRetry({ finding: { reason } }: NotReady): string {
  return reason === 'authentication-failed'
    ? 'the login was rejected, and more tries may lock the account'
    : `${reason} does not heal by itself`
}

export const healsAt = ({ finding: { reason } }: NotReady): boolean =>
  reasonOf(reason).heals !== 'never' && reason !== 'database-not-found'

/** What the first connection showed. */
export function basicSeen({ verdict }: Outcome): Seen {
  if (!verdict.ready) return failureSeen(verdict)
  return { ok: true, message: nameOf(verdict.server) }
}

export function retrySeen({ verdict, attempts }: Outcome, first: boolean): Seen {
  if (!verdict.ready)
    return { ok: false, message: `${plural(attempts, 'try', 'tries')}: ${failureSeen(verdict).message}` }
  return { ok: true, message: `${first ? 'a second connection' : 'connected after all'}, at try ${attempts}` }
}

const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

const failureSeen = ({ finding, layer }: NotReady): Seen => ({
  ok: false,
  message: `${finding.reason} at ${layer}: ${finding.message}`,
})

export const nameOf = ({ product, version, via }: Server): string =>
  [product, version?.split(' ')[0], via && `via ${via}`].filter(Boolean).join(' ')

/** Facts and concerns of a session, with how quickly it answers. */
export async function healthOf(session: Session, now: () => number): Promise<Health> {
  const server = await (session.inspect?.() ?? session.server)
  const own = (await session.health?.()) ?? { facts: {}, concerns: [] }
  const times = await latency(session, now)
  return { facts: { ...factsOf(server), ...own.facts, ...times }, concerns: own.concerns }
}

const factsOf = ({ product, version, ageMs, via }: Server): Health['facts'] => ({
  product,
  ...(version ? { version } : {}),
  ...(ageMs === undefined ? {} : { uptimeMs: ageMs }),
  ...(via ? { via } : {}),
})

/** The facts that a reader wants to see first, and whether a concern is grave. */
export function healthSeen(facts: Health['facts'], concerns: readonly Concern[]): Seen {
  const { uptimeMs, connectionsUsed, connectionsMax, latencyP50Ms, latencyP95Ms } = facts
  const parts = [
    typeof uptimeMs === 'number' && `up ${formatMs(uptimeMs)}`,
    connectionsUsed !== undefined && connectionsMax !== undefined
      ? `${connectionsUsed} of ${connectionsMax} connections used`
      : false,
    latencyP50Ms !== undefined && `answers in ${latencyP50Ms} ms (95 %: ${latencyP95Ms} ms)`,
    concerns.length > 0 && plural(concerns.length, 'concern'),
  ].filter(part => part !== false)
  return {
    ok: !concerns.some(({ level }) => level === 'error'),
    message: parts.join(', ') || 'the server tells nothing more of itself',
  }
}

/** Why nothing can be compared, or undefined where something can. */
export function nothingExpected({ target, service, expect, queries = [] }: Patient): string | undefined {
  if (expect || queries.length > 0) return undefined
  return service.abilities.includes('schema')
    ? `nothing is expected; name it in holdfast.config: targets.${target.name}.schema = { tables: […] }`
    : `${service.name} has no schema`
}

/** Compares what is there with what is expected. Throws a ProbeError for a statement that does not hold. */
export async function schemaSeen(session: Session, { expect, queries = [] }: Patient): Promise<Seen> {
  const missing = expect && (await session.missing?.(expect))
  if (missing) return { ok: false, message: `missing: ${missing}` }
  for (const text of queries) await holds(session, text)
  const { tables = [], columns = [], extensions = [], migration } = expect ?? {}
  const counts = [
    [tables.length, 'table'],
    [columns.length, 'column'],
    [extensions.length, 'extension'],
    [queries.length, 'statement'],
  ] as const
  const parts = counts.flatMap(([n, what]) => (n > 0 ? [plural(n, what)] : []))
  return { ok: true, message: [...parts, ...(migration ? [`migration ${migration}`] : [])].join(', ') }
}

/** The verdict in the words of the advice. */
export function told(verdict: Verdict, fault: Fault | undefined): Verdict {
  if (verdict.ready || !fault) return verdict
  const { message, advice } = fault
  return { ...verdict, finding: { ...verdict.finding, message, advice } }
}

/** Why an examination has nothing to go by. */
export const unreached = ({ finding: { reason } }: NotReady): string => `no connection: ${reason}`
