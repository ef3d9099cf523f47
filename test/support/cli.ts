/** Runs the built command line as its users do: another process, a clean environment, an empty folder. */
import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { descendants } from './proc.js'
import { type Exit, note } from './process.js'
import { tempFolder } from './root.js'
import { killGroup } from './run.js'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

export interface CliOptions {
  /** Added to PATH, HOME, TMPDIR, TZ and LANG, which are all that it has. */
  env?: Record<string, string>
  /** Written to standard input, which is then closed. Without it `holdfast` closes it at once. */
  input?: string
  /** Default: an empty folder of its own. */
  cwd?: string
  /** Killed with all its process group after this; default 20 s. */
  timeoutMs?: number
  /**
   * `true` puts all three streams on one terminal, whose output is `stdout` (with CR LF). A name puts
   * input and that stream on a terminal, and the other one into its own text.
   */
  tty?: boolean | 'stdout' | 'stderr'
  /** Default: HOLDFAST_TEST_NODE, else the Node that runs the tests. */
  node?: string
  /** Default: HOLDFAST_TEST_ENTRY, else dist/cli.cjs, which must have been built. */
  entry?: string
}

export interface CliResult {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
  /** Standard output as one JSON document. */
  json<T = unknown>(): T
}

export interface CliHandle {
  readonly pid: number
  /** The folder that it sees as TMPDIR. */
  readonly temp: string
  stdout(): string
  stderr(): string
  /** Rejects when the program ends, or after `timeoutMs`, without it. */
  waitForStdout(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  waitForStderr(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** To standard input; on a terminal `\x03` is Ctrl-C. */
  write(text: string): void
  closeInput(): void
  /** To the program alone (on a terminal: to what holds the terminal). Default SIGTERM. */
  kill(signal?: NodeJS.Signals): void
  /** To its whole process group, as a shell's Ctrl-C does. */
  killGroup(signal?: NodeJS.Signals): void
  /** Settles when the program itself has ended, also while a child of it holds the output open. */
  readonly ended: Promise<Exit>
  /** Settles when it has ended and its output is complete; never rejects. */
  readonly exited: Promise<CliResult>
}

/** Runs it to its end. */
export function holdfast(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return spawnHoldfast(args, { input: '', ...options }).exited
}

/** The command line and environment of `holdfast`, for other ways to run it (netns.ts). */
export function holdfastCommand(args: readonly string[], options: CliOptions = {}) {
  const home = tempFolder('home')
  const temp = join(home, 'tmp')
  mkdirSync(temp)
  const { HOLDFAST_TEST_NODE, HOLDFAST_TEST_ENTRY } = process.env
  const {
    node = HOLDFAST_TEST_NODE ?? process.execPath,
    entry = HOLDFAST_TEST_ENTRY ?? join(REPOSITORY, 'dist/cli.cjs'),
  } = options
  const env: Record<string, string> = {
    PATH: `${dirname(node)}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    HOME: home,
    TMPDIR: temp,
    TZ: 'UTC',
    LANG: 'C.UTF-8',
    ...(options.tty ? { TERM: 'xterm-256color' } : {}),
    ...options.env,
  }
  return { command: [node, entry, ...args], env, cwd: options.cwd ?? tempFolder('cwd'), temp }
}

export function spawnHoldfast(args: readonly string[], options: CliOptions = {}): CliHandle {
  const { command, env, cwd, temp } = holdfastCommand(args, options)
  const [program = '', ...rest] = options.tty ? onTerminal(command, options.tty) : command
  const began = performance.now()
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...rest], {
    cwd,
    env,
    detached: true,
    // With a terminal for one stream, the other one comes back through a pipe of its own.
    stdio: ['pipe', 'pipe', 'pipe', typeof options.tty === 'string' ? 'pipe' : 'ignore'],
  })
  const { pid, stdin } = child
  if (pid === undefined || !stdin) throw new Error('setpriv could not be started')
  const forget = note(pid, `holdfast ${args.join(' ')}`)
  const aside = options.tty === 'stdout' ? 'stderr' : 'stdout'
  const main = options.tty === 'stderr' ? 'stderr' : 'stdout'
  const text = { stdout: '', stderr: '' }
  const changes = new EventEmitter().setMaxListeners(0)
  let complete = false
  const collect = (stream: unknown, name: 'stdout' | 'stderr') =>
    (stream as NodeJS.ReadableStream | null)?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      changes.emit('change')
    })
  collect(child.stdout, main)
  collect(child.stderr, 'stderr')
  collect(child.stdio[3], aside)
  stdin.on('error', () => {})
  if (options.input !== undefined) stdin.end(options.input)
  const timer = setTimeout(() => {
    // What runs on a terminal is in a process group of its own.
    const family = descendants(pid)
    for (const it of [pid, ...family]) killGroup(it)
  }, options.timeoutMs ?? 20_000)
  const ended = new Promise<Exit>(resolve => {
    child.once('exit', (status, signal) => {
      forget()
      resolve({ status, signal })
    })
  })
  const exited = new Promise<CliResult>(resolve => {
    child.once('close', (status, signal) => {
      clearTimeout(timer)
      const ms = performance.now() - began
      complete = true
      resolve({ status, signal, ...text, ms, json: <T>() => JSON.parse(text.stdout) as T })
      changes.emit('end')
    })
  })
  const waitFor =
    (name: 'stdout' | 'stderr') =>
    (pattern: RegExp, timeoutMs = 10_000) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(patience)
          changes.off('change', look).off('end', atEnd)
          act()
        }
        const look = () => {
          const match = pattern.exec(text[name])
          if (match) settle(() => resolve(match))
          return match !== null
        }
        const fail = (what: string) => {
          const said = `stdout: ${text.stdout}\nstderr: ${text.stderr}`
          settle(() => reject(new Error(`holdfast ${what} without ${pattern} on ${name}\n${said}`)))
        }
        const atEnd = () => look() || fail('ended')
        const patience = setTimeout(() => fail(`ran ${timeoutMs} ms`), timeoutMs)
        changes.on('change', look).on('end', atEnd)
        if (complete) atEnd()
        else look()
      })
  return {
    pid,
    temp,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    waitForStdout: waitFor('stdout'),
    waitForStderr: waitFor('stderr'),
    write: input => stdin.write(input),
    closeInput: () => stdin.end(),
    kill: (signal = 'SIGTERM') => {
      child.kill(signal)
    },
    killGroup: (signal = 'SIGTERM') => killGroup(pid, signal),
    ended,
    exited,
  }
}

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

/** util-linux' script makes the terminal and passes the status on. */
function onTerminal(command: readonly string[], tty: true | 'stdout' | 'stderr'): string[] {
  const aside = tty === 'stdout' ? ' 2>&3' : tty === 'stderr' ? ' >&3' : ''
  const line = `stty cols 100 rows 30; exec ${command.map(quote).join(' ')}${aside} 3>&-`
  return ['script', '--quiet', '--return', '--command', line, '/dev/null']
}
