import { HoldfastError, nearest, usage } from '../core/errors.js'
import { parseCount } from '../core/options.js'
import { nameApart, parseTarget, splitName, type Target } from '../core/target.js'
import type { Verdict } from '../core/verdict.js'
import { loadService, SCHEMES } from '../services/registry.js'
import type { Depth, ProbeOptions } from './options.js'
import type { Aim, WaitOptions } from './outcome.js'
import { probeOnce } from './probe.js'
import { waitForTargets } from './wait.js'

/** How one probe goes; see ProbeOptions for units and defaults. */
export type ProbeSettings = Pick<
  ProbeOptions,
  'until' | 'connections' | 'queries' | 'expect' | 'timeoutMs' | 'signal'
>

/** How a wait goes; see WaitOptions for units and defaults. */
export type WaitSettings = Pick<
  WaitOptions,
  | 'until'
  | 'connections'
  | 'queries'
  | 'expect'
  | 'timeoutMs'
  | 'attemptTimeoutMs'
  | 'stableMs'
  | 'graceMs'
  | 'any'
  | 'gone'
  | 'signal'
>

/**
 * One attempt through all layers of one target, `postgres://app@db:5432/app` or `NAME=URL`. Resolves with what
 * it concluded, ready or not, and leaves nothing open.
 * @throws HoldfastError (usage) for an address that is none.
 */
export async function probe(address: string, settings: ProbeSettings = {}): Promise<Verdict> {
  checkSettings(settings, PROBE_KEYS)
  const [aim] = await aimsOf([address])
  if (!aim) throw new HoldfastError('usage', 'no target is given')
  const { verdict, session } = await probeOnce(aim.target, aim.service, settings)
  await session?.close()
  return verdict
}

/**
 * Waits until all addresses are ready and resolves with their verdicts, in their order.
 * @throws HoldfastError with the verdict that decided, when the time is up or a reason will not heal; the
 * signal's reason when it aborts.
 */
export async function waitFor(
  addresses: string | readonly string[],
  settings: WaitSettings = {},
): Promise<Verdict[]> {
  checkSettings(settings, [...PROBE_KEYS, ...WAIT_KEYS])
  if (addresses.length === 0) throw usage('waitFor: no address is given')
  const result = await waitForTargets(await aimsOf([addresses].flat()), settings)
  settings.signal?.throwIfAborted()
  const decided = result.culprit?.verdict
  if (decided && !decided.ready) throw HoldfastError.fromVerdict(decided)
  return result.outcomes.map(outcome => outcome.verdict)
}

const DEPTHS: readonly Depth[] = ['tcp', 'auth', 'query', 'write', 'schema']

const PROBE_KEYS = [
  'until',
  'connections',
  'queries',
  'expect',
  'timeoutMs',
  'signal',
] as const satisfies readonly (keyof ProbeSettings)[]
const WAIT_KEYS = [
  'attemptTimeoutMs',
  'stableMs',
  'graceMs',
  'any',
  'gone',
] as const satisfies readonly (keyof WaitSettings)[]

/** What a type cannot hold. */
function checkSettings(settings: WaitSettings, known: readonly string[]): void {
  const { until, expect, connections } = settings
  const unknown = Object.keys(settings).find(key => !known.includes(key))
  if (unknown) {
    const near = nearest(unknown, known)
    throw usage(`${unknown}: unknown setting${near ? `; did you mean ${near}?` : ''}`)
  }
  if (until && !DEPTHS.includes(until)) throw usage(`until: "${until}" is not one of ${DEPTHS.join(', ')}`)
  if (until === 'schema' && !expect) throw usage('until: "schema" needs expect: { tables: […] }')
  if (connections !== undefined) parseCount(String(connections), 'connections')
  for (const key of ['timeoutMs', 'attemptTimeoutMs', 'graceMs', 'stableMs'] as const) {
    const ms = settings[key]
    if (ms !== undefined && !(ms >= 0)) throw usage(`${key}: ${ms} is not a number of milliseconds`)
  }
}

/**
 * The target of an address, without connecting.
 * @throws HoldfastError (usage) for one that is none.
 */
export function targetOf(text: string): { target: Target; named: boolean } {
  if (typeof text !== 'string')
    throw usage(`an address is a text like postgres://app@db:5432/app, not ${typeof text}`)
  const { name, address } = splitName(text)
  return {
    target: parseTarget(address, { schemes: SCHEMES, ...(name ? { name } : {}) }),
    named: name !== undefined,
  }
}

async function aimsOf(addresses: readonly string[]): Promise<Aim[]> {
  return Promise.all(
    nameApart(addresses.map(targetOf)).map(async target => ({
      target: await completed(target),
      service: await loadService(target.service),
    })),
  )
}

/** The library takes nothing from the environment unasked: libpq's files count where the address names one. */
async function completed(target: Target): Promise<Target> {
  if (target.service !== 'postgres' || !(target.params.has('service') || target.params.has('passfile')))
    return target
  const [{ fromFiles }, { homeOf }] = await Promise.all([import('./libpq.js'), import('../io/libpqfiles.js')])
  return fromFiles(target, { schemes: SCHEMES }, { env: process.env, home: homeOf(process.env) })
}
