import { createHash } from 'node:crypto'
import { wallClock } from '../io/clock.js'
import type { Asking } from './asking.js'
import { ownEnvironment } from './environment.js'
import type { KeeperRecord } from './keeper/directory.js'
import type { Provided } from './provided.js'
import { isAlive } from './run.js'

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

/** What this process decided for the same names and options, while it holds. */
export function known(names: readonly string[], options: Asking): Decided | undefined {
  const key = keyOf(names, options)
  const found = answers.get(key)
  if (found && holds(found)) return found
  answers.delete(key)
  return undefined
}

export function remember(names: readonly string[], options: Asking, decided: Decided): Decided {
  answers.set(keyOf(names, options), decided)
  return decided
}

const holds = ({ until, keeper }: Decided): boolean => wallClock() < until && (!keeper || isAlive(keeper))

function keyOf(names: readonly string[], { needs, cwd, env = ownEnvironment(), configFile }: Asking): string {
  const asked = JSON.stringify([names, needs, cwd ?? process.cwd(), configFile, env])
  return createHash('sha256').update(asked).digest('hex')
}
