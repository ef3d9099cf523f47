import type { Config } from '../config/config.js'
import { EXIT, usage } from '../core/errors.js'
import { parseDuration } from '../core/options.js'
import type { Depth } from '../gate/options.js'
import type { Outcome, WaitOptions, WaitResult } from '../gate/outcome.js'
import { waitForTargets } from '../gate/wait.js'
import { untilAborted } from '../io/resolve.js'
import { abortOnSignals, Interrupted, statusOfSignal } from '../io/signals.js'
import { aimsOf, type Question } from '../targets/aims.js'
import { resolveTargets } from '../targets/resolve.js'
import type { Call, Values } from './call.js'
import { Reporting } from './reporting.js'
import { CONTRADICTIONS } from './spec.js'

/** `holdfast wait` */
export async function waitVerb({ targets, command, values }: Call): Promise<number> {
  const { env } = process
  await checkContradictions(values)
  const { signal, restore } = abortOnSignals()
  const { wanted, loaded } = await untilAborted(resolveTargets(targets, values.text('config'), env), signal)
  if (wanted.length === 0) throw (await import('./nothing.js')).noTarget('wait')
  const aims = await aimsOf(wanted, loaded?.config, questionOf(values))
  const reporting = await Reporting.of(
    values,
    env,
    wanted.map(one => one.target),
  )
  const result = await waitForTargets(aims, {
    ...optionsOf(values, loaded?.config),
    details: reporting.detailed,
    signal,
    onVerdict: (verdict, progress) => reporting.verdict(verdict, progress),
  })
  const interrupted = () => {
    const { reason } = signal
    return reason instanceof Interrupted ? statusOfSignal(reason.signalName) : undefined
  }
  const exitStatus = interrupted() ?? statusOf(result, values.flag('once'))
  await reporting.end({ verb: 'wait', result, exitStatus, goal: values.flag('gone') ? 'gone' : 'ready' })
  if (exitStatus !== 0 || !command) return exitStatus
  const { runGuarded } = await import('./command.js')
  const late = interrupted()
  if (late !== undefined) return late
  const running = runGuarded(command)
  // Not before: a signal in between would end us, and not reach COMMAND.
  restore()
  return running
}

/** The first failing target decides: what does not heal is 78, a schema 65, all else 69. */
export function statusOf(result: WaitResult, once = false): number {
  if (result.ok) return EXIT.ok
  return once ? EXIT.findings : statusOfOutcome(result.culprit)
}

export function statusOfOutcome(outcome: Outcome | undefined): number {
  if (outcome?.state === 'broken') return EXIT.config
  return outcome && !outcome.verdict.ready && outcome.verdict.finding.reason === 'schema-missing'
    ? EXIT.schema
    : EXIT.unavailable
}

async function checkContradictions(values: Values): Promise<void> {
  for (const [one, others] of CONTRADICTIONS) {
    const other = others.find(name => values.given.has(name))
    // --json --format json says the same twice.
    if (!values.flag(one) || !other || values.text(other) === one) continue
    throw usage(`--${one} contradicts --${other}; give one of them`)
  }
  for (const name of ['timeout', 'attempt-timeout'])
    if (values.number(name) === 0) throw (await import('./nothing.js')).noTime(name)
}

export const questionOf = (values: Values): Question => ({
  until: values.text('until') as Depth | undefined,
  queries: values.list('query'),
  gone: values.flag('gone'),
})

/** Flags and variables first, then the configuration; what neither has keeps its default. */
function optionsOf(values: Values, config: Config = {}): WaitOptions {
  const ms = (name: string, configured: string | undefined) =>
    values.number(name) ?? (configured === undefined ? undefined : parseDuration(configured, name))
  const options = {
    timeoutMs: ms('timeout', config.timeout),
    attemptTimeoutMs: ms('attempt-timeout', config.attemptTimeout),
    graceMs: ms('grace', config.grace),
    stableMs: ms('stable', config.stable),
    connections: values.number('connections') ?? config.connections,
    once: values.flag('once'),
    any: values.flag('any'),
    gone: values.flag('gone'),
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
