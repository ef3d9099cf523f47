import { createHash } from 'node:crypto'
import type { Asking } from './asking.js'
import { ownEnvironment } from './environment.js'
import type { Provided } from './provided.js'

/** How long an answer holds where nothing else is said, in milliseconds. */
const HOLDS_MS = 30_000

interface Remembered {
  readonly provided: readonly Provided[]
  /** Unix time in milliseconds. */
  readonly until: number
}

const answers = new Map<string, Remembered>()

/** What this process decided for the same names and options, while it holds. */
export function known(names: readonly string[], options: Asking): Remembered | undefined {
  const key = keyOf(names, options)
  const found = answers.get(key)
  if (found && Date.now() < found.until) return found
  answers.delete(key)
  return undefined
}

/** `at` is when it was found, in Unix milliseconds. */
export function remember(
  names: readonly string[],
  options: Asking,
  provided: readonly Provided[],
  at: number,
  holdsMs = HOLDS_MS,
): void {
  answers.set(keyOf(names, options), { provided, until: at + holdsMs })
}

function keyOf(names: readonly string[], { needs, cwd, env = ownEnvironment(), configFile }: Asking): string {
  const asked = JSON.stringify([names, needs, cwd ?? process.cwd(), configFile, env])
  return createHash('sha256').update(asked).digest('hex')
}
