import { spawn } from 'node:child_process'
import { HoldfastError } from '../../core/errors.js'
import { childProgram } from '../../io/programs.js'
import type { Frame } from './frame.js'
import { serverEnvironment } from './program.js'
import { stop } from './server.js'

export interface ChildOptions {
  /** The program in src/standin/children. */
  readonly name: string
  readonly product: string
  /** What it shall do; secrets may be in it, which is why it goes through a pipe. */
  readonly task: object
  /** A limit for the JavaScript heap, in megabytes. */
  readonly heapMb: number
}

/**
 * Starts a server that is a Node program of ours, and resolves with what it said once it listens. It ends when this
 * process does, since it reads a pipe that only this process holds.
 */
export async function startChild<Said extends object>(options: ChildOptions, frame: Frame): Promise<Said> {
  const { name, product, task, heapMb } = options
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, childProgram(name)], {
    cwd: '/',
    env: serverEnvironment(),
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const { pid } = child
  if (pid) frame.reaper.watch(pid, 'tree')
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  }).finally(() => pid && frame.reaper.release(pid))
  frame.owns({
    ended,
    stop: async () => {
      child.stdin.end()
      await stop(child, ended, 'tree', 'SIGTERM')
    },
  })
  child.stdin.on('error', () => {}).write(`${JSON.stringify(task)}\n`)
  let text = ''
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text)
    })
    void ended.then(() => resolve(text))
    if (frame.signal.aborted) reject(frame.signal.reason)
    frame.signal.addEventListener('abort', () => reject(frame.signal.reason), { once: true })
  })
  const said = line.includes('\n') ? JSON.parse(line) : { error: 'it ended without a word' }
  if ('error' in said) throw new HoldfastError('config', `${product} did not start: ${said.error}`)
  child.stdout.destroy()
  child.unref()
  unref(child.stdin)
  return said
}

const unref = (stream: object) => (stream as { unref?: () => void }).unref?.()
