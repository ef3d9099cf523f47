import type { Env } from '../gate/variables.js'
import type { Asking } from './asking.js'
import { decide } from './decide.js'
import { enter } from './environment.js'
import { closeKeeper } from './keeper/client.js'
import { forget } from './memory.js'
import type { Provided } from './provided.js'
import { refusalIn } from './refused.js'
import { handedOn, runOf } from './run.js'

export interface SetUpOptions extends Pick<Asking, 'cwd' | 'configFile' | 'needs' | 'signal'> {
  /** Takes a line for people, with its end. Default: standard error. */
  readonly say?: (text: string) => void
}

export interface SetUp {
  readonly provided: readonly Provided[]
  /** What workers need in their environment; `process.env` of this process has it until the end. */
  readonly env: Env
  /** Ends the stand-ins of the run. */
  tearDown(): Promise<void>
}

/**
 * For a runner's main process, before any worker starts: decides about all of the plan's services once, says a line for
 * each, and makes this process the root of the run.
 *
 * @throws Refused with the advice, once for the whole run, where a service is there and broken; what `decide` throws.
 */
export async function setUpRun(options: SetUpOptions = {}): Promise<SetUp> {
  const { say = text => void process.stderr.write(text), ...asking } = options
  const run = runOf(process.env, options.cwd)
  const env = handedOn(run)
  const leave = enter(env)
  const tearDown = async () => {
    leave()
    await closeKeeper(run, process.env)
    forget(run.root)
  }
  try {
    const provided = await decide([], asking)
    const refusal = refusalIn(provided)
    if (refusal) throw refusal
    for (const { name, decision, message } of provided) say(`holdfast: ${name}: ${decision}: ${message}\n`)
    return { provided, env, tearDown }
  } catch (error) {
    await tearDown()
    throw error
  }
}
