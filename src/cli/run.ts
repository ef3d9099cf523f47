import { EXIT, usage } from '../core/errors.js'
import type { Outcome } from '../gate/outcome.js'
import { monotonic } from '../io/clock.js'
import { type Reaper, startReaper } from '../io/reaper.js'
import { untilAborted } from '../io/resolve.js'
import { abortOnSignals, Interrupted, statusOfSignal } from '../io/signals.js'
import { checkRequired } from '../start/infrastructure.js'
import { failedBy, preflight } from '../start/preflight.js'
import { checkProgram } from '../start/program.js'
import { Stages, skipped } from '../start/stages.js'
import type { Checked } from '../start/subject.js'
import { importCheck, smoke, type Trial, upFor } from '../start/trials.js'
import type { Call, Values, Verb } from './call.js'
import { runTold } from './command.js'
import { noTarget } from './nothing.js'
import { RunReport } from './output/run.js'
import { checkDashes, type Plan, planOf, waitOf } from './plan.js'

interface Start {
  readonly env: NodeJS.ProcessEnv
  readonly verbs: readonly Verb[]
  readonly report: RunReport
  readonly stages: Stages
  readonly outcomes: Outcome[]
  readonly signal: AbortSignal
  readonly reaper: Reaper
}

/** `holdfast run` */
export async function runVerb(call: Call, verbs: readonly Verb[]): Promise<number> {
  const { command, values } = call
  checkOptions(call)
  const { env } = process
  const report = new RunReport(values, env)
  const stages = new Stages(stage => report.stage(stage))
  const { signal, restore } = abortOnSignals()
  const reaper = startReaper()
  const begun = monotonic()
  const outcomes: Outcome[] = []
  const interrupted = () =>
    signal.reason instanceof Interrupted ? statusOfSignal(signal.reason.signalName) : undefined
  try {
    await stagesOf(call, { env, verbs, report, stages, outcomes, signal, reaper }).catch(error => {
      if (!(error instanceof Interrupted)) throw error
    })
    const exitStatus = interrupted() ?? stages.status
    report.end(exitStatus, Math.round(monotonic() - begun), outcomes, stages.all)
    if (exitStatus !== EXIT.ok || !command || values.flag('validate')) return exitStatus
    const running = runTold(command, reaper)
    // Not before: a signal in between would end us, and not reach COMMAND.
    restore()
    return await running
  } finally {
    restore()
    await reaper.close()
  }
}

/** Everything before COMMAND. Throws `Interrupted`. */
async function stagesOf(call: Call, start: Start): Promise<void> {
  const { values, command = [] } = call
  const { stages, signal, env, report } = start
  const validate = values.flag('validate')
  const { judging } = await import('./check.js')
  const { gather, judgeConfig, judgeDeploy, levelOf } = judging
  const level = values.text('fail-level')
  const asked = level === undefined ? undefined : levelOf(level, '--fail-level')
  const required = validate ? values.list('require') : undefined
  let plan: Plan | undefined
  let checked: Checked | undefined
  await stages.run('config', async () => {
    try {
      checked = await untilAborted(gather(call.targets, values.text('config'), start), signal)
    } catch (error) {
      return failedBy(error)
    }
    checkDashes(call, checked)
    try {
      const end = judgeConfig(checked)
      if (end.state !== 'passed') return end
      const made = await untilAborted(planOf(call, env), signal)
      checkRequired(required ?? [], made.aims)
      if (made.aims.length === 0 && !validate) throw noTarget('run', ' -- COMMAND')
      plan = made
      return end
    } catch (error) {
      return failedBy(error)
    }
  })
  const subject = checked
  const clean = (message: string) =>
    subject ? judging.hush([{ id: '', level: 'info', message }], subject)[0]?.message : ''
  const trial = trialOf(values, start, text => clean(text) ?? '')
  const configured = subject?.config.run
  if (validate)
    await staticStages(call, plan ? plan.smoke : configured?.smoke, trial, { ...start, usable: !!plan })
  if (!plan || !subject) {
    const migrates = values.text('migrate') ?? configured?.migrate
    const rest = [
      'wait',
      ...(migrates ? ['migrate'] : []),
      ...['schema', 'deploy'],
      ...(values.given.has('up-for') ? ['up'] : []),
    ]
    for (const stage of rest) await stages.run(stage, () => skipped('config failed'))
    return
  }
  const failLevel = asked ?? plan.config.check?.failLevel ?? 'warning'
  await preflight(
    {
      ...start,
      aims: plan.aims,
      migration: plan.migration,
      wait: { ...waitOf(values, plan.config), signal, onVerdict: report.verdict.bind(report) },
      lockTimeoutMs: values.number('lock-timeout') ?? 600_000,
      required,
      allowRemote: values.list('allow-remote'),
      deploy: (live, without) => judgeDeploy(subject, live, { failLevel, without }),
      say: text => report.say(text),
    },
    stages,
  )
  const forMs = values.number('up-for')
  if (!validate || forMs === undefined) return
  const { health } = plan
  const unfit = stages.all.some(({ stage, state }) => stage === 'command' && state === 'failed')
  await stages.run('up', () => (unfit ? skipped('command failed') : upFor(command, forMs, health, trial)))
}

async function staticStages(
  { command, values }: Call,
  configured: string | undefined,
  trial: Trial,
  { stages, env, usable }: Start & { usable: boolean },
): Promise<void> {
  await stages.run('command', () =>
    command ? checkProgram(command, env.PATH) : skipped('no COMMAND is given'),
  )
  const modules = values.list('import-check').flatMap(text => text.split(',').filter(Boolean))
  if (modules.length > 0) await stages.run('import-check', () => importCheck(modules, trial))
  const given = values.text('smoke')
  const line = given ?? configured
  // What stands in a configuration that cannot be used is not run.
  if (line) await stages.run('smoke', () => (usable || given ? smoke(line, trial) : skipped('config failed')))
}

function trialOf(values: Values, { env, signal, reaper }: Start, hush: Trial['hush']): Trial {
  return {
    env,
    signal,
    reaper,
    timeoutMs: values.number('check-timeout') ?? 30_000,
    stopGraceMs: values.number('stop-grace') ?? 10_000,
    hush,
  }
}

/** What makes sense only together with another option. */
const NEEDS: readonly (readonly [option: string, needed: string])[] = [
  ...['require', 'import-check', 'smoke', 'up-for'].map(name => [name, 'validate'] as const),
  ['check-timeout', 'validate'],
  ['allow-remote', 'validate'],
  ['health', 'up-for'],
  ['stop-grace', 'up-for'],
  ['migrate-target', 'migrate'],
]

function checkOptions({ values, command }: Call): void {
  for (const [option, needed] of NEEDS) {
    const configured = option === 'migrate-target'
    if (values.given.has(option) && !values.given.has(needed) && !configured)
      throw usage(`--${option} means nothing without --${needed}`)
  }
  if (values.given.has('up-for') && !command) throw usage('--up-for needs a COMMAND after --')
  for (const name of ['timeout', 'attempt-timeout', 'up-for', 'check-timeout'])
    if (values.number(name) === 0) throw usage(`--${name}: "0" leaves no time`)
  if (values.flag('quiet') && values.flag('verbose'))
    throw usage('--quiet contradicts --verbose; give one of them')
}
