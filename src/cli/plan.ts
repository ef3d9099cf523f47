import type { Config } from '../config/config.js'
import { usage } from '../core/errors.js'
import { parseDuration } from '../core/options.js'
import { shellWord } from '../core/quoting.js'
import { redactAddress } from '../core/redact.js'
import type { Aim, WaitOptions } from '../gate/outcome.js'
import { loadService } from '../services/registry.js'
import { dialectOf } from '../start/dialects.js'
import { findProgram } from '../start/program.js'
import type { Checked } from '../start/subject.js'
import { aimsOf } from '../targets/aims.js'
import { resolveTargets } from '../targets/resolve.js'
import type { Wanted } from '../targets/wanted.js'
import type { Call, Values } from './call.js'
import { questionOf } from './wait.js'

/** What a start is made of, once its configuration has been read. */
export interface Plan {
  readonly wanted: readonly Wanted[]
  readonly config: Config
  readonly aims: readonly Aim[]
  readonly migration: { readonly command: string; readonly lock: Aim } | undefined
  readonly health: Aim | undefined
  readonly smoke: string | undefined
}

/** Reads configuration, arguments and environment. @throws HoldfastError */
export async function planOf({ targets, values }: Call, env: NodeJS.ProcessEnv): Promise<Plan> {
  const file = values.text('config')
  const { wanted, loaded } = await resolveTargets(targets, file, env)
  const config = loaded?.config ?? {}
  const aims = await aimsOf(wanted, config, questionOf(values))
  const command = values.text('migrate') ?? config.run?.migrate
  const health = values.text('health') ?? (values.given.has('up-for') ? config.run?.health : undefined)
  const other = async (text: string, name: string): Promise<Aim | undefined> => {
    const { wanted: found } = await resolveTargets([text], file, env)
    const [one] = found
    if (!one) return undefined
    const given = aims.find(({ target }) => target.name === text)
    const target = { ...one.target, name }
    return given ?? { target, service: await loadService(target.service), probe: {} }
  }
  const place = values.text('migrate-target')
  const lock = command ? await (place ? other(place, 'migrate-target') : lockable(aims)) : undefined
  if (lock && !dialectOf(lock.service.name))
    throw usage(`--migrate-target: ${lock.service.name} has no lock; name a PostgreSQL or MySQL database`)
  return {
    wanted,
    config,
    aims,
    migration: command && lock ? { command, lock } : undefined,
    health: health ? await other(health, 'health') : undefined,
    smoke: values.text('smoke') ?? config.run?.smoke,
  }
}

/** @throws HoldfastError (usage) where what is given as a target is a program: `holdfast run node server.js`. */
export function checkDashes({ targets, command }: Call, { config, env }: Checked): void {
  if (command) return
  const known = config.targets ?? {}
  const begin = targets.findIndex(word => !Object.hasOwn(known, word) && findProgram(word, env.PATH))
  if (begin < 0) return
  const words = (some: readonly string[]) => some.map(word => shellWord(redactAddress(word)))
  const line = ['holdfast run', ...words(targets.slice(0, begin)), '--', ...words(targets.slice(begin))]
  throw usage(`"${targets[begin]}" is a program, and not a target; write: ${line.join(' ')}`)
}

function lockable(aims: readonly Aim[]): Aim {
  const [first, ...more] = aims.filter(({ service }) => dialectOf(service.name))
  if (!first)
    throw usage(
      `--migrate: none of the targets (${aims.map(({ service }) => service.name).join(', ') || 'there is none'}) has a lock that keeps two migrations apart; name a PostgreSQL or MySQL database with --migrate-target`,
    )
  if (more.length > 0)
    throw usage(
      `--migrate: ${[first, ...more].map(({ target }) => target.name).join(' and ')} could be meant; say which one with --migrate-target`,
    )
  return first
}

/** Milliseconds and counts of the wait: options first, then the configuration. */
export function waitOf(values: Values, config: Config): WaitOptions {
  const ms = (name: string, configured: string | undefined) =>
    values.number(name) ?? (configured === undefined ? undefined : parseDuration(configured, name))
  const validate = values.flag('validate')
  const options = {
    timeoutMs: ms('timeout', validate ? undefined : config.timeout) ?? (validate ? 5000 : 120_000),
    attemptTimeoutMs: ms('attempt-timeout', config.attemptTimeout),
    graceMs: ms('grace', config.grace),
    stableMs: ms('stable', config.stable),
    connections: values.number('connections') ?? config.connections,
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
