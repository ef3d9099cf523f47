import type { Session } from '../../core/service.js'

const PINGS = 20

/** How long the cheapest question takes on an open session, in milliseconds; nothing where there is none. */
export async function latency(
  session: Session,
  now: () => number,
): Promise<Readonly<Record<string, number>> | undefined> {
  const { ping } = session
  if (!ping) return undefined
  const times: number[] = []
  for (let n = 0; n < PINGS; n++) {
    const begun = now()
    await ping.call(session)
    times.push(now() - begun)
  }
  return {
    latencyP50Ms: round(percentile(times, 50)),
    latencyP95Ms: round(percentile(times, 95)),
    latencyMaxMs: round(Math.max(...times)),
  }
}

/** The nearest-rank percentile: the least value that so many percent do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

const round = (ms: number): number => Math.round(ms * 100) / 100
