import { HoldfastError } from '../core/errors.js'
import { mayDescend, type NotReady, type Verdict } from '../core/verdict.js'
import { lacking } from './capabilities.js'

/** One kind of substitute. `start` rejects where there is none to be had, with what to do about that. */
export interface Rung<StandIn extends Named> {
  /** For scripts and statistics: `system-postgres`. */
  readonly name: string
  start(): Promise<StandIn>
}

/** A rung that was not taken. */
export interface PassedOver {
  readonly with: string
  readonly why: string
}

interface Named {
  /** For scripts and statistics: `system-postgres`. */
  readonly name: string
  /** For people: `PostgreSQL 15.18 (system binaries)`. */
  readonly label: string
  readonly version?: string
  /** The rung whose capabilities it has, where that is not its own. */
  readonly like?: string
  close?(): Promise<void>
}

export interface LadderOptions<StandIn extends Named> {
  readonly service: string
  /** What the probe of the configured address found; undefined where no address is configured. */
  readonly configured?: Verdict | undefined
  /** Was the wait for it used up? A server that is still starting is absent only then. */
  readonly waited: boolean
  /** Is this CI? There, what is configured must not be replaced unasked. */
  readonly ci: boolean
  /** What says that nothing but the real one will do: `HOLDFAST_REQUIRE`. Comes before what is allowed. */
  readonly requiredBy?: string | undefined
  /** May a stand-in be chosen? Default: yes, except in CI with an address configured. */
  readonly allowStandIn?: boolean | undefined
  /** May the service be left out? Default: yes, except in CI, where a suite that skips looks like one that passes. */
  readonly allowSkip?: boolean | undefined
  /** Substitutes, the most faithful first. */
  readonly rungs: readonly Rung<StandIn>[]
  /** Capabilities (capabilities.ts) that a stand-in must have. */
  readonly needs?: readonly string[]
  /** What to install where there is none. */
  readonly advice?: string | undefined
  readonly signal: AbortSignal
}

interface Decided {
  readonly service: string
  /** Why, in a sentence for people. */
  readonly message: string
  /** The rungs before the chosen one, or all, each with its reason. */
  readonly passedOver?: readonly PassedOver[]
}

/** What is done about a service. Whatever is not real carries the verdict on the real one. */
export type Choice<StandIn extends Named> = Decided &
  (
    | { readonly decision: 'real'; readonly verdict: Verdict }
    | {
        readonly decision: 'stand-in'
        readonly with: string
        readonly reason: string
        readonly verdict: NotReady
        readonly standIn: StandIn
      }
    | { readonly decision: 'skip'; readonly reason: string; readonly verdict: NotReady }
    /** The service is there and broken, or it is absent and nothing else is allowed. */
    | { readonly decision: 'fail'; readonly reason: string; readonly verdict: NotReady }
  )

/**
 * Chooses between the real service, a stand-in and skipping. Only an absent service is replaced: anything that
 * answered, a rejected password above all, must be seen. Starts the stand-in that it chooses, and rejects only
 * with the signal's reason.
 */
export async function chooseRung<StandIn extends Named>(
  options: LadderOptions<StandIn>,
): Promise<Choice<StandIn>> {
  const { service, configured, waited, ci, rungs, advice } = options
  if (configured?.ready)
    return { service, decision: 'real', message: `${service} is there`, verdict: configured }
  const verdict = configured ?? unconfigured(service)
  const { reason, message: cause } = verdict.finding
  const why = configured ? `${reason}: ${cause}` : cause
  const base = { service, reason, verdict }
  if (configured && !mayDescend(configured, waited)) {
    return {
      ...base,
      decision: 'fail',
      message: `${why}. It is no absent service, so nothing may replace it.`,
    }
  }
  const { requiredBy } = options
  if (requiredBy) return { ...base, decision: 'fail', message: `${why}. ${required(service, requiredBy)}` }
  const strict = ci && configured !== undefined
  const { allowStandIn = !strict, allowSkip = !ci } = options
  if (!allowStandIn && !allowSkip)
    return { ...base, decision: 'fail', message: `${why}. ${refusal(service, ci)}` }
  const passedOver: PassedOver[] = []
  for (const rung of allowStandIn ? rungs : []) {
    const found = await tryRung(rung, options)
    if ('standIn' in found) {
      const { standIn } = found
      const message = `${why}. ${standIn.label} stands in.${listed(' Passed over', passedOver)}`
      return { ...base, decision: 'stand-in', with: standIn.name, message, ...noted(passedOver), standIn }
    }
    passedOver.push({ with: rung.name, why: found.why })
  }
  const none = rungs.length === 0 ? ` No stand-in either: there is none for ${service}.` : ''
  const tried =
    listed(' No stand-in either', passedOver) + (passedOver.length > 0 && advice ? ` ${advice}` : '')
  const unasked = allowSkip ? '' : ` ${forbidden(service, 'Skip', ci)}`
  const message = `${why}.${allowStandIn ? none || tried : ''}${unasked}`
  return { ...base, decision: allowSkip ? 'skip' : 'fail', message, ...noted(passedOver) }
}

