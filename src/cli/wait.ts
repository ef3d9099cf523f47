import type { Config } from '../config/config.js'
import { EXIT, usage } from '../core/errors.js'
import { parseDuration } from '../core/options.js'
import type { Service } from '../core/service.js'
import type { Depth } from '../gate/options.js'
import type { Aim, Outcome, WaitOptions, WaitResult } from '../gate/outcome.js'
import { waitForTargets } from '../gate/wait.js'
import { untilAborted } from '../io/resolve.js'
import { abortOnSignals, Interrupted, statusOfSignal } from '../io/signals.js'
import { loadService } from '../services/registry.js'
import type { Call, Values } from './call.js'
import { Reporting } from './reporting.js'
import { CONTRADICTIONS } from './spec.js'
import { resolveTargets } from './targets.js'
import { misfit, type Wanted } from './wanted.js'

/** `holdfast wait` */
export async function waitVerb({ targets, command, values }: Call): Promise<number> {
  const { env } = process
  checkContradictions(values)
  const { signal, restore } = abortOnSignals()
  const { wanted, loaded } = await untilAborted(resolveTargets(targets, values.text('config'), env), signal)
  if (wanted.length === 0) {
    throw usage(
      'no target: none is given, no configuration names one, and the environment has no DATABASE_URL, REDIS_URL, PGHOST or DB_HOST. Try: holdfast wait postgres://app@db:5432/app',
    )
  }
  const aims = await aimsOf(wanted, values, loaded?.config)
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

function checkContradictions(values: Values): void {
  for (const [one, others] of CONTRADICTIONS) {
    const other = others.find(name => values.given.has(name))
    // --json --format json says the same twice.
    if (!values.flag(one) || !other || values.text(other) === one) continue
    throw usage(`--${one} contradicts --${other}; give one of them`)
  }
  if (values.number('timeout') === 0)
    throw usage('--timeout: "0" leaves no time; use --once for a single attempt')
  if (values.number('attempt-timeout') === 0)
    throw usage('--attempt-timeout: "0" leaves no time for an attempt')
}

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

/** What is asked of each target, as deep as its service goes. */
export async function aimsOf(wanted: readonly Wanted[], values: Values, config: Config = {}): Promise<Aim[]> {
  const services = await Promise.all(wanted.map(one => loadService(one.target.service)))
  const command = wanted.find(one => one.target.service === 'exec')
  if (values.flag('gone') && command)
    throw usage(`--gone: "${command.target.name}" is a command; it cannot go away`)
  const asked = values.text('until') as Depth | undefined
  const queries = values.list('query')
  const able = (ability: Service['abilities'][number]) =>
    services.some(service => service.abilities.includes(ability))
  if (queries.length > 0 && !able('query'))
    throw usage(`--query: none of the targets (${names(services)}) takes SQL`)
  for (const depth of ['write', 'schema'] as const) {
    if (asked === depth && !able(depth))
      throw usage(`--until ${depth}: none of the targets (${names(services)}) has that layer`)
  }
  return wanted.flatMap((one, i) => {
    const service = services[i]
    return service ? [aimOf(one, service, asked ?? one.until ?? config.until ?? 'query', queries)] : []
  })
}

const names = (services: readonly Service[]): string =>
  [...new Set(services.map(service => service.name))].join(', ')

function aimOf(
  { target, queries = [], expect }: Wanted,
  service: Service,
  until: Depth,
  asked: readonly string[],
): Aim {
  const deep = until === 'write' || until === 'schema'
  if (until === 'schema' && service.abilities.includes('schema') && !expect) {
    throw usage(
      `--until schema: nothing says what "${target.name}" should hold; add schema: { tables: […] } to it in holdfast.config`,
    )
  }
  if (queries.length > 0 && !service.abilities.includes('query')) throw misfit(target.name, target, 'query')
  if (expect && !service.abilities.includes('schema')) throw misfit(target.name, target, 'schema')
  const all = service.abilities.includes('query') ? [...queries, ...asked] : []
  return {
    target,
    service,
    probe: {
      until: deep && !service.abilities.includes(until) ? 'query' : until,
      queries: all,
      ...(expect ? { expect } : {}),
    },
  }
}
