import type { Concern } from '../core/concern.js'
import { openSession } from '../gate/open.js'
import type { Aim, WaitOptions } from '../gate/outcome.js'
import { systemClock } from '../io/clock.js'
import { untilAborted } from '../io/resolve.js'

/** How long one server may take to tell of itself, in milliseconds. */
const HEALTH_MS = 5000

/**
 * What the servers themselves are concerned about: a role with too many rights, a pool that is too large. A server
 * that does not tell is no reason to stop: it was ready.
 */
export async function liveConcerns(aims: readonly Aim[], options: WaitOptions): Promise<Concern[]> {
  const found = await Promise.all(
    aims.map(async aim => {
      const { session } = await openSession({ ...aim, probe: {} }, { ...options, details: false })
      if (!session) return []
      const limit = systemClock.deadline(HEALTH_MS, options.signal)
      try {
        const health = await untilAborted(session.health?.() ?? Promise.resolve(undefined), limit.signal)
        return (health?.concerns ?? []).map(concern => ({ target: aim.target.name, ...concern }))
      } catch {
        return []
      } finally {
        limit.clear()
        await session.close()
      }
    }),
  )
  options.signal?.throwIfAborted()
  return found.flat()
}
