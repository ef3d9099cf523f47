import { createHash } from 'node:crypto'
import { wallClock } from '../io/clock.js'
import { textOf } from '../io/text.js'
import { Answers } from './answers.js'
import type { Asking } from './asking.js'
import { ownEnvironment } from './environment.js'
import { cleaned } from './keeper/client.js'
import type { KeeperRecord } from './keeper/directory.js'
import type { Provided } from './provided.js'
import { type Being, isAlive, runOf } from './run.js'

/** What was decided, and how long it holds. */
export interface Decided {
  readonly provided: readonly Provided[]
  /** Unix time in milliseconds. */
  readonly until: number
  /** Whose end is the end of the stand-ins. */
  readonly keeper?: KeeperRecord
  /** Where the project's journal is, as the configuration says. */
  readonly journal: { readonly configured: string | undefined; readonly configFile: string | undefined }
}

const answers = new Map<string, Decided>()

/** What was decided for the same names and options, while it holds: by this process, or by another one of its run. */
export function known(names: readonly string[], options: Asking): Decided | undefined {
  const key = keyOf(names, options)
  const found = answers.get(key) ?? keptBy(options, key)
  if (found && holds(found)) {
    answers.set(key, found)
    return found
  }
  answers.delete(key)
  return undefined
}

/** For this process, and for the others of its run, in a file that only this user may read: addresses are in it. */
export function remember(names: readonly string[], options: Asking, decided: Decided): Decided {
  const key = keyOf(names, options)
  answers.set(key, decided)
  const shared = holds(decided) ? Answers.open() : undefined
  shared?.write(shared.keptOf(rootOf(options), key), decided)
  return decided
}

/** After the end of a run, or where one of its stand-ins has ended. */
export const forget = (root: Being): void => Answers.open()?.forget(root)

/** What came through JSON: null is a variable that is unset. */
export const withUnset = (decided: Decided): Decided => ({
  ...decided,
  provided: decided.provided.map(one => ({
    ...one,
    env: Object.fromEntries(Object.entries(one.env).map(([name, value]) => [name, value ?? undefined])),
  })),
})

function keptBy(options: Asking, key: string): Decided | undefined {
  const shared = Answers.open()
  const text = shared && textOf(shared.keptOf(rootOf(options), key))
  try {
    return text ? withUnset(JSON.parse(text)) : undefined
  } catch {
    return undefined
  }
}

const rootOf = ({ env = ownEnvironment(), cwd }: Asking): Being => runOf({ ...process.env, ...env }, cwd).root

const holds = ({ until, keeper }: Decided): boolean => wallClock() < until && (!keeper || isAlive(keeper))

/** What a runner tells each worker of itself changes no decision. */
function keyOf(names: readonly string[], { needs, cwd, env = ownEnvironment(), configFile }: Asking): string {
  const around = Object.entries(cleaned(env)).sort(([one], [other]) => (one < other ? -1 : 1))
  const asked = JSON.stringify([names, needs, cwd ?? process.cwd(), configFile, around])
  return createHash('sha256').update(asked).digest('hex')
}
