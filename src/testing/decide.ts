import { findConfig } from '../config/find.js'
import type { Env } from '../gate/variables.js'
import type { Reaper } from '../io/reaper.js'
import type { Rung } from '../standin/ladder.js'
import type { StandIn } from '../standin/stand-in.js'
import type { Asking } from './asking.js'
import { ownEnvironment } from './environment.js'
import { providedOf } from './hand.js'
import { type Held, heldIn, namedIn } from './held.js'
import { providedBy, shortOf } from './holding.js'
import { askForStandIn, findKeeper } from './keeper/client.js'
import { tellingPart } from './keeper/wire.js'
import { known, remember } from './memory.js'
import { type Need, planTests, type TestPlan } from './plan.js'
import type { Provided } from './provided.js'
import { runOf } from './run.js'
import { serve } from './served.js'
import { decideInChild } from './sync.js'
import { wantedOf } from './wanted.js'
import { wishesIn } from './wishes.js'

export type DecideOptions = Asking

/**
 * What a suite gets: one for each name, of a target or of a service, in their order; without names all of the plan.
 * Under `holdfast test` that run's stand-ins and skips hold.
 *
 * @throws HoldfastError for a name, a configuration or an address that cannot be used; the signal's reason. A service
 * that is there and broken is no error but `fail`.
 */
export async function decide(names: readonly string[], options: DecideOptions = {}): Promise<Provided[]> {
  const remembered = known(names, options)
  if (remembered) return [...remembered.provided]
  const at = Date.now()
  const provided = await decided(names, options)
  remember(names, options, provided, at)
  return provided
}

/**
 * The same for a caller that cannot wait: what is known already at once, else by a program that it waits for, 150 ms
 * and what the look takes. `signal` cannot be heard meanwhile.
 */
export function decideSync(names: readonly string[], options: DecideOptions = {}): Provided[] {
  const remembered = known(names, options)
  if (remembered) return [...remembered.provided]
  const at = Date.now()
  const provided = decideInChild(names, options)
  remember(names, options, provided, at)
  return provided
}

async function decided(names: readonly string[], options: DecideOptions): Promise<Provided[]> {
  const { env = ownEnvironment() } = options
  const held = heldIn(env)
  const asked = names.length === 0 ? held.map(one => one.target) : names
  const certain = asked.map(
    name => held.find(one => one.target === name) ?? held.find(one => one.service === name),
  )
  const settled = (one: Held | undefined) => one !== undefined && one.decision !== 'real'
  if (asked.length > 0 && certain.every(settled) && !options.needs?.length)
    return certain.flatMap(one => (one ? [providedBy(one, env)] : []))
  return planned(names, options, env, held)
}

async function planned(
  names: readonly string[],
  { needs, cwd = process.cwd(), signal = new AbortController().signal, configFile }: DecideOptions,
  env: Env,
  held: readonly Held[],
): Promise<Provided[]> {
  const wishes = wishesIn(env)
  const file = configFile ?? wishes.configFile ?? findConfig(cwd)
  // What this run has unset is no mistake of the environment.
  const leave = held.length > 0 ? { allowStandIn: true } : {}
  const made = await planTests({ ...wishes, ...leave, configFile: file }, env)
  const plan = { ...made, allowStandIn: wishes.allowStandIn || made.config.test?.allowStandIn }
  const wanted = wantedOf(plan, names, needs)
  const shared = {
    logins: new Map(),
    signal,
    reaper: NOT_HERE,
    onVerdict() {},
  }
  const parts = await Promise.all(
    wanted.map(async need => {
      const before = heldFor(need, held, env)
      if (before) return within(before, need, plan, env)
      const elsewhere = (rung: Rung<StandIn>) => start(rung, need, cwd, env, signal)
      return serve(need, plan, { ...shared, elsewhere })
    }),
  )
  const fresh = await providedOf(
    parts.flatMap(one => ('choice' in one ? [one] : [])),
    env,
  )
  return parts.map(one => ('choice' in one ? (fresh.shift() as Provided) : one))
}

/** What `holdfast test`, or a variable set by hand, says of it; a real one is looked at again. */
function heldFor(need: Need, held: readonly Held[], env: Env): Held | undefined {
  const { name, service, wanted } = need
  const found = held.find(one => one.target === name) ?? held.find(one => one.service === service)
  if (found) return found.decision === 'real' ? undefined : found
  const said = namedIn(env, name)
  return said && { ...said, target: name, service, sources: wanted?.sources ?? [] }
}

function within(held: Held, need: Need, { ci, allowSkip = !ci }: TestPlan, env: Env): Provided {
  const short = shortOf(held, need.needs)
  if (!short) return providedBy(held, env)
  const base = { name: need.name, service: need.service, message: short, env: {} }
  return allowSkip ? { ...base, decision: 'skip' } : { ...base, decision: 'fail', exitStatus: 69 }
}

/** The keeper starts it, so that it outlives this worker, and ends it with the run. */
async function start(
  { name: rung }: Rung<StandIn>,
  { name: target, service }: Need,
  cwd: string,
  env: Env,
  signal: AbortSignal,
): Promise<StandIn> {
  const socket = await findKeeper(runOf({ ...process.env, ...env }, cwd), env, signal)
  const asked = { target, service, rung, cwd, env: tellingPart(env) }
  return { ...(await askForStandIn(socket, asked, signal)), close: async () => {} }
}

/** Nothing is started in this process. */
const NOT_HERE: Reaper = {
  watch() {},
  mark: () => ({}),
  own() {},
  release() {},
  close: async () => {},
}
