import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { EXIT } from '../core/errors.js'
import { type Clock, systemClock } from './clock.js'
import { couldNotRun } from './command.js'
import type { Reaper } from './reaper.js'
import { statusOfSignal } from './signals.js'

export interface JobOptions {
  readonly reaper: Reaper
  readonly env?: NodeJS.ProcessEnv
  /** `stderr`: it writes there itself. `kept`: it is copied there, and its end is kept for a message; `quiet`: only kept. */
  readonly output: 'stderr' | 'kept' | 'quiet'
}

export interface JobEnd {
  /** As a shell gives it: 128+N where signal N ended it, 126 and 127 where it could not be started. */
  readonly status: number
  /** Why it could not be started. */
  readonly failure?: string
  /** The last of what it wrote; empty unless it was kept. */
  readonly tail: string
}

const POSIX = process.platform !== 'win32'
const TAIL = 4096
const DRAIN_MS = 50
const LOOK_MS = 20

/** How long what the leader left running may take to end at TERM, in milliseconds. */
const LEFTOVERS_MS = 500

/**
 * A program in a process group of its own, without standard input, whose output goes to our standard error. The
 * group ends with its leader, and with us, however we end: the reaper sees to that.
 */
export class Job {
  /** Settles when the leader has ended and nothing is left of its group; never rejects. */
  readonly ended: Promise<JobEnd>
  readonly #child: ChildProcess | undefined
  #over = false

  constructor(
    argv: readonly string[],
    { reaper, env = process.env, output }: JobOptions,
    readonly clock: Clock = systemClock,
  ) {
    const [file = '', ...args] = argv
    const out = output === 'stderr' ? 2 : ('pipe' as const)
    const mark = reaper.mark()
    const failed = (error: NodeJS.ErrnoException): JobEnd => ({ ...couldNotRun(file, error), tail: '' })
    let child: ChildProcess
    try {
      child = spawn(file, args, {
        stdio: ['ignore', out, out],
        env: { ...env, ...mark },
        detached: POSIX,
        windowsHide: true,
      })
    } catch (error) {
      this.ended = Promise.resolve(failed(error as NodeJS.ErrnoException))
      return
    }
    this.#child = child
    const { pid } = child
    if (pid) reaper.watch(pid, 'tree')
    let tail = ''
    const keep = (chunk: Buffer) => {
      if (output === 'kept') process.stderr.write(chunk)
      tail = (tail + chunk.toString()).slice(-TAIL)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    this.ended = new Promise(resolve => {
      child.once('error', error => {
        this.#over = true
        resolve(failed(error))
      })
      child.once('exit', async (code, signal) => {
        this.#over = true
        // What it left running may hold the pipes open.
        if (output !== 'stderr') await this.#drained(child)
        await this.#endGroup()
        child.stdout?.destroy()
        child.stderr?.destroy()
        if (pid) reaper.release(pid)
        const status = signal ? statusOfSignal(signal, constants.signals[signal]) : (code ?? EXIT.defect)
        resolve({ status, tail })
      })
    })
  }

  /** Sends a signal to the leader, or to its whole group. */
  kill(signal: NodeJS.Signals, whom: 'leader' | 'group'): void {
    if (this.#over) return
    if (whom === 'leader') this.#child?.kill(signal)
    else this.#signalGroup(signal)
  }

  /** TERM, and KILL for the whole group after `graceMs`; resolves when it has ended. */
  async stop(graceMs: number, whom: 'leader' | 'group'): Promise<JobEnd & { readonly killed: boolean }> {
    this.kill('SIGTERM', whom)
    const limit = this.clock.deadline(graceMs)
    let killed = false
    const kill = () => {
      killed = !this.#over
      this.kill('SIGKILL', 'group')
    }
    limit.signal.addEventListener('abort', kill, { once: true })
    const end = await this.ended
    limit.clear()
    limit.signal.removeEventListener('abort', kill)
    return { ...end, killed }
  }

  #drained(child: ChildProcess): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, DRAIN_MS)
      child.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async #endGroup(): Promise<void> {
    if (!this.#signalGroup('SIGTERM')) return
    for (let waited = 0; waited < LEFTOVERS_MS; waited += LOOK_MS) {
      await this.clock.sleep(LOOK_MS)
      if (!this.#signalGroup(0)) return
    }
    this.#signalGroup('SIGKILL')
  }

  /** False where there is nobody left to hear it. */
  #signalGroup(signal: NodeJS.Signals | 0): boolean {
    const pid = this.#child?.pid
    if (pid === undefined || !POSIX) return this.#child?.kill(signal) ?? false
    try {
      process.kill(-pid, signal)
      return true
    } catch {
      return false
    }
  }
}
