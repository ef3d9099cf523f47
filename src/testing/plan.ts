import type { Config } from '../config/config.js'
import { isCi } from '../core/ci.js'
import { parseDuration } from '../core/options.js'
import type { Aim } from '../gate/outcome.js'
import type { Env } from '../gate/variables.js'
import { needsOf } from '../standin/needs.js'
import { aimsOf } from '../targets/aims.js'
import { resolveTargets } from '../targets/resolve.js'
import { type Entry, UnsetVariable } from '../targets/wanted.js'
import { heldIn } from './held.js'
import { type Offline, offlineBy } from './offline.js'
import { type Asked, askedServices } from './services.js'
import { type Strictness, strictnesses, withRequired } from './strictness.js'
import { type Wishes, withVariables } from './wishes.js'

/** One service that tests need, and what may become of it. */
export interface Need extends Asked {
  readonly aim: Aim | undefined
  /** What may take its place. */
  readonly usual: Strictness
  /** What may while there is no network; undefined where that is the same. */
  readonly offline: Strictness | undefined
}

/** Which services tests need, and what may take their places: before anything is connected. */
export interface TestPlan {
  readonly needs: readonly Need[]
  readonly config: Config
  readonly ci: boolean
  readonly offline: Offline
  /** How long to wait for a service that is starting, and for one attempt, in milliseconds. */
  readonly timeoutMs: number
  readonly attemptTimeoutMs: number
  /** How long an answer about a service holds for all processes, in milliseconds. */
  readonly availabilityMs: number
}

/**
 * Options come first, then variables (those of the options; HOLDFAST_REQUIRE, HOLDFAST_OFFLINE, HOLDFAST_AVAILABILITY), then the configuration.
 *
 * @throws HoldfastError for a configuration, an address or a name that cannot be used.
 */
export async function planTests(given: Wishes, env: Env): Promise<TestPlan> {
  const wishes = withVariables(given, env)
  const ci = isCi(env)
  const unset: UnsetVariable[] = []
  const { wanted, loaded } = await resolveTargets(wishes.targets ?? [], wishes.configFile, env, entry =>
    orUnset(entry, unset),
  )
  const config = loaded?.config ?? {}
  const { test = {} } = config
  const aims = await aimsOf(wanted, config)
  const configured = askedServices(wanted, wishes.services ?? test.services ?? [], unset)
  const asked = withRequired(configured, test, wishes, env)
  const services = [...asked, ...heldIn(env)].map(one => one.service)
  const needs = needsOf(wishes.needs ?? test.needs ?? [], services, wishes.needs ? '--needs' : 'test.needs')
  const { allowStandIn, allowSkip, require = [] } = wishes
  const strict = strictnesses(asked, test, { allowStandIn, allowSkip, needs, require }, env)
  for (const [i, { variable }] of asked.entries()) {
    const missing = unset.find(one => one.variable === variable)
    // Where an address is promised, its absence is a mistake.
    if (missing && ci && !strict[i]?.usual.allowStandIn) throw missing
  }
  return {
    needs: asked.map((one, i) => ({
      ...one,
      aim: aims[i],
      usual: strict[i]?.usual ?? { needs: [] },
      offline: strict[i]?.offline,
    })),
    config,
    ci,
    offline: offlineBy(env),
    timeoutMs: wishes.timeoutMs ?? parseDuration(config.timeout ?? '10s', 'timeout'),
    attemptTimeoutMs:
      wishes.attemptTimeoutMs ?? parseDuration(config.attemptTimeout ?? '4s', 'attemptTimeout'),
    availabilityMs: env.HOLDFAST_AVAILABILITY
      ? parseDuration(env.HOLDFAST_AVAILABILITY, 'HOLDFAST_AVAILABILITY')
      : parseDuration(test.availability ?? '30s', 'test.availability'),
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
