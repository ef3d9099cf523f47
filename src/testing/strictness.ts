import type { Config, TestServiceConfig } from '../config/config.js'
import { nearest, usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import type { Env } from '../gate/variables.js'
import { SCHEMES } from '../services/registry.js'
import { needsOf } from '../standin/needs.js'
import { knownRungs } from '../standin/rungs.js'
import { heldIn } from './held.js'
import type { Asked } from './services.js'
import type { Wishes } from './wishes.js'

/** What may become of one service where the real one is absent. */
export interface Strictness {
  /** The rungs that may be taken, in this order; undefined for the usual ones. */
  readonly rungs?: readonly string[] | undefined
  /** The image of a rung that runs one. */
  readonly image?: string | undefined
  /** Capabilities that a stand-in must have. */
  readonly needs: readonly string[]
  /** What says that nothing but the real one will do: `HOLDFAST_REQUIRE`, `--require`, a key of the configuration. */
  readonly requiredBy?: string | undefined
  readonly allowStandIn?: boolean | undefined
  readonly allowSkip?: boolean | undefined
}

/** What options say, and the configuration for all services. */
export interface General {
  readonly allowStandIn?: boolean | undefined
  readonly allowSkip?: boolean | undefined
  /** By service. */
  readonly needs: ReadonlyMap<string, readonly string[]>
  /** What `--require` names: services, targets, `all`. */
  readonly require: readonly string[]
}

type Section = 'service' | 'offline'

/**
 * For each service what holds, and what holds instead while there is no network; undefined where that is the same. An
 * option comes before the configuration, a target's section before its service's.
 *
 * @throws HoldfastError (usage) for a name that is not known, with the nearest one.
 */
export function strictnesses(
  asked: readonly Asked[],
  test: NonNullable<Config['test']>,
  general: General,
  env: Env,
): { readonly usual: Strictness; readonly offline: Strictness | undefined }[] {
  const above = heldIn(env).map(one => one.target)
  const known = [...new Set([...asked.flatMap(one => [one.name, one.service]), ...servicesKnown(), ...above])]
  for (const section of ['service', 'offline'] as const)
    for (const name of Object.keys(test[section] ?? {})) check(name, known, `test.${section}`)
  const required = demands(general.require, env)
  for (const { name, by } of required) check(name, [...known, 'all'], by)
  return asked.map(one => {
    const usual = sectionsOf(one, test, ['service'])
    const offline = sectionsOf(one, test, ['service', 'offline'])
    return {
      usual: strictnessOf(one, usual, test, general, required),
      offline:
        offline.length > usual.length ? strictnessOf(one, offline, test, general, required) : undefined,
    }
  })
}

/**
 * With each service that is required and that nothing configures, as one without an address: its absence must be seen.
 * The configuration's own count where no arguments say which targets are meant.
 */
export function withRequired(
  asked: readonly Asked[],
  test: NonNullable<Config['test']>,
  { targets = [], require = [] }: Wishes,
  env: Env,
): readonly Asked[] {
  const sections = targets.length > 0 ? [] : Object.entries(test.service ?? {})
  const names = [
    ...demands(require, env).map(one => one.name),
    ...sections.flatMap(([name, says]) => (says.require ? [name] : [])),
  ]
  const there = heldIn(env).filter(one => one.decision === 'real')
  const missing = [...new Set(names)].filter(
    name =>
      servicesKnown().includes(name) &&
      !asked.some(one => one.name === name || one.service === name) &&
      !there.some(one => one.service === name),
  )
  return [...asked, ...missing.map(service => ({ name: service, service, wanted: undefined }))]
}

/** What `--require` and HOLDFAST_REQUIRE name. */
const demands = (require: readonly string[], env: Env): Required[] =>
  [
    ...require.map(text => ({ text, by: '--require' })),
    ...(env.HOLDFAST_REQUIRE ? [{ text: env.HOLDFAST_REQUIRE, by: 'HOLDFAST_REQUIRE' }] : []),
  ].flatMap(({ text, by }) => {
    const found = names(text)
    if (found.length === 0) throw usage(`${by}: "${text}" names nothing; name services, targets or all`)
    return found.map(name => ({ name, by }))
  })

interface Required {
  readonly name: string
  readonly by: string
}

interface Found {
  /** For messages: `test.service.postgres`. */
  readonly where: string
  readonly says: TestServiceConfig
}

/** The sections about one service; what comes later counts. */
const sectionsOf = (
  { name, service }: Asked,
  test: NonNullable<Config['test']>,
  sections: readonly Section[],
): Found[] =>
  sections.flatMap(section =>
    [...new Set([service, name])].flatMap(key => {
      const all = test[section] ?? {}
      const says = Object.hasOwn(all, key) ? all[key] : undefined
      return says ? [{ where: `test.${section}.${key}`, says }] : []
    }),
  )

function strictnessOf(
  { name, service }: Asked,
  found: readonly Found[],
  test: NonNullable<Config['test']>,
  general: General,
  required: readonly Required[],
): Strictness {
  const last = <K extends keyof TestServiceConfig>(key: K) =>
    found.findLast(({ says }) => says[key] !== undefined)
  const [rungs, needs, require] = [last('rungs'), last('needs'), last('require')]
  for (const rung of rungs?.says.rungs ?? []) check(rung, knownRungs(service), `${rungs?.where}.rungs`)
  const own = needs ? needsOf(needs.says.needs ?? [], [service], `${needs.where}.needs`).get(service) : []
  const demanded = required.find(one => [name, service, 'all'].includes(one.name))?.by
  const none = rungs?.says.rungs?.length === 0
  return {
    rungs: rungs?.says.rungs,
    image: last('image')?.says.image,
    needs: [...new Set([...(general.needs.get(service) ?? []), ...(own ?? [])])],
    requiredBy: demanded ?? (require?.says.require ? `${require.where}.require` : undefined),
    allowStandIn: none
      ? false
      : (general.allowStandIn ?? last('allowStandIn')?.says.allowStandIn ?? test.allowStandIn),
    allowSkip: general.allowSkip ?? last('allowSkip')?.says.allowSkip ?? test.allowSkip,
  }
}

const names = (list: string): string[] =>
  list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')

const servicesKnown = (): string[] => [...SCHEMES.values()].map(({ service }) => service)

function check(name: string, known: readonly string[], where: string): void {
  if (known.includes(name)) return
  const near = nearest(name, known)
  const hint = near ? `did you mean ${near}?` : `known: ${[...new Set(known)].join(', ') || 'none'}`
  throw usage(`${where}: "${redactAddress(name)}" is not known; ${hint}`)
}
