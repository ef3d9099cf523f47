import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { TargetConfig } from '../config/config.js'
import { findConfig } from '../config/find.js'
import type { Loaded } from '../config/load.js'
import { HoldfastError, nearest, usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import type { Expectation } from '../core/service.js'
import { nameApart, parseTarget, splitName, type Target } from '../core/target.js'
import type { Depth } from '../gate/options.js'
import { libpqDefaults, type Source, URL_VARIABLES } from '../gate/variables.js'
import { SCHEMES } from '../services/registry.js'

/** A target with what the configuration expects of it. */
export interface Wanted {
  readonly target: Target
  readonly until?: Depth
  readonly queries?: readonly string[]
  readonly expect?: Expectation
  readonly pool?: TargetConfig['pool']
  /** The environment's variables that name it. */
  readonly sources: readonly Source[]
}

export interface Resolved {
  readonly wanted: readonly Wanted[]
  readonly loaded: Loaded | undefined
}

type Env = Readonly<Record<string, string | undefined>>

/** From the arguments; without any from the configuration; without one from the environment. */
export async function resolveTargets(
  args: readonly string[],
  configFile: string | undefined,
  env: Env,
): Promise<Resolved> {
  const file = configFile || findConfig(workingFolder())
  // Loaded when there is one: it brings YAML, TypeScript and a schema.
  const loaded = file ? await (await import('../config/load.js')).loadConfig(file) : undefined
  const parse = parser(env)
  const configured = await configuredOf(loaded?.config.targets ?? {}, parse, env)
  const entries = entriesOf(args, configured, parse, env).map(one => one())
  if (entries.length > 0) return { wanted: await completed(apart(entries), parse, env), loaded }
  const { discover } = await import('../gate/discover.js')
  const discovered = discover(env, { schemes: SCHEMES, defaults: await defaultsOf(env) })
  // A variable that cannot be used is an error where it would have been the only one.
  const unusable = discovered.length === 0 ? URL_VARIABLES.find(variable => env[variable]) : undefined
  if (unusable) parse(env[unusable] ?? '', `env:${unusable}`)
  const wanted = apart(discovered.map(one => ({ ...one, named: false })))
  return { wanted: await completed(wanted, parse, env), loaded }
}

/** The targets of a configuration, each read when it is asked for. */
export type Configured = ReadonlyMap<string, () => Entry>

async function configuredOf(
  targets: Readonly<Record<string, string | TargetConfig>>,
  parse: Parser,
  env: Env,
): Promise<Configured> {
  if (Object.keys(targets).length === 0) return new Map()
  return (await import('./configured.js')).configured(targets, parse, env)
}

/** One for each argument, without any for each target of the configuration; each throws where it cannot be used. */
export const entriesOf = (
  args: readonly string[],
  configured: Configured,
  parse: Parser,
  env: Env,
): (() => Entry)[] =>
  args.length > 0
    ? args.map(arg => () => fromArgument(arg, configured, parse, env))
    : [...configured.values()]

/** Throws where the working directory has been removed. */
export function workingFolder(): string {
  try {
    return process.cwd()
  } catch {
    throw usage('the working directory does not exist any more; change into another one')
  }
}

export interface Entry extends Wanted {
  readonly named: boolean
}

export function apart(entries: readonly Entry[]): Wanted[] {
  const targets = nameApart(entries)
  return entries.map(({ named: _, ...wanted }, i) => ({ ...wanted, target: targets[i] ?? wanted.target }))
}

/** With what libpq's service and password files add. */
export async function completed<T extends Wanted>(
  wanted: readonly T[],
  { defaults }: Parser,
  env: Env,
): Promise<T[]> {
  const places = placesOf(env)
  return Promise.all(
    wanted.map(async one => {
      const { service, params, password } = one.target
      const reads =
        service === 'postgres' &&
        (params.has('service') ||
          (!password?.reveal() && (params.has('passfile') || existsSync(places.passfile))))
      if (!reads) return one
      const { fromFiles } = await import('../gate/libpq.js')
      return { ...one, target: fromFiles(one.target, { schemes: SCHEMES, defaults }, places) }
    }),
  )
}

function placesOf(env: Env) {
  const home = env.HOME || user()?.homedir
  return { env, home, passfile: home ? `${home}/.pgpass` : '' }
}

/** What holds in the environment where an address is silent, with the service that PGSERVICE names. */
export async function defaultsOf(env: Env): Promise<ReadonlyMap<string, string>> {
  const defaults = libpqDefaults(env, user()?.username)
  if (!env.PGSERVICE) return defaults
  return (await import('../gate/libpq.js')).withServiceOf(defaults, placesOf(env))
}

export interface Parser {
  (text: string, source: string, name?: string): Target
  readonly defaults: ReadonlyMap<string, string>
}

export function parser(env: Env): Parser {
  const defaults = libpqDefaults(env, user()?.username)
  const parse = (text: string, source: string, name?: string) =>
    parseTarget(text, { schemes: SCHEMES, source, defaults, ...(name ? { name } : {}) })
  return Object.assign(parse, { defaults })
}

/** libpq's default role, and the home; a user number without an entry has none. */
function user(): { username: string; homedir: string } | undefined {
  try {
    return userInfo()
  } catch {
    return undefined
  }
}

function fromArgument(arg: string, configured: Configured, parse: Parser, env: Env): Entry {
  const named = configured.get(arg)
  if (named) return named()
  const { name, address } = splitName(arg)
  if (/^[\w.-]+$/.test(address) && !/^exec:|^env:/.test(address)) {
    const known = [...configured.keys()]
    const near = nearest(address, known)
    const hint =
      known.length > 0
        ? `The configuration has ${known.join(', ')}${near ? `; did you mean ${near}?` : '.'}`
        : 'Write a URL like postgres://app@db:5432/app, or tcp://host:port.'
    throw usage(`"${redactAddress(address)}" is not a target. ${hint}`)
  }
  return { ...fromAddress(address, 'argument', name, parse, env), named: name !== undefined }
}

export function fromAddress(
  address: string,
  source: string,
  name: string | undefined,
  parse: Parser,
  env: Env,
): Wanted {
  const variable = /^env:(.*)$/i.exec(address)?.[1]
  if (variable === undefined) return { target: parse(address, source, name), sources: [] }
  if (!/^[A-Za-z_]\w*$/.test(variable))
    throw usage('env: takes the name of a variable, like env:DATABASE_URL; an address stands alone')
  const text = env[variable]
  if (!text) throw usage(`env:${variable}: the variable ${variable} is ${text === '' ? 'empty' : 'not set'}`)
  return { target: parse(text, `env:${variable}`, name), sources: [{ kind: 'url', variable }] }
}

/** An expectation that the target's service cannot be asked. */
export const misfit = (name: string, { service }: Target, what: string): HoldfastError =>
  new HoldfastError('config', `targets.${name}: it is a ${service} target, which takes no ${what}`)
