import { spawn } from 'node:child_process'

export interface RunResult {
  /** null when a signal ended it. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

export interface RunOptions {
  env?: Record<string, string>
  cwd?: string
  input?: string
  /** The command and everything in its process group is killed after this. */
  timeoutMs?: number
  uid?: number
  gid?: number
}

/** An environment that is the same on every machine. */
export const PLAIN_ENV: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

/** Runs a helper program to its end. Rejects only when it cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env, cwd = '/', input = '', timeoutMs = 30_000, uid, gid } = options
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn(command, args, {
      cwd,
      env: { ...PLAIN_ENV, ...env },
      detached: true,
      stdio: 'pipe',
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    })
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk
      })
    }
    // A program that ends without reading its input is no failure of ours.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const timer = setTimeout(() => killGroup(child.pid), timeoutMs)
    child.once('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (status, signal) => {
      clearTimeout(timer)
      resolve({ status, signal, ...text, ms: performance.now() - began })
    })
  })
}

/** SIGKILL to a whole process group; nothing happens when it is gone. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {}
}

/** Like `run`, and rejects with what the program said unless it ended with 0. Resolves with its output. */
export async function runOk(command: string, args: readonly string[], options?: RunOptions): Promise<string> {
  const result = await run(command, args, options)
  if (result.status === 0) return result.stdout
  const how = result.signal ? `was ended by ${result.signal}` : `ended with ${result.status}`
  throw new Error(`${command} ${how}: ${result.stderr.trim() || result.stdout.trim()}`)
}
