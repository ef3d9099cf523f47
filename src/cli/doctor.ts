import type { Config } from '../config/config.js'
import { usage } from '../core/errors.js'
import { parseDuration } from '../core/options.js'
import type { Patient } from '../gate/doctor/checkup.js'
import { statusOfCheckups } from '../gate/doctor/checkup.js'
import { examineAll } from '../gate/doctor/doctor.js'
import type { Depth } from '../gate/options.js'
import { monotonic } from '../io/clock.js'
import { untilAborted } from '../io/resolve.js'
import { abortOnSignals, Interrupted, statusOfSignal } from '../io/signals.js'
import { aimsOf } from '../targets/aims.js'
import { resolveTargets } from '../targets/resolve.js'
import type { Wanted } from '../targets/wanted.js'
import type { Call, Values } from './call.js'
import { noTarget } from './nothing.js'
import { DoctorReporting } from './output/doctor.js'

/** `holdfast doctor` */
export async function doctorVerb({ targets, values }: Call): Promise<number> {
  const { env } = process
  checkValues(values)
  const { signal, restore } = abortOnSignals()
  try {
    const { wanted, loaded } = await untilAborted(resolveTargets(targets, values.text('config'), env), signal)
    if (wanted.length === 0) throw noTarget('doctor')
    const patients = await patientsOf(wanted, values.text('until') as Depth | undefined)
    const reporting = await DoctorReporting.of(
      values,
      env,
      wanted.map(one => one.target),
    )
    const begun = monotonic()
    const checkups = await examineAll(patients, {
      ...optionsOf(values, loaded?.config),
      env,
      signal,
      onExamination: (target, examination) => reporting.examination(target, examination),
    })
    const { reason } = signal
    const exitStatus =
      reason instanceof Interrupted ? statusOfSignal(reason.signalName) : statusOfCheckups(checkups)
    await reporting.end({ checkups, exitStatus, durationMs: Math.round(monotonic() - begun) })
    return exitStatus
  } finally {
    restore()
  }
}

function checkValues(values: Values): void {
  const percent = values.number('threshold')
  if (percent !== undefined && percent > 100)
    throw usage(`--threshold: "${percent}" is not a percentage from 1 to 100`)
  for (const name of ['timeout', 'attempt-timeout'])
    if (values.number(name) === 0) throw usage(`--${name}: "0" leaves no time`)
  if (values.flag('quiet') && values.flag('all')) throw usage('--quiet contradicts --all; give one of them')
}

/** What the configuration asks to be written is not: only the option does that. */
async function patientsOf(wanted: readonly Wanted[], asked: Depth | undefined): Promise<Patient[]> {
  const aims = await aimsOf(wanted)
  return aims.map(({ target, service, probe = {} }, i) => {
    const { sources = [], pool, until: configured } = wanted[i] ?? {}
    const until = asked ?? (configured === 'write' ? 'query' : configured)
    return {
      target,
      service,
      sources,
      until: until === undefined || until === 'schema' ? 'query' : until,
      ...(probe.expect ? { expect: probe.expect } : {}),
      ...(probe.queries ? { queries: probe.queries } : {}),
      ...(pool ? { pool } : {}),
    }
  })
}

/** Flags and variables first, then the configuration. */
function optionsOf(values: Values, config: Config = {}) {
  const { doctor = {}, run } = config
  const ms = (name: string, configured: string | undefined) =>
    values.number(name) ?? (configured === undefined ? undefined : parseDuration(configured, name))
  const options = {
    timeoutMs: ms('timeout', config.timeout),
    attemptTimeoutMs: ms('attempt-timeout', config.attemptTimeout),
    connections: values.number('connections') ?? doctor.connections,
    threshold: values.number('threshold') ?? doctor.threshold,
    migrate: run?.migrate,
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Key in keyof typeof options]?: NonNullable<(typeof options)[Key]>
  }
}
