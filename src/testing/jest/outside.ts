import { decide, decideSync } from '../decide.js'
import { open } from '../fixtures.js'
import type { Provided } from '../provided.js'
import { plain } from '../refused.js'
import { setUpRun } from '../setup.js'
import { tellStandIns } from '../suite.js'
import type { Decisions } from './decisions.js'

/** Loaded by Node itself, once for all test files of a worker. */
export const decisions: Decisions = {
  decide: async (names, question) => told(await decide(names, question)),
  decideSync: (names, question) => told(decideSync(names, question)),
  open,
}

function told(provided: readonly Provided[]): readonly Provided[] {
  tellStandIns(provided)
  return provided
}

/** Sets up a whole run; what it resolves with tears it down. */
export async function setUp(cwd?: string): Promise<() => Promise<void>> {
  try {
    return (await setUpRun(cwd === undefined ? {} : { cwd })).tearDown
  } catch (error) {
    throw plain(error)
  }
}
