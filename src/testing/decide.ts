import { findConfig } from '../config/find.js'
import { monotonic, wallClock } from '../io/clock.js'
import type { Reaper } from '../io/reaper.js'
import type { Elsewhere } from '../standin/settle.js'
import type { Asking } from './asking.js'
import { ownEnvironment } from './environment.js'
import { providedOf } from './hand.js'
import { filledIn, heldIn } from './held.js'
import { heldFor, withHeld, within } from './holding.js'
import { askForStandIn, findKeeper, keeperOf } from './keeper/client.js'
import { tellingPart } from './keeper/wire.js'
import { Looks } from './looks.js'
import { type Decided, known, remember } from './memory.js'
import { planTests } from './plan.js'
import type { Provided } from './provided.js'
import { record, recordSync } from './record.js'
import { digest, runOf } from './run.js'
import { serve } from './served.js'
import { decideInChild } from './sync.js'
import { wantedOf } from './wanted.js'

export type DecideOptions = Asking

/**
 * What a suite gets: one for each name, of a target or of a service, in their order; without names all of the plan.
 * Under `holdfast test` that run's stand-ins and skips hold. With `suite` each decision becomes a record of the journal.
 *
 * @throws HoldfastError for a name, a configuration or an address that cannot be used; the signal's reason. A service
 * that is there and broken is no error but `fail`.
 */
export async function decide(names: readonly string[], options: DecideOptions = {}): Promise<Provided[]> {
  const began = monotonic()
  const decided = known(names, options) ?? remember(names, options, await decideAnew(names, options))
  await record(decided, options, monotonic() - began)
  return [...decided.provided]
}

/**
 * The same for a caller that cannot wait: what is known already at once, else by a program that it waits for, 200 ms
 * and what the look takes. `signal` cannot be heard meanwhile.
 */
export function decideSync(names: readonly string[], options: DecideOptions = {}): Provided[] {
  const began = monotonic()
  const decided = known(names, options) ?? remember(names, options, decideInChild(names, options))
  recordSync(decided, options, monotonic() - began)
  return [...decided.provided]
}

/** Whatever is remembered. */
export async function decideAnew(names: readonly string[], options: Asking): Promise<Decided> {
  const { env = ownEnvironment(), cwd = process.cwd(), signal = new AbortController().signal } = options
  const held = heldIn(env)
  const configFile = options.configFile ?? (env.HOLDFAST_CONFIG || findConfig(cwd))
  const plan = await planTests({ configFile }, filledIn(env, held))
  const wanted = wantedOf(withHeld(plan, held, names.length === 0), env, names, options.needs)
  const run = runOf({ ...process.env, ...env }, cwd)
  const looks = new Looks(plan, { logins: new Map(), signal, run: digest(run.root) })
  const parts = await Promise.all(
    wanted.map(async need => {
      const before = heldFor(need, held, env)
      if (before) return within(before, need, plan.ci, env)
      const elsewhere: Elsewhere = async (rung, settings) => {
        const asked = { target: need.name, service: need.service, rung, settings, cwd, env: tellingPart(env) }
        const socket = await findKeeper(run, env, signal)
        return { ...(await askForStandIn(socket, asked, signal)), close: async () => {} }
      }
      return serve(need, plan, { reaper: NOT_HERE, looks, signal, elsewhere })
    }),
  )
  const served = parts.flatMap(one => ('choice' in one ? [one] : []))
  const fresh = await providedOf(served, env, plan.needs)
  const looked = wanted.flatMap(({ aim }, i) => (aim && 'choice' in (parts[i] ?? {}) ? [looks.at(aim)] : []))
  const at = Math.min(wallClock(), ...(await Promise.all(looked)).map(one => one.at))
  const keeper = served.some(one => one.choice.decision === 'stand-in') ? keeperOf(run) : undefined
  return {
    provided: parts.map(one => ('choice' in one ? (fresh.shift() as Provided) : one)),
    until: at + plan.availabilityMs,
    journal: { configured: plan.config.journal, configFile },
    ...(keeper ? { keeper } : {}),
  }
}

/** Nothing is started in this process. */
const NOT_HERE: Reaper = {
  watch() {},
  mark: () => ({}),
  own() {},
  container() {},
  release() {},
  close: async () => {},
}
