import type { Config } from '../config/config.js'
import { findConfig } from '../config/find.js'
import { HoldfastError, nearest } from '../core/errors.js'
import { redactPath } from '../core/redact.js'
import { discover, identity } from '../gate/discover.js'
import { DB_VARIABLES, type Env, PG_VARIABLES, URL_VARIABLES } from '../gate/variables.js'
import { SCHEMES } from '../services/registry.js'
import { type Machine, thisMachine } from '../start/machine.js'
import { wrongVariables } from '../start/rules/variables.js'
import { unknownSilence } from '../start/silence.js'
import type { Checked, CheckedTarget, Problem } from '../start/subject.js'
import { aimsOf } from '../targets/aims.js'
import { configured } from '../targets/configured.js'
import { apart, completed, defaultsOf, entriesOf, parser, workingFolder } from '../targets/resolve.js'
import type { Entry, Wanted } from '../targets/wanted.js'
import type { Verb } from './call.js'
import { wrongOptions } from './gather-options.js'

/** A configuration that was read as far as it goes. */
export interface Reading {
  readonly config: Config
  readonly file?: string
  readonly problems: readonly Problem[]
  readonly placeOf: Checked['placeOf']
}

export interface Surroundings {
  readonly env: Env
  /** All verbs, whose options the environment may set. */
  readonly verbs: readonly Verb[]
  /** Default: this one. */
  readonly machine?: Machine
}

/** All that there is to check, and every problem on the way. Opens no connection. */
export async function gather(
  args: readonly string[],
  configFile: string | undefined,
  around: Surroundings,
): Promise<Checked> {
  return gatherFrom(args, await readConfig(configFile), around)
}

/** The same for a configuration that was read already. */
export async function gatherFrom(
  args: readonly string[],
  { config, file, placeOf, problems: reading }: Reading,
  { env, verbs, machine = thisMachine(env) }: Surroundings,
): Promise<Checked> {
  // A wrong PGPORT is one problem, and not one of every address that it would hold for.
  const wrong = wrongVariables(env).map(({ variable }) => variable)
  const usable = Object.fromEntries(Object.entries(env).filter(([name]) => !wrong.includes(name)))
  const surveyed = await survey(usable)
  const chosen = await choose(args, config, usable, placeOf)
  const targets = chosen.chosen ? chosen.targets : merged(surveyed.found)
  const level = chosen.chosen ? 'warning' : 'error'
  return {
    env,
    config,
    file,
    targets,
    found: surveyed.found,
    problems: [
      ...reading,
      ...chosen.problems,
      ...(await expectations(chosen.wanted, config, placeOf)),
      ...surveyed.problems.map(problem => ({ ...problem, level }) as const),
      ...wrongOptions(env, verbs),
      ...unknownSilence(config.check?.silence ?? {}, placeOf),
    ],
    placeOf,
    machine,
  }
}

const messageOf = (error: unknown): string => {
  if (HoldfastError.is(error)) return error.message
  throw error
}

async function readConfig(configFile: string | undefined): Promise<Reading> {
  let found: string | undefined = configFile
  try {
    found ||= findConfig(workingFolder())
    if (!found) return { config: {}, problems: [], placeOf: () => 'configuration' }
    const [{ examineConfig }, { placesIn, shownPath }] = await Promise.all([
      import('../config/load.js'),
      import('../config/places.js'),
    ])
    const { file, config, problems } = await examineConfig(found)
    const placeOf = await placesIn(file)
    const told = problems.map(
      one =>
        ({ id: 'config-invalid', level: 'error', message: one.text, where: placeOf(...one.path) }) as const,
    )
    return { config, file: shownPath(file), problems: told, placeOf }
  } catch (error) {
    if (HoldfastError.is(error) && error.kind === 'usage') throw error
    const where = found ? redactPath(found) : undefined
    const problem = { id: 'config-invalid', level: 'error', message: messageOf(error), where } as const
    return { config: {}, problems: [problem], placeOf: () => 'configuration' }
  }
}

const told = (one: Wanted, where: string, pool?: CheckedTarget['pool']): CheckedTarget => ({
  target: one.target,
  sources: one.sources,
  where,
  ...(pool ? { pool } : {}),
})

