import { findConfig } from '../config/find.js'
import { formatMs } from '../core/options.js'
import type { WaitResult } from '../gate/outcome.js'
import { startReaper } from '../io/reaper.js'
import { untilAborted } from '../io/resolve.js'
import { abortOnSignals, Interrupted, statusOfSignal } from '../io/signals.js'
import { Hosting } from '../testing/hosting.js'
import { journalFor } from '../testing/journal.js'
import { Looks } from '../testing/looks.js'
import type { Offer } from '../testing/offer.js'
import { planTests } from '../testing/plan.js'
import { decisionOf, type Served, serve } from '../testing/served.js'
import type { Wishes } from '../testing/wishes.js'
import type { Call } from './call.js'
import { runTold } from './command.js'
import { unlooked } from './output/unlooked.js'
import { Reporting } from './reporting.js'
import { statusOfOutcome } from './wait.js'

/** `holdfast test` */
export async function testVerb({ targets, command = [], values }: Call): Promise<number> {
  const { env } = process
  const { signal, restore } = abortOnSignals()
  const given = (name: string) => (values.list(name).length > 0 ? values.list(name) : undefined)
  const wishes: Wishes = {
    targets,
    configFile: values.text('config'),
    services: given('service'),
    needs: given('needs'),
    allowStandIn: values.flag('allow-stand-in') || undefined,
    allowSkip: values.flag('allow-skip') || undefined,
    require: values.list('require'),
    timeoutMs: values.number('timeout'),
    attemptTimeoutMs: values.number('attempt-timeout'),
  }
  const plan = await untilAborted(planTests(wishes, env), signal)
  const reporting = await Reporting.of(
    values,
    env,
    plan.needs.flatMap(one => (one.wanted ? [one.wanted.target] : [])),
  )
  const onProgress = (text: string) => reporting.say(`holdfast: ${text}`)
  const cwd = process.cwd()
  const journal = journalFor(
    { config: plan.config, configFile: values.text('config') ?? findConfig(cwd), cwd },
    env,
    { warn: onProgress, note: text => values.flag('verbose') && onProgress(text) },
  )
  const reaper = startReaper()
  const begun = Date.now()
  const onVerdict = reporting.verdict.bind(reporting)
  const looks = new Looks(plan, { afresh: true, logins: new Map(), signal, onVerdict })
  const served: Served[] = []
  let offer: Offer | undefined
  const hosting = new Hosting(command, onProgress, journal)
  const record = (exitStatus?: number) => hosting.record(served, exitStatus)
  try {
    await Promise.all(
      plan.needs.map(async (one, i) => {
        served[i] = await serve(one, plan, { reaper, looks, signal, onProgress })
      }),
    )
    signal.throwIfAborted()
    const failed = served.find(one => one.choice.decision === 'fail')
    const exitStatus = failed ? statusOfOutcome(failed.outcome) : 0
    await tell(reporting, served, exitStatus, Date.now() - begun)
    await record()
    if (failed) {
      await record(exitStatus)
      return exitStatus
    }
    const { offerDatabases } = await import('../testing/offer.js')
    const { allowRemote = [], ...isolation } = plan.config.test?.isolation ?? {}
    offer = await offerDatabases(
      served,
      env,
      { ...isolation, allowRemote: [...allowRemote, ...values.list('allow-remote')] },
      text => reporting.say(text),
    )
    const handed = await hosting.environment(served, wishes, reaper)
    const running = runTold(command, reaper, { ...handed, ...offer?.env })
    // Not before: a signal in between would end us, and not reach COMMAND.
    restore()
    const status = await running
    await record(status)
    return status
  } catch (error) {
    if (error instanceof Interrupted) return statusOfSignal(error.signalName)
    throw error
  } finally {
    restore()
    await offer?.close()
    await hosting.close()
    await Promise.all(served.map(({ choice }) => choice.decision === 'stand-in' && choice.standIn.close()))
    await reaper.close()
  }
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
    decisions: served.map(decisionOf).filter(one => one.decision !== 'fail'),
  })
  if (!reporting.text) return
  if (outcomes.length === 0 && (!result.ok || !reporting.values.flag('quiet')))
    process.stderr.write(unlooked(served, reporting.paint))
  for (const { name, choice } of served) {
    const started = choice.decision === 'stand-in' ? ` Started in ${formatMs(choice.standIn.startedMs)}.` : ''
    const line = `holdfast: ${name}: ${choice.decision}: ${choice.message}${started}`
    if (choice.decision === 'fail') process.stderr.write(`${line}\n`)
    else reporting.say(line)
  }
}
