import type { Config } from '../config/config.js'
import { formatMs, parseDuration } from '../core/options.js'
import { parseTarget } from '../core/target.js'
import type { Aim, WaitResult } from '../gate/outcome.js'
import { startReaper } from '../io/reaper.js'
import { untilAborted } from '../io/resolve.js'
import { abortOnSignals, Interrupted, statusOfSignal } from '../io/signals.js'
import { loadService, SCHEMES } from '../services/registry.js'
import { handOver } from '../standin/handover.js'
import { needsOf } from '../standin/needs.js'
import { type Settled, type SettleOptions, settle } from '../standin/settle.js'
import type { Call, Values } from './call.js'
import { runTold } from './command.js'
import type { Decision } from './output/json.js'
import { Reporting } from './reporting.js'
import { type Asked, askedServices } from './services.js'
import { resolveTargets } from './targets.js'
import { handoversOf } from './variables.js'
import { aimsOf, statusOfOutcome } from './wait.js'
import { type Entry, UnsetVariable } from './wanted.js'

/** One service of COMMAND's, and what became of it. */
interface Served extends Settled, Asked {}

/** `holdfast test` */
export async function testVerb({ targets, command = [], values }: Call): Promise<number> {
  const { env } = process
  const { signal, restore } = abortOnSignals()
  const ci = env.CI === 'true' || env.CI === '1'
  const unset: UnsetVariable[] = []
  const { wanted, loaded } = await untilAborted(
    resolveTargets(targets, values.text('config'), env, entry => orUnset(entry, unset)),
    signal,
  )
  const aims = await aimsOf(wanted, values, loaded?.config)
  const { services, needs: required } = loaded?.config.test ?? {}
  const shared = { ...settingsOf(values, loaded?.config), ci }
  // Where an address is promised, its absence is a mistake.
  if (unset[0] && ci && !shared.allowStandIn) throw unset[0]
  const asked = askedServices(wanted, values.listOr('service', services), unset)
  const needs = needsOf(
    values.listOr('needs', required),
    asked.map(one => one.service),
    values.list('needs').length > 0 ? '--needs' : 'test.needs',
  )
  const reporting = await Reporting.of(
    values,
    env,
    wanted.map(one => one.target),
  )
  const reaper = startReaper()
  const begun = Date.now()
  const settling = {
    ...shared,
    reaper,
    logins: new Map(),
    signal,
    onVerdict: reporting.verdict.bind(reporting),
  }
  const served: Served[] = []
  try {
    await Promise.all(
      asked.map(async (one, i) => {
        served[i] = await serve(one, aims[i], { ...settling, needs: needs.get(one.service) ?? [] })
      }),
    )
    signal.throwIfAborted()
    const failed = served.find(one => one.choice.decision === 'fail')
    const exitStatus = failed ? statusOfOutcome(failed.outcome) : 0
    await tell(reporting, served, exitStatus, Date.now() - begun)
    if (failed) return exitStatus
    const running = runTold(command, reaper, handOver(env, await handoversOf(served, env)))
    // Not before: a signal in between would end us, and not reach COMMAND.
    restore()
    return await running
  } catch (error) {
    if (error instanceof Interrupted) return statusOfSignal(error.signalName)
    throw error
  } finally {
    restore()
    await Promise.all(served.map(({ choice }) => choice.decision === 'stand-in' && choice.standIn.close()))
    await reaper.close()
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

function settingsOf(values: Values, config: Config = {}) {
  const allowed = (name: string, configured: boolean | undefined) => values.flag(name) || configured
  return {
    allowStandIn: allowed('allow-stand-in', config.test?.allowStandIn),
    allowSkip: allowed('allow-skip', config.test?.allowSkip),
    timeoutMs: values.number('timeout') ?? parseDuration(config.timeout ?? '10s', 'timeout'),
    attemptTimeoutMs:
      values.number('attempt-timeout') ?? parseDuration(config.attemptTimeout ?? '4s', 'attemptTimeout'),
  }
}

async function serve(
  asked: Asked,
  aim: Aim | undefined,
  shared: Omit<SettleOptions, 'service' | 'parse' | 'aim'>,
): Promise<Served> {
  const service = await loadService(asked.service)
  const parse = (url: string) => parseTarget(url, { schemes: SCHEMES, name: asked.name, source: 'stand-in' })
  return { ...asked, ...(await settle({ ...shared, aim, service, parse })) }
}

async function tell(
  reporting: Reporting,
  served: readonly Served[],
  exitStatus: number,
  durationMs: number,
): Promise<void> {
  const outcomes = served.flatMap(one => (one.outcome ? [one.outcome] : []))
  const culprit = served.find(one => one.choice.decision === 'fail')?.outcome
  const result: WaitResult = { ok: exitStatus === 0, durationMs, outcomes, ...(culprit ? { culprit } : {}) }
  await reporting.end({
    verb: 'test',
    result,
    exitStatus,
    goal: 'ready',
    decisions: served.flatMap(decisionOf),
  })
  if (!reporting.text) return
  for (const { name, choice } of served) {
    const started = choice.decision === 'stand-in' ? ` Started in ${formatMs(choice.standIn.startedMs)}.` : ''
    reporting.say(`holdfast: ${name}: ${choice.decision}: ${choice.message}${started}`)
  }
}

function decisionOf({ name, service, wanted, choice }: Served): Decision[] {
  if (choice.decision === 'fail') return []
  const { decision, message, passedOver } = choice
  const base = { service, target: name, decision, message, ...(passedOver ? { passedOver } : {}) }
  if (choice.decision === 'real') return [base]
  // Without a configured address there is no verdict, only that.
  const reason = wanted ? { reason: choice.verdict.finding.reason } : {}
  return [{ ...base, ...reason, ...(choice.decision === 'stand-in' ? { with: choice.with } : {}) }]
}
