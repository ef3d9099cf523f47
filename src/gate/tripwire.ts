import type { Session } from '../core/service.js'
import type { NotReady, Server } from '../core/verdict.js'
import { type Clock, childOf } from '../io/clock.js'
import { untilAborted } from '../io/resolve.js'
import type { Probed } from './probe.js'

export interface Tripwire {
  readonly stableMs: number
  readonly server: Server
  /** The session that is held; a service without one is only observed. */
  readonly session: Session | undefined
  readonly probe: () => Promise<Probed>
  /** How long one attempt, and so one question to the held session, may take. */
  readonly attemptMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * True when the server has been the same one for `stableMs`: at once where it is that old, else after holding
 * a session until it is, and comparing the incarnation on it and on a fresh login. Where the age cannot be
 * read, or a pooler hides restarts, the target is observed for `stableMs` instead. A heuristic: a server that
 * restarts later than that is not foreseen.
 */
export async function holdsStill(wire: Tripwire): Promise<true | NotReady> {
  const { stableMs, server } = wire
  if (stableMs <= 0) return true
  const { incarnation, via } = server
  const ageMs = server.servingMs ?? server.ageMs
  if (ageMs === undefined || incarnation === undefined || via) return observed(wire)
  if (ageMs >= stableMs) return true
  const left = stableMs - ageMs
  const growing = childOf(wire.signal)
  const closed = await Promise.race([
    wire.clock.sleep(left, growing.signal).then(
      () => false,
      () => false,
    ),
    wire.session?.closed.then(() => true) ?? new Promise<false>(() => {}),
  ])
  // No timer outlives the session that it was for.
  growing.abort(new Error('decided'))
  growing.clear()
  if (closed || wire.signal.aborted)
    return restarted(
      wire,
      closed ? 'the session that was held closed' : `it is younger than ${seconds(stableMs)}`,
    )
  const held = await stillHeld(wire)
  if (held === undefined) return restarted(wire, 'the session that was held does not answer any more')
  if (held.incarnation !== incarnation) return restarted(wire, 'the server is another one than before')
  const { verdict, session } = await wire.probe()
  await session?.close()
  if (!verdict.ready) return verdict
  return (
    verdict.server.incarnation === incarnation ||
    restarted(wire, 'a fresh login met another server than the held session')
  )
}

/** What the held session says now; undefined where it failed, or took longer than an attempt may. */
async function stillHeld({
  session,
  server,
  clock,
  attemptMs,
  signal,
}: Tripwire): Promise<Server | undefined> {
  if (!session?.inspect) return server
  const limit = clock.deadline(attemptMs, signal)
  return untilAborted(session.inspect(), limit.signal)
    .catch(() => undefined)
    .finally(limit.clear)
}

/** Asks again and again for the whole time; the first failure ends it, and so does a server that was born meanwhile. */
async function observed(wire: Tripwire): Promise<true | NotReady> {
  const begun = wire.clock.now()
  const end = begun + wire.stableMs
  const every = Math.min(Math.max(wire.stableMs / 10, 100), 500)
  while (wire.clock.now() < end) {
    await wire.clock.sleep(Math.min(every, end - wire.clock.now()), wire.signal).catch(() => {})
    if (wire.signal.aborted) return restarted(wire, `it was not seen ready for ${seconds(wire.stableMs)}`)
    const { verdict, session } = await wire.probe()
    await session?.close()
    if (!verdict.ready) return verdict
    // A pooler keeps its clients waiting while the server behind it restarts: no attempt fails. One that balances
    // between servers shows several incarnations, each of them old.
    const { ageMs, incarnation } = verdict.server
    const other = incarnation !== wire.server.incarnation
    if (other && ageMs !== undefined && ageMs < wire.clock.now() - begun)
      return restarted(wire, 'the server behind the pooler was restarted')
  }
  return true
}

const seconds = (ms: number): string => `${ms / 1000} s`

function restarted(wire: Tripwire, what: string): NotReady {
  return {
    target: '',
    ready: false,
    steps: [],
    heard: true,
    layer: 'query',
    finding: {
      reason: 'server-not-ready',
      code: 'UNSTABLE',
      message: `--stable ${seconds(wire.stableMs)}: ${what}`,
      advice:
        'The server was restarted, or is about to be: a temporary server of its initialisation, or a crash.',
    },
    server: wire.server,
  }
}
