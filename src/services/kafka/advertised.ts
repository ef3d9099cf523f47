import { classifyTransport } from '../../core/classify.js'
import { ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { systemClock } from '../../io/clock.js'
import { dial } from '../../io/dial.js'
import { isLiteral, resolveHost } from '../../io/resolve.js'
import type { Broker } from '../../wire/kafka.js'
import { short } from './classify.js'

/** How long the advertised brokers may take to accept, in milliseconds. */
const PATIENCE_MS = 2000

/** So many brokers are tried: one that can be reached is enough. */
const MOST = 8

/**
 * A client leaves the address that it was given, and goes where the brokers say they are: advertised.listeners, which
 * inside a container, or behind a load balancer, often names a place that only the brokers can reach.
 * @throws ProbeError where none of them accepts a connection from here.
 */
export async function reachable(
  brokers: readonly Broker[],
  { hosts }: Target,
  signal: AbortSignal,
): Promise<void> {
  // Of several hosts it is not known which one was reached, and a broker may name another of them.
  const [only, ...others] = hosts
  const reached = others.length === 0 && only && 'host' in only ? only : undefined
  if (brokers.some(({ host, port }) => host === reached?.host && port === reached.port)) return
  const limited = systemClock.deadline(PATIENCE_MS, signal)
  try {
    await Promise.any(brokers.slice(0, MOST).map(broker => knock(broker, limited.signal)))
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const causes = (error as AggregateError).errors.map(one => classifyTransport(one))
    const what = brokers
      .slice(0, MOST)
      .map(({ host, port }, i) => `${short(host)}:${port} (${told(causes[i])})`)
    const code = causes.find(cause => cause.code)?.code
    throw new ProbeError({
      reason: 'host-unreachable',
      ...(code ? { code } : {}),
      message: `the broker answers, but sends clients to ${what.join(', ')}`,
      advice:
        'Set advertised.listeners of the broker to a name and port that are reached from here, or run the check where the clients run.',
    })
  } finally {
    limited.clear()
  }
}

const told = (cause: { readonly code?: string; readonly reason: string } | undefined): string =>
  cause?.code ?? cause?.reason ?? 'no answer'

async function knock({ host, port }: Broker, signal: AbortSignal): Promise<void> {
  const found = isLiteral(host) ? [{ address: host }] : await resolveHost(host, signal)
  const { socket } = await dial(
    found.map(({ address }) => ({ address, port })),
    signal,
  )
  socket.on('error', () => {})
  socket.destroy()
}
