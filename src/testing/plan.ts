import type { Config } from '../config/config.js'
import { parseDuration } from '../core/options.js'
import type { Aim } from '../gate/outcome.js'
import type { Env } from '../gate/variables.js'
import { needsOf } from '../standin/needs.js'
import { aimsOf } from '../targets/aims.js'
import { resolveTargets } from '../targets/resolve.js'
import { type Entry, UnsetVariable } from '../targets/wanted.js'
import { type Asked, askedServices } from './services.js'

/** What options say; each undefined where none is given. */
export interface Wishes {
  readonly targets?: readonly string[]
  readonly configFile?: string | undefined
  readonly services?: readonly string[] | undefined
  readonly needs?: readonly string[] | undefined
  readonly allowStandIn?: boolean | undefined
  readonly allowSkip?: boolean | undefined
  readonly timeoutMs?: number | undefined
  readonly attemptTimeoutMs?: number | undefined
}

/** One service that tests need, and what may become of it. */
export interface Need extends Asked {
  readonly aim: Aim | undefined
  /** Capabilities that a stand-in must have. */
  readonly needs: readonly string[]
}

/** Which services tests need, and what may take their places: before anything is connected. */
export interface TestPlan {
  readonly needs: readonly Need[]
  readonly config: Config
  readonly ci: boolean
  readonly allowStandIn: boolean | undefined
  readonly allowSkip: boolean | undefined
  /** How long to wait for a service that is starting, and for one attempt, in milliseconds. */
  readonly timeoutMs: number
  readonly attemptTimeoutMs: number
}

/** @throws HoldfastError for a configuration, an address or a name that cannot be used. */
export async function planTests(wishes: Wishes, env: Env): Promise<TestPlan> {
  const ci = env.CI === 'true' || env.CI === '1'
  const unset: UnsetVariable[] = []
  const { wanted, loaded } = await resolveTargets(wishes.targets ?? [], wishes.configFile, env, entry =>
    orUnset(entry, unset),
  )
  const config = loaded?.config ?? {}
  const { test = {} } = config
  const aims = await aimsOf(wanted, config)
  const allowStandIn = wishes.allowStandIn || test.allowStandIn
  // Where an address is promised, its absence is a mistake.
  if (unset[0] && ci && !allowStandIn) throw unset[0]
  const asked = askedServices(wanted, wishes.services ?? test.services ?? [], unset)
  const needs = needsOf(
    wishes.needs ?? test.needs ?? [],
    asked.map(one => one.service),
    wishes.needs ? '--needs' : 'test.needs',
  )
  return {
    needs: asked.map((one, i) => ({ ...one, aim: aims[i], needs: needs.get(one.service) ?? [] })),
    config,
    ci,
    allowStandIn,
    allowSkip: wishes.allowSkip || test.allowSkip,
    timeoutMs: wishes.timeoutMs ?? parseDuration(config.timeout ?? '10s', 'timeout'),
    attemptTimeoutMs:
      wishes.attemptTimeoutMs ?? parseDuration(config.attemptTimeout ?? '4s', 'attemptTimeout'),
  }
}

/** A target whose variable is not set is one that is not there. */
function orUnset(entry: () => Entry, unset: UnsetVariable[]): Entry[] {
  try {
    return [entry()]
  } catch (error) {
    if (!(error instanceof UnsetVariable)) throw error
    unset.push(error)
    return []
  }
}