/** The targets of the arguments, else of the configuration; `chosen` is false where neither names any. */
async function choose(args: readonly string[], config: Config, env: Env, placeOf: Checked['placeOf']) {
  const targetsOf = config.targets ?? {}
  const parse = parser(env)
  const names = args.length > 0 ? args : Object.keys(targetsOf)
  const problems: Problem[] = []
  const entries: Entry[] = []
  for (const [i, make] of entriesOf(args, configured(targetsOf, parse, env), parse, env).entries()) {
    try {
      entries.push(...(await completed([make()], parse, env)))
    } catch (error) {
      problems.push(unusable(names[i] ?? '', messageOf(error), args.length === 0, placeOf))
    }
  }
  const wanted = named(entries, problems)
  const targets = wanted.map(one => {
    const { name, source } = one.target
    const given = targetsOf[name]
    const ours = typeof given === 'object' ? given : undefined
    const isOurs = given !== undefined && (args.length === 0 || args.includes(name))
    const where =
      isOurs && !source.startsWith('env:') ? placeOf('targets', name, ...(ours ? ['url'] : [])) : source
    return told(one, where, isOurs ? ours?.pool : undefined)
  })
  return { chosen: names.length > 0, wanted, targets, problems }
}

/** One target that cannot be used; the name of a configured one goes before the message. */
function unusable(name: string, message: string, configured: boolean, placeOf: Checked['placeOf']): Problem {
  const unset = /^env:\w+: the variable \w+ is (empty|not set)$/.test(message)
  return {
    id: unset ? 'reference-unset' : 'target-invalid',
    level: 'error',
    message: configured && !message.startsWith('targets.') ? `targets.${name}: ${message}` : message,
    where: configured ? placeOf('targets', name) : 'argument',
    ...(configured ? { target: name } : {}),
  }
}

function named(entries: readonly Entry[], problems: Problem[]): readonly Wanted[] {
  try {
    return apart(entries)
  } catch (error) {
    problems.push({ id: 'target-invalid', level: 'error', message: messageOf(error), where: 'argument' })
    return apart(entries.map(one => ({ ...one, named: false })))
  }
}

/** What is expected of a target that its service cannot be asked, or that nothing says. */
async function expectations(wanted: readonly Wanted[], config: Config, placeOf: Checked['placeOf']) {
  const problems: Problem[] = []
  for (const one of wanted) {
    const { name } = one.target
    try {
      await aimsOf([one], config)
    } catch (error) {
      const where = config.targets?.[name] === undefined ? one.target.source : placeOf('targets', name)
      problems.push({ id: 'target-invalid', level: 'error', message: messageOf(error), target: name, where })
    }
  }
  return problems
}

/** Each variable by itself, so that one that cannot be used does not hide another. */
async function survey(env: Env): Promise<{ found: CheckedTarget[]; problems: Omit<Problem, 'level'>[] }> {
  const only = (...names: readonly string[]) =>
    Object.fromEntries(names.flatMap(name => (env[name] ? [[name, env[name]]] : [])))
  const parse = parser(env)
  const views = [
    ...URL_VARIABLES.map(name => [name, only(name)] as const),
    ['PGHOST', only(...Object.keys(PG_VARIABLES))] as const,
    ['DB_HOST', only(...Object.keys(DB_VARIABLES), 'DB_ENGINE', 'DB_CONNECTION')] as const,
  ]
  const found: CheckedTarget[] = []
  const problems: Omit<Problem, 'level'>[] = []
  for (const [variable, view] of views) {
    const where = `env:${variable}`
    let culprit: string = variable
    try {
      const defaults = view.PGSERVICE ? await defaultsOf(env) : parse.defaults
      const discovered = discover(view, { schemes: SCHEMES, defaults })
      // All that its service and the password file can be blamed for.
      if (view.PGSERVICE) culprit = 'PGSERVICE'
      const targets = await completed(discovered, parse, env)
      found.push(...targets.map(({ target, sources }) => ({ target, sources, where })))
      const text = view[variable]
      if (targets.length > 0 || !text || !variable.match(/_UR[LI]$/)) continue
      // An address of something else is the program's own business.
      if (/^(file|sqlite|[a-z][a-z0-9+.-]*:\/\/)/i.test(text)) continue
      const near = nearest(text.split(':')[0] ?? '', [...SCHEMES.keys()], 1)
      const message = `${variable} holds no address${near ? `; after ${near}: two slashes are missing` : ''}`
      problems.push({ id: 'variable-invalid', message, where })
    } catch (error) {
      const message = `${culprit}: ${messageOf(error)}`
      problems.push({ id: 'variable-invalid', message, where: `env:${culprit}` })
    }
  }
  return { found, problems }
}

/** Variables that lead to the same database are one target. */
function merged(found: readonly CheckedTarget[]): CheckedTarget[] {
  const targets: CheckedTarget[] = []
  for (const one of found)
    if (!targets.some(other => identity(other.target) === identity(one.target))) targets.push(one)
  const names = apart(targets.map(one => ({ ...one, named: false })))
  return targets.map((one, i) => ({ ...one, target: names[i]?.target ?? one.target }))
}
