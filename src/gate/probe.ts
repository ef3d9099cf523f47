import type { Host } from '../core/hosts.js'
import type { ReasonId } from '../core/reasons.js'
import { ProbeError, type Service, type Session } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { NotReady, Server, Verdict } from '../core/verdict.js'
import { systemClock } from '../io/clock.js'
import type { Endpoint } from '../io/dial.js'
import { isLiteral, type Resolve, resolveHost, untilAborted } from '../io/resolve.js'
import { NetAttempt, Trace } from './attempt.js'
import { examine } from './examine.js'
import { cleaned, finding } from './explain.js'
import { unlessForeign } from './foreign.js'
import { ATTEMPT_TIMEOUT_MS, type ProbeOptions } from './options.js'
import { isGone } from './policy.js'

export interface Probed {
  readonly verdict: Verdict
  /** Open where the verdict is ready and the depth is beyond tcp; the caller closes it. */
  readonly session?: Session
}

/** One attempt through all layers of one target. Never rejects for a reason of the target's. */
export async function probeOnce(
  given: Target,
  service: Service,
  options: ProbeOptions = {},
): Promise<Probed> {
  const clock = options.clock ?? systemClock
  const trace = new Trace(() => clock.now())
  const end = clock.now() + (options.timeoutMs ?? ATTEMPT_TIMEOUT_MS)
  const failures: Failed[] = []
  let target = given
  if (given.srv) {
    const { seeded } = await import('./seeded.js')
    try {
      target = await seeded(
        given,
        given.srv,
        trace,
        clock.deadline(end - clock.now(), options.signal),
        options,
      )
    } catch (error) {
      return { verdict: notReady(given, service, trace, error) }
    }
  }
  for (const [i, host] of hostsOf(target).entries()) {
    const left = hostsOf(target).length - i
    const tried = await overAddresses(
      target,
      host,
      service,
      options,
      trace,
      (now, shares) => (end - now) / (left - 1 + shares),
    )
    if ('session' in tried) return ready(target, trace, tried.server, tried.session)
    failures.push(tried)
    if (options.signal?.aborted || !nextHostMayDiffer(tried.verdict)) break
  }
  // A host that answered tells more than one that did not, and one that accepts more than one that is gone.
  const told =
    failures.findLast(({ answered }) => answered) ??
    failures.findLast(({ verdict }) => !isGone(verdict)) ??
    failures.at(-1)
  const { verdict } = told ?? { verdict: notReady(target, service, trace, undefined) }
  return { verdict: { ...verdict, steps: trace.steps, heard: trace.heard } }
}

/** An `exec:` target has no host, yet is tried once. */
const hostsOf = (target: Target): readonly (Host | undefined)[] =>
  target.hosts.length > 0 ? target.hosts : [undefined]

/** libpq: a rejected login is final, and a driver stays with the host that let it in; all else moves on to the next. */
const nextHostMayDiffer = ({ finding: { reason }, layer }: NotReady): boolean =>
  !FINAL.includes(reason) && layer !== 'write'

const FINAL: readonly ReasonId[] = [
  'authentication-failed',
  'access-denied',
  'database-not-found',
  'client-misuse',
  'too-many-connections',
  'unmet',
  'schema-missing',
  'query-error',
]

interface Failed {
  readonly verdict: NotReady
  /** Whether the host said anything. */
  readonly answered: boolean
}

type Tried = { session: Session | undefined; server: Server } | Failed

/** Tries one host: an address that accepts and then says nothing does not hide another that works. */
async function overAddresses(
  given: Target,
  host: Host | undefined,
  service: Service,
  options: ProbeOptions,
  trace: Trace,
  share: (now: number, shares: number) => number,
): Promise<Tried> {
  const clock = options.clock ?? systemClock
  const target = host?.password ? { ...given, password: host.password } : given
  const within = async <T>(shares: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const { signal, clear } = clock.deadline(Math.max(1, share(clock.now(), shares)), options.signal)
    try {
      return await untilAborted(work(signal), signal)
    } finally {
      clear()
    }
  }
  let open: readonly Endpoint[] = []
  try {
    open = host
      ? await within(1, signal => endpoints(host, options.resolve ?? resolveHost, trace, signal))
      : []
  } catch (error) {
    return { verdict: notReady(target, service, trace, error), answered: false }
  }
  // What became of the first address that accepted: it tells more than others that refuse.
  let accepted: NotReady | undefined
  for (;;) {
    let attempt: NetAttempt | undefined
    try {
      return await within(Math.max(1, open.length), async signal => {
        attempt = new NetAttempt(
          target,
          host && 'host' in host ? host.host : 'localhost',
          open,
          trace,
          signal,
        )
        const examined = examine(target, service, attempt, options)
        return await (options.identify === false ? examined : unlessForeign(examined, target, attempt))
      })
    } catch (error) {
      attempt?.abandon()
      const reached = attempt?.reached
      const rest = reached ? open.filter(one => one !== reached) : []
      const verdict = notReady(target, service, trace, error)
      const answered = attempt?.heard || error instanceof ProbeError
      if (answered) return { verdict, answered }
      if (reached) accepted ??= verdict
      if (options.signal?.aborted || rest.length === 0) return { verdict: accepted ?? verdict, answered }
      open = rest
    }
  }
}

async function endpoints(
  host: Host,
  resolve: Resolve,
  trace: Trace,
  signal: AbortSignal,
): Promise<Endpoint[]> {
  if ('path' in host) return [host]
  const literal = host.address ?? (isLiteral(host.host) ? host.host : undefined)
  if (literal) return [{ address: literal, port: host.port }]
  const done = trace.begin('dns')
  try {
    const found = await resolve(host.host, signal)
    done({ state: 'ok', detail: found.map(one => one.address).join(', ') })
    return found.map(one => ({ address: one.address, port: host.port }))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!signal.aborted) done({ state: 'failed', ...(code ? { code } : {}) })
    throw error
  }
}

function ready(target: Target, trace: Trace, server: Server, session: Session | undefined): Probed {
  const steps = trace.steps.filter(step => step.state !== 'running')
  return {
    verdict: { target: target.name, ready: true, steps, heard: trace.heard, server: cleaned(target, server) },
    ...(session ? { session } : {}),
  }
}

function notReady(target: Target, service: Service, trace: Trace, error: unknown): NotReady {
  const server = error instanceof ProbeError ? error.server : undefined
  return {
    target: target.name,
    ready: false,
    steps: trace.steps,
    heard: trace.heard,
    layer: trace.layer,
    finding: finding(service, error, trace, target),
    ...(server ? { server: cleaned(target, server) } : {}),
  }
}
