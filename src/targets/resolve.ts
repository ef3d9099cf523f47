import { userInfo } from 'node:os'
import type { TargetConfig } from '../config/config.js'
import { findConfig } from '../config/find.js'
import type { Loaded } from '../config/load.js'
import { nearest, usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import { nameApart, parseTarget, splitName } from '../core/target.js'
import { type Env, libpqDefaults, URL_VARIABLES } from '../gate/variables.js'
import { SCHEMES } from '../services/registry.js'
import { type Configured, type Entry, fromAddress, type Parser, type Wanted } from './wanted.js'

export interface Resolved {
  readonly wanted: readonly Wanted[]
  readonly loaded: Loaded | undefined
}

/**
 * From the arguments; without any from the configuration; without one from the environment. `read` decides what becomes
 * of an entry that cannot be used.
 */
export async function resolveTargets(
  args: readonly string[],
  configFile: string | undefined,
  env: Env,
  read: (entry: () => Entry) => Entry[] = entry => [entry()],
): Promise<Resolved> {
  const file = configFile || findConfig(workingFolder())
  // Loaded when there is one: it brings YAML, TypeScript and a schema.
  const loaded = file ? await (await import('../config/load.js')).loadConfig(file) : undefined
  const parse = parser(env)
  const configured = await configuredOf(loaded?.config.targets ?? {}, parse, env)
  const entries = entriesOf(args, configured, parse, env)
  if (entries.length > 0) return { wanted: await completed(apart(entries.flatMap(read)), parse, env), loaded }
  const { discover } = await import('../gate/discover.js')
  const discovered = discover(env, { schemes: SCHEMES, defaults: await defaultsOf(env) })
  // A variable that cannot be used is an error where it would have been the only one.
  const unusable = discovered.length === 0 ? URL_VARIABLES.find(variable => env[variable]) : undefined
  if (unusable) parse(env[unusable] ?? '', `env:${unusable}`)
  const wanted = apart(discovered.map(one => ({ ...one, named: false })))
  return { wanted: await completed(wanted, parse, env), loaded }
}

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
  return Promise.all(
    wanted.map(async one => {
      const { service, params, password } = one.target
      if (service !== 'postgres' || (password?.reveal() && !params.has('service'))) return one
      const { fromFiles, placesOf } = await import('../gate/libpq.js')
      return { ...one, target: fromFiles(one.target, { schemes: SCHEMES, defaults }, placesOf(env)) }
    }),
  )
}

/** What holds in the environment where an address is silent, with the service that PGSERVICE names. */
export async function defaultsOf(env: Env): Promise<ReadonlyMap<string, string>> {
  const defaults = libpqDefaults(env, userName())
  if (!env.PGSERVICE) return defaults
  const { placesOf, withServiceOf } = await import('../gate/libpq.js')
  return withServiceOf(defaults, placesOf(env))
}

export function parser(env: Env): Parser {
  const defaults = libpqDefaults(env, userName())
  const parse = (text: string, source: string, name?: string) =>
    parseTarget(text, { schemes: SCHEMES, source, defaults, ...(name ? { name } : {}) })
  return Object.assign(parse, { defaults })
}

/** libpq's default role; a user number without an entry has none. */
function userName(): string | undefined {
  try {
    return userInfo().username
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
