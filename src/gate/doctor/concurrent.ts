import { MAX_CONNECTIONS } from '../../core/options.js'
import type { Session } from '../../core/service.js'
import type { NotReady } from '../../core/verdict.js'
import { type Resolve, resolveHost } from '../../io/resolve.js'
import { noted } from '../farewell.js'
import type { ProbeOptions } from '../options.js'
import { type Probed, probeOnce } from '../probe.js'
import type { Patient } from './checkup.js'

export interface Concurrency {
  readonly ok: boolean
  readonly message: string
  /** One of the sessions, left open; the caller closes it. */
  readonly session: Session | undefined
  /** The most frequent failure. */
  readonly failure: NotReady | undefined
}

/** How many sessions the program may hold at once, by its pool. */
export const poolSize = ({ pool }: Pick<Patient, 'pool'>): number | undefined =>
  pool && pool.max * (pool.processes ?? 1)

/** Opens so many connections as are wanted, holds them until each has answered, and judges how many did. */
export async function concurrent(
  patient: Patient,
  wanted: { readonly connections: number; readonly threshold: number },
  options: ProbeOptions,
): Promise<Concurrency> {
  const pool = poolSize(patient)
  const count = Math.max(wanted.connections, Math.min(pool ?? 0, MAX_CONNECTIONS))
  const settings = { ...options, until: patient.until === 'write' ? 'query' : patient.until } as const
  const quiet = { ...settings, details: false, identify: false, resolve: once(options.resolve) }
  const probes: Probed[] = await Promise.all(
    Array.from({ length: count }, () => probeOnce(patient.target, patient.service, quiet)),
  )
  const [session, ...others] = probes.flatMap(one => (one.session ? [one.session] : []))
  await Promise.all(others.map(other => noted(other.close())))
  const verdicts = probes.map(one => one.verdict)
  const answered = verdicts.filter(({ ready }) => ready).length
  const failure = mostFrequent(verdicts.filter(verdict => !verdict.ready))
  return { ...judge(answered, wanted, pool, failure), session, failure }
}

/** What it means that so many answered. */
export function judge(
  answered: number,
  { connections, threshold }: { readonly connections: number; readonly threshold: number },
  pool: number | undefined,
  failure: NotReady | undefined,
): { readonly ok: boolean; readonly message: string } {
  const good = Math.min(answered, connections)
  const enough = good * 100 >= connections * threshold
  const filled = pool === undefined || answered >= Math.min(pool, MAX_CONNECTIONS)
  const parts = [
    `${good} of ${connections} connections answered${good < connections ? `, ${threshold} % must` : ''}`,
    ...(pool === undefined ? [] : [fillOf(pool, answered)]),
  ]
  const why = failure && `: ${failure.finding.reason} (${failure.finding.message})`
  return { ok: enough && filled, message: `${parts.join('; ')}${why ?? ''}` }
}

function fillOf(pool: number, answered: number): string {
  if (pool > MAX_CONNECTIONS)
    return `the pool of ${pool} was tried up to ${MAX_CONNECTIONS}: ${Math.min(answered, MAX_CONNECTIONS)} answered`
  return answered >= pool
    ? `the pool of ${pool} can be filled`
    : `the pool of ${pool} cannot: ${answered} answered`
}

function mostFrequent(failures: readonly NotReady[]): NotReady | undefined {
  const count = (one: NotReady) =>
    failures.filter(other => other.finding.reason === one.finding.reason).length
  return [...failures].sort((a, b) => count(b) - count(a))[0]
}

/** Many connections at the same time need one look-up. */
function once(resolve: Resolve = resolveHost): Resolve {
  const asked = new Map<string, ReturnType<Resolve>>()
  return (host, signal) => {
    const found = asked.get(host) ?? resolve(host, signal)
    asked.set(host, found)
    return found
  }
}
