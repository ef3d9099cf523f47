import { spawn } from 'node:child_process'
import type { Reaper } from '../../io/reaper.js'
import type { ServerUser } from './user.js'

export interface ProgramOptions {
  /** Whom to run as; by default ourselves. */
  readonly user?: ServerUser | undefined
  /** Text for standard input, or an open file to read from. Default: nothing. */
  readonly input?: string | number
  /** An open file for standard output. Default: collected. */
  readonly output?: number
  /** Default: next to nothing, as for a server. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Ends the program, and what it started, by SIGKILL. */
  readonly signal: AbortSignal
  /** Ends it should we be killed meanwhile. */
  readonly reaper?: Reaper | undefined
}

export interface Outcome {
  /** Null where a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const PASSED_ON = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'LOCALE_ARCHIVE']

/** A database server must not depend on, nor see, what else is in our environment (PGDATA, LANG, secrets). */
export function serverEnvironment(): Record<string, string> {
  const passed = PASSED_ON.flatMap(name => (process.env[name] ? [[name, process.env[name]]] : []))
  return { ...Object.fromEntries(passed), LC_ALL: 'C', TZ: 'UTC', COPYFILE_DISABLE: '1' }
}

/** Runs a program to its end, from `/`. Rejects where it cannot be started, and with the signal's reason. */
export function runProgram(file: string, args: readonly string[], options: ProgramOptions): Promise<Outcome> {
  const { user, input, output, env = serverEnvironment(), signal, reaper } = options
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: '/',
      env,
      detached: true,
      stdio: [typeof input === 'string' ? 'pipe' : (input ?? 'ignore'), output ?? 'pipe', 'pipe'],
      ...(user ? { uid: user.uid, gid: user.gid } : {}),
    })
    const { pid } = child
    if (pid) reaper?.watch(pid, 'tree')
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk
      })
    }
    child.stdin?.on('error', () => {}).end(input)
    const stop = () => killGroup(pid)
    signal.addEventListener('abort', stop, { once: true })
    const settle = () => {
      signal.removeEventListener('abort', stop)
      if (pid) reaper?.release(pid)
    }
    child.once('error', error => {
      settle()
      reject(error)
    })
    child.once('close', status => {
      settle()
      if (signal.aborted) reject(signal.reason)
      else resolve({ status, ...text })
    })
  })
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** The last lines of what a program said, for an error message. */
export const tail = (text: string, lines = 8): string => text.trim().split('\n').slice(-lines).join('\n')
