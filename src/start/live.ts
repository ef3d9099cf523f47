import type { Concern } from '../core/concern.js'
import type { Health } from '../core/service.js'
import { noted } from '../gate/farewell.js'
import { openSession } from '../gate/open.js'
import type { Aim, WaitOptions } from '../gate/outcome.js'
import { systemClock } from '../io/clock.js'
import { untilAborted } from '../io/resolve.js'

/** What one server told of itself. */
export interface Live {
  readonly target: string
  readonly health: Health
}

/** How long one server may take to tell of itself, in milliseconds. */
const HEALTH_MS = 5000

/** What the servers told, and the names of those that could not be asked. */
export interface Told {
  readonly live: readonly Live[]
  readonly silent: readonly string[]
}

/** Asks every server that a login is made to. One that does not tell is no reason to stop: it was ready. */
export async function liveOf(aims: readonly Aim[], options: WaitOptions): Promise<Told> {
  const asked = aims.filter(aim => aim.service.abilities.length > 0 && aim.probe?.until !== 'tcp')
  const told = await Promise.all(asked.map(aim => healthOf(aim, options)))
  options.signal?.throwIfAborted()
  return {
    live: told.flatMap((health, i) => {
      const target = asked[i]?.target.name
      return health && health !== 'silent' && target ? [{ target, health }] : []
    }),
    silent: asked.filter((_, i) => told[i] === 'silent').map(({ target }) => target.name),
  }
}

/** Undefined where a service has nothing to tell. */
async function healthOf(aim: Aim, options: WaitOptions): Promise<Health | 'silent' | undefined> {
  const once = { ...options, details: false, timeoutMs: 0 }
  const { session, verdict } = await openSession({ ...aim, probe: {} }, once)
  if (!session) return verdict.ready ? undefined : 'silent'
  const limit = systemClock.deadline(HEALTH_MS, options.signal)
  try {
    return await untilAborted(session.health?.() ?? Promise.resolve(undefined), limit.signal)
  } catch {
    return 'silent'
  } finally {
    limit.clear()
    await noted(session.close())
  }
}

/**
 * What only a connection shows and no production needs. A server that is busy, full or out of support is doctor's
 * matter: a start that fails over it would only add to the trouble.
 */
export const LIVE_IDS = [
  'superuser-role',
  'no-password',
  'hba-trust',
  'md5-password',
  'password-encryption-md5',
  'trust-authentication',
] as const

export function liveConcerns(live: readonly Live[]): Concern[] {
  const ids: readonly string[] = LIVE_IDS
  return live.flatMap(({ target, health }) =>
    health.concerns.filter(({ id }) => ids.includes(id)).map(one => ({ target, ...one })),
  )
}
