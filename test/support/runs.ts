/** Runs of a test runner: a process that stands for its main one, and workers, which are the program that decides. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Provided } from '../../src/testing/provided.js'
import { commandLine, readProcess, untilDead } from './proc.js'
import { note } from './process.js'
import { tempFolder } from './root.js'

const CHILDREN = fileURLToPath(new URL('../../dist/children/', import.meta.url))

export interface TestRun {
  /** What its workers have in their environment. */
  readonly env: Record<string, string>
  readonly cwd: string
  /** The folder that they see as TMPDIR. */
  readonly temp: string
  /** Asks as a worker does, in a process of its own. Rejects with what the worker says. */
  ask(names: readonly string[], more?: WorkerOptions): Promise<Provided[]>
  /** The keepers of this run that live. */
  keepers(): number[]
  /** The directory of the run, while it is there. */
  directories(): string[]
  /** SIGKILL for the main process. */
  kill(): void
}

export interface WorkerOptions {
  readonly env?: Record<string, string>
  readonly needs?: readonly string[]
}

/** A run whose main process lives until the test is over; then all that it left must be gone. */
export function startRun(env: Record<string, string> = {}): TestRun {
  const temp = tempFolder('run')
  const cwd = tempFolder('project')
  const main = spawn('sleep', ['600'], { cwd: '/', stdio: 'ignore' })
  const { pid } = main
  if (pid === undefined) throw new Error('sleep could not be started')
  const forget = note(pid, 'the main process of a run')
  const { HOME = '/', PATH = '/usr/bin:/bin' } = process.env
  const whole = {
    ...{ HOME, PATH, TMPDIR: temp, HOLDFAST_JOURNAL: 'off' },
    HOLDFAST_RUN_ROOT: `${pid}:${readProcess(pid)?.startTime}`,
    ...env,
  }
  const keepers = () => processes().filter(it => new RegExp(`keeper\\.js ${pid} `).test(commandLine(it)))
  onTestFinished(async () => {
    const left = keepers()
    main.kill('SIGKILL')
    await untilDead([pid, ...left])
    forget()
  })
  return {
    env: whole,
    cwd,
    temp,
    keepers,
    directories: () => readdirSync(temp).filter(name => name.startsWith('holdfast-run-')),
    kill: () => void main.kill('SIGKILL'),
    async ask(names, { env: more = {}, needs } = {}) {
      const worker = spawn(process.execPath, [join(CHILDREN, 'decide.js')], {
        cwd,
        env: { ...whole, ...more },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      worker.stdin.end(JSON.stringify({ names, options: { needs } }))
      const [stdout, stderr] = await Promise.all([textOf(worker, 'stdout'), textOf(worker, 'stderr')])
      if (!stdout) throw new Error(`the worker said nothing; ${stderr}`)
      const said = JSON.parse(stdout)
      if (said.error) throw new Error(said.error.message)
      return said.provided
    },
  }
}

const processes = () =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)

/** What a process has in its environment. */
export const environmentOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)

async function textOf(child: ChildProcess, name: 'stdout' | 'stderr'): Promise<string> {
  let text = ''
  for await (const chunk of child[name] ?? []) text += chunk
  return text
}
