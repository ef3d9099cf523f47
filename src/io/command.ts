import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { EXIT } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import type { Reaper } from './reaper.js'
import { inForeground, onSignals, statusOfSignal } from './signals.js'

export interface CommandEnd {
  readonly status: number
  /** Why it could not be run. */
  readonly failure?: string
}

/**
 * Runs a command to its end with our standard streams, arguments unchanged, and passes on the signals that we
 * receive, except those that the terminal has delivered to it already. It does not outlive this process: the
 * reaper sees to that.
 */
export function runCommand(
  argv: readonly string[],
  reaper: Reaper,
  env: NodeJS.ProcessEnv = process.env,
): Promise<CommandEnd> {
  const [file = '', ...args] = argv
  return new Promise(resolve => {
    // Killed between the start and the registration, we would leave it behind without the mark.
    const mark = reaper.mark()
    // Before the start: a signal that came right after it would end us instead of reaching the child.
    let signalled = false
    const restore = onSignals(signal => {
      signalled = true
      const delivered = (signal === 'SIGINT' || signal === 'SIGQUIT') && inForeground()
      if (!delivered) child.kill(signal)
    })
    let child: ChildProcess
    try {
      child = spawn(file, args, { stdio: 'inherit', env: { ...env, ...mark }, windowsHide: true })
    } catch (error) {
      restore()
      return resolve(couldNotRun(file, error as NodeJS.ErrnoException))
    }
    if (child.pid) reaper.watch(child.pid, 'tree')
    const finish = (end: CommandEnd) => {
      restore()
      if (child.pid) reaper.release(child.pid)
      // What a signal was meant to end, and COMMAND left behind, the reaper ends.
      if (!signalled) for (const run of Object.values(mark)) reaper.release(run)
      resolve(end)
    }
    child.once('error', (error: NodeJS.ErrnoException) => finish(couldNotRun(file, error)))
    child.once('exit', (status, signal) =>
      finish({
        status: signal ? statusOfSignal(signal, constants.signals[signal]) : (status ?? EXIT.defect),
      }),
    )
  })
}

/** The status of a shell for what could not be started, and why. */
export function couldNotRun(file: string, { code }: NodeJS.ErrnoException): CommandEnd {
  if (code === 'ENOENT')
    return {
      status: EXIT.notFound,
      failure: `${redactAddress(file)}: command not found. Check its spelling and PATH.`,
    }
  return {
    status: EXIT.notExecutable,
    failure: `${redactAddress(file)}: cannot be executed (${code}). Check its permissions and its first line.`,
  }
}
