import type { Config } from '../config/config.js'
import { formatMs, parseDuration } from '../core/options.js'
import { parseTarget, type Target } from '../core/target.js'
import { discover, identity } from '../gate/discover.js'
import { libpqDefaults, type Source } from '../gate/variables.js'
import type { Aim, WaitResult } from '../gate/wait.js'
import { startReaper } from '../io/reaper.js'
import { untilAborted } from '../io/resolve.js'
import { abortOnSignals, Interrupted, statusOfSignal } from '../io/signals.js'
import { loadService, SCHEMES } from '../services/registry.js'
import { type Handover, handOver } from '../standin/handover.js'
import { type Settled, type SettleOptions, settle } from '../standin/settle.js'
import type { Call, Values } from './call.js'
import { runTold } from './command.js'
import type { Decision } from './output/json.js'
import { Reporting } from './reporting.js'
import { resolveTargets, userName, type Wanted } from './targets.js'
import { aimsOf, statusOfOutcome } from './wait.js'

/** The variable that takes an address which no variable named. */
const VARIABLES: Readonly<Record<string, string>> = { postgres: 'DATABASE_URL', redis: 'REDIS_URL' }

/** One service of COMMAND's, and what became of it. */
interface Served extends Settled {
  readonly name: string
  readonly service: string
  readonly wanted: Wanted | undefined
}

/** `holdfast test` */
export async function testVerb({ targets, command = [], values }: Call): Promise<number> {
  const { env } = process
  const { signal, restore } = abortOnSignals()
  const { wanted, loaded } = await untilAborted(resolveTargets(targets, values.text('config'), env), signal)
  const aims = await aimsOf(wanted, values, loaded?.config)
  const reporting = await Reporting.of(
    values,
    env,
    wanted.map(one => one.target),
  )
  const reaper = startReaper()
  const begun = Date.now()
  const shared = {
    ...settingsOf(values, loaded?.config),
    ci: env.CI === 'true' || env.CI === '1',
    reaper,
    signal,
    onVerdict: reporting.verdict.bind(reporting),
  }
  const served: Served[] = []
  try {
    // Without any target, what COMMAND needs is a PostgreSQL.
    const asked = wanted.length > 0 ? wanted : [undefined]
    await Promise.all(
      asked.map(async (one, i) => {
        served[i] = await serve(one, aims[i], shared)
      }),
    )
    signal.throwIfAborted()
    const failed = served.find(one => one.choice.decision === 'fail')
    const exitStatus = failed ? statusOfOutcome(failed.outcome) : 0
    await tell(reporting, served, exitStatus, Date.now() - begun)
    if (failed) return exitStatus
    const running = runTold(command, reaper, handOver(env, handoversOf(served, env)))
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
  wanted: Wanted | undefined,
  aim: Aim | undefined,
  shared: Omit<SettleOptions, 'service' | 'parse' | 'aim'>,
): Promise<Served> {
  const { name, service: kind } = wanted?.target ?? { name: 'postgres', service: 'postgres' }
  const service = await loadService(kind)
  const parse = (url: string) => parseTarget(url, { schemes: SCHEMES, name, source: 'stand-in' })
  return { name, service: kind, wanted, ...(await settle({ ...shared, aim, service, parse })) }
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
  const base = { service, target: name, decision: choice.decision, message: choice.message }
  if (choice.decision === 'real') return [base]
  // Without a configured address there is no verdict, only that.
  const reason = wanted ? { reason: choice.verdict.finding.reason } : {}
  return [{ ...base, ...reason, ...(choice.decision === 'stand-in' ? { with: choice.with } : {}) }]
}

function handoversOf(served: readonly Served[], env: NodeJS.ProcessEnv): Handover[] {
  const found = discover(env, { schemes: SCHEMES, defaults: libpqDefaults(env, userName()) })
  const taken = new Set<string>()
  return served.flatMap(({ name, service, wanted, choice }): Handover[] => {
    if (choice.decision === 'fail') return []
    const twin = wanted && found.find(one => identity(one.target) === identity(wanted.target))
    const sources = merged(wanted?.sources ?? [], twin?.sources ?? [])
    const fallback = fallbackOf(service, name, taken, env)
    if (sources.length === 0 && fallback) taken.add(fallback)
    const base = { name, sources, fallback, scheme: service }
    if (choice.decision === 'real') {
      // What the environment names is right already; an argument's address is handed over.
      const url = sources.length === 0 && wanted ? { url: wanted.target.given.reveal() } : {}
      return [{ ...base, decision: 'real', ...url }]
    }
    const reason = choice.message
    if (choice.decision === 'skip') return [{ ...base, decision: 'skip', reason }]
    const target = parseTarget(choice.standIn.url, { schemes: SCHEMES })
    return [{ ...base, decision: 'stand-in', reason, address: keywordsOf(target) }]
  })
}

function merged(one: readonly Source[], other: readonly Source[]): Source[] {
  const key = (source: Source) => JSON.stringify(source)
  return [...new Map([...one, ...other].map(source => [key(source), source])).values()]
}

/** The service's usual variable; for a further target of it one by its name, which must be free. */
function fallbackOf(
  service: string,
  name: string,
  taken: ReadonlySet<string>,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const usual = VARIABLES[service]
  if (!usual || !taken.has(usual)) return usual
  const own = `${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_URL`
  return env[own] === undefined ? own : undefined
}

/** The address as libpq's keywords, with the password. */
function keywordsOf({ hosts, user, password, database, tls }: Target): Map<string, string> {
  const [host] = hosts
  const socket = host && 'path' in host ? host.path.replace(/\/\.s\.PGSQL\.\d+$/, '') : undefined
  const pairs = [
    ['host', host && 'host' in host ? host.host : socket],
    ['port', host && 'port' in host ? String(host.port) : undefined],
    ['user', user],
    ['password', password?.reveal()],
    ['dbname', database],
    ['sslmode', tls.mode === 'prefer' ? undefined : tls.mode],
  ]
  return new Map(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
