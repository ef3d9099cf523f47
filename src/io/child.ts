import { spawn } from 'node:child_process'
import { clearTimeout, setTimeout } from './clock.js'

export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  /** The last line that it wrote to standard error, or else to standard output. */
  readonly lastLine: string
}

const DRAIN_MS = 50

const POSIX = process.platform !== 'win32'

/** Runs a shell command to its end. When the signal comes first, its whole process group is ended. */
export function runOnce(command: string, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    // A group of its own, so that what the shell started ends with it.
    const child = spawn(command, {
      shell: true,
      detached: POSIX,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const tails = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', text => {
      tails.out = (tails.out + text).slice(-4096)
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      tails.err = (tails.err + text).slice(-4096)
    })
    const close = () => {
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const stop = () => {
      endGroup(child.pid)
      // What left the group may hold the pipes open.
      close()
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    child.once('error', error => {
      signal.removeEventListener('abort', stop)
      reject(error)
    })
    child.once('exit', (status, ended) => {
      signal.removeEventListener('abort', stop)
      const finish = () => {
        clearTimeout(timer)
        close()
        resolve({ status, signal: ended, lastLine: lastLine(tails.err) || lastLine(tails.out) })
      }
      // What it left running in the background may hold the pipes open.
      const timer = setTimeout(finish, DRAIN_MS)
      child.once('close', finish)
    })
  })
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)?.trim() ?? ''

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(POSIX ? -pid : pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
