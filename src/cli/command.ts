import { runCommand } from '../io/command.js'
import { type Reaper, startReaper } from '../io/reaper.js'

/** Runs COMMAND and resolves with the exit status, after saying why where it could not be run. */
export async function runTold(
  argv: readonly string[],
  reaper: Reaper,
  env?: NodeJS.ProcessEnv,
): Promise<number> {
  const { status, failure } = await runCommand(argv, reaper, env)
  if (failure) process.stderr.write(`holdfast: ${failure}\n`)
  return status
}

/** The same with a watchdog of its own. */
export async function runGuarded(argv: readonly string[]): Promise<number> {
  const reaper = startReaper()
  try {
    return await runTold(argv, reaper)
  } finally {
    await reaper.close()
  }
}
