import type { Env } from '../gate/variables.js'
import type { Provided } from './provided.js'

/** The variables of a suite's services, resolved once: what is read here does not depend on what others set. */
export interface Environment {
  /** What the services' variables are; undefined for one that is unset. Frozen. */
  readonly changes: Env
  /** The whole environment with them. Frozen. */
  readonly all: Readonly<Record<string, string>>
  /** Sets them in `process.env`. The function that it returns takes them back, once; see `enter`. */
  apply(): () => void
}

/** `base` is what the rest of the environment is; default: the process' own, without what is applied. */
export function environmentOf(
  provided: readonly Pick<Provided, 'env'>[],
  base: Env = ownEnvironment(),
): Environment {
  const changes: Env = Object.freeze(Object.assign({}, ...provided.map(one => one.env)))
  const all = Object.entries({ ...base, ...changes }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return Object.freeze({ changes, all: Object.freeze(Object.fromEntries(all)), apply: () => enter(changes) })
}

/** What is applied to `process.env`, and what was there before. */
interface Applied {
  /** In the order in which they were applied. */
  readonly layers: Env[]
  /** Of each variable that a layer has: its value without them. */
  readonly before: Map<string, string | undefined>
}

/** One for all copies of this module in a process: runners load modules anew for every file. */
const KEY = Symbol.for('holdfast.environment')

function applied(): Applied {
  const home = globalThis as { [KEY]?: Applied }
  home[KEY] ??= { layers: [], before: new Map() }
  return home[KEY]
}

/**
 * Sets and unsets variables of this process until the returned function is called, which may happen in any order and
 * more than once. At every moment a variable has the value of the latest layer that has it and is not yet taken back;
 * when none is left it is exactly as it was before the first one, also unset, whatever was assigned to it meanwhile.
 *
 * Suites that run at the same time in one process share `process.env`: where they give one variable different values,
 * the later one holds for both. `Environment.all` is each one's own.
 */
export function enter(changes: Env): () => void {
  const { layers, before } = applied()
  // One of its own, so that the same changes may be applied twice.
  const layer = { ...changes }
  for (const name of Object.keys(layer)) if (!before.has(name)) before.set(name, process.env[name])
  layers.push(layer)
  for (const [name, value] of Object.entries(layer)) assign(name, value)
  return () => {
    const at = layers.indexOf(layer)
    if (at < 0) return
    layers.splice(at, 1)
    for (const name of Object.keys(layer)) {
      const rest = layers.findLast(one => name in one)
      if (rest && layers.indexOf(rest) >= at) continue
      assign(name, rest ? rest[name] : before.get(name))
      if (!rest) before.delete(name)
    }
  }
}

/** What is applied to `process.env` at the moment. */
export const entered = (): Env => Object.assign({}, ...applied().layers)

/** `process.env` without what is applied to it at the moment. */
export function ownEnvironment(): Env {
  return { ...process.env, ...Object.fromEntries(applied().before) }
}

function assign(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