/** The stand-in, or why this rung has none that will do. */
async function tryRung<StandIn extends Named>(
  rung: Rung<StandIn>,
  { service, needs = [], signal }: LadderOptions<StandIn>,
): Promise<{ standIn: StandIn } | { why: string }> {
  const lacks = lacking(service, rung.name, needs)
  if (lacks.length > 0) return { why: `lacks ${lacks.join(', ')}` }
  try {
    const standIn = await rung.start()
    const late = lacking(service, standIn.like ?? standIn.name, needs, standIn.version)
    if (late.length === 0) return { standIn }
    await standIn.close?.()
    return { why: `version ${standIn.version} lacks ${late.join(', ')}` }
  } catch (error) {
    signal.throwIfAborted()
    // A wrong setting, or a defect, is no absence.
    if (!HoldfastError.is(error) || error.kind === 'usage') throw error
    return { why: error.message }
  }
}

const noted = (passedOver: readonly PassedOver[]) => (passedOver.length > 0 ? { passedOver } : {})

const listed = (what: string, passedOver: readonly PassedOver[]) =>
  passedOver.length > 0
    ? `${what}: ${passedOver.map(one => `${one.with}: ${one.why.replace(/\.$/, '')}`).join('; ')}.`
    : ''

const refusal = (service: string, ci: boolean) =>
  ci
    ? `CI=true and an address is configured: ${started(service)}, or pass ${leave(service, 'StandIn')}, or ${leave(service, 'Skip')}.`
    : `Neither a stand-in nor skipping is allowed: ${started(service)}, or pass ${leave(service, 'StandIn')}.`

/** Says that a skip or a stand-in is not allowed, and what allows it. */
export const forbidden = (service: string, what: 'StandIn' | 'Skip', ci: boolean): string =>
  `It must not be ${what === 'Skip' ? 'skipped' : 'replaced'}${ci ? ' with CI=true' : ''}: ${started(service)}, or pass ${leave(service, what)}.`

/** Its unit on Debian and its relatives. */
const UNITS: Readonly<Record<string, string>> = {
  postgres: 'postgresql',
  redis: 'redis-server',
  mysql: 'mariadb',
  clickhouse: 'clickhouse-server',
}

const started = (service: string) => {
  const unit = UNITS[service]
  return `start it (docker compose up -d${unit ? `, or systemctl start ${unit}` : ''})`
}

/** Every way to allow it. */
const leave = (service: string, what: 'StandIn' | 'Skip') => {
  const flag = what === 'Skip' ? 'allow-skip' : 'allow-stand-in'
  const variable = `HOLDFAST_${flag.toUpperCase().replaceAll('-', '_')}=1`
  return `--${flag} (${variable}, test.service.${service}.allow${what})`
}

/** What requires a service that a run of `holdfast test` has begun with. */
export const BEGUN_WITH = 'holdfast test'

/** Says that nothing but the real one will do, and why. */
export const required = (service: string, by: string): string =>
  by === BEGUN_WITH
    ? `This run of holdfast test began with the real ${service}, so nothing may replace it any more: ${started(service)} and begin again.`
    : `${by} takes nothing but the real ${service}: ${started(service)} and give its address, or take it out of ${by}.`

/** Nothing was probed, so that nothing is known but this. */
const unconfigured = (service: string): NotReady => ({
  target: service,
  ready: false,
  layer: 'config',
  steps: [],
  heard: false,
  finding: { reason: 'client-misuse', message: `no address is configured for ${service}` },
})
