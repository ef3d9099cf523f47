/**
 * Server processes for tests. They run as an unprivileged user, die with the thread that started them, log
 * to a file below the root, and are noted there until they are seen dead, so that the global tear-down can
 * name whatever a test left behind.
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { commandLine, descendants, isAlive, processesIn, readProcess, untilDead } from './proc.js'
import { serverUser, tempFolder, testRoot } from './root.js'
import { PLAIN_ENV } from './run.js'

export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerOptions {
  /** For messages and the names of files. */
  name: string
  command: string
  args: readonly string[]
  env?: Record<string, string>
  /** Appended to; by default a new file. Its folder is the server's working directory. */
  logFile?: string
  /** A line of the log after which the server serves. */
  ready: RegExp
  /** Default 15 s: a busy machine is no failure. */
  readyTimeoutMs?: number
}

export interface ServerProcess {
  readonly pid: number
  /** Settles when the process has ended, however; never rejects. */
  readonly exited: Promise<Exit>
  readonly logFile: string
  /** All that was logged so far. The server writes before it answers, so this is never behind an answer. */
  log(): string
  /** Resolves with the match in the log from byte `from` on, also in what is already there. */
  waitForLog(pattern: RegExp, options?: { from?: number; timeoutMs?: number }): Promise<RegExpExecArray>
  /** Sends a signal to the server process alone. */
  signal(name: NodeJS.Signals): void
  /** Ends it by a signal and resolves when it and its descendants are dead; rejects if it had to be killed. */
  stop(signal?: NodeJS.Signals, timeoutMs?: number): Promise<Exit>
  /** SIGKILL to the server and all its descendants; resolves when they are dead. */
  kill(): Promise<void>
  /** SIGSTOP to the server and all its descendants: sockets stay open, nobody answers. */
  pause(): void
  resume(): void
}

/** Starts a server and resolves once its log says that it is ready. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const logFile = options.logFile ?? join(tempFolder('server', { forServer: true }), 'log')
  const log = openSync(logFile, 'a')
  const from = statSync(logFile).size
  const child = spawn('setpriv', [...privileges(), options.command, ...options.args], {
    // Below the root, where the tear-down also finds its orphans.
    cwd: dirname(logFile),
    env: { ...PLAIN_ENV, ...options.env },
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const exited = new Promise<Exit>(resolve => {
    child.once('exit', (status, signal) => resolve({ status, signal }))
  })
  const { pid } = child
  if (pid === undefined) throw await new Promise(resolve => child.once('error', resolve))
  const forget = note(pid, options.name)
  void exited.then(forget)
  const server = handle(pid, options.name, logFile, exited)
  try {
    await server.waitForLog(options.ready, { from, timeoutMs: options.readyTimeoutMs ?? 15_000 })
  } catch (error) {
    await server.kill()
    throw error
  }
  return server
}

/** setpriv's options: drop root, and SIGKILL when the thread that started the server ends. */
function privileges(): string[] {
  const user = serverUser()
  const drop = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : []
  return [...drop, '--pdeathsig', 'KILL', '--']
}

function handle(pid: number, name: string, logFile: string, exited: Promise<Exit>): ServerProcess {
  const signalAll = (pids: readonly number[], signal: NodeJS.Signals) => {
    for (const it of pids) sendSignal(it, signal)
  }
  let stopped: number[] = []
  let ended = false
  void exited.then(() => {
    ended = true
  })
  const server: ServerProcess = {
    pid,
    exited,
    logFile,
    log: () => readFileSync(logFile, 'utf8'),
    waitForLog: (pattern, { from = 0, timeoutMs = 15_000 } = {}) =>
      waitForText(logFile, pattern, { from, timeoutMs, name, ended: exited }),
    signal: signal => sendSignal(pid, signal),
    async stop(signal = 'SIGTERM', timeoutMs = 10_000) {
      if (ended) return exited
      server.resume()
      const family = descendants(pid)
      sendSignal(pid, signal)
      const timer = setTimeout(() => void server.kill(), timeoutMs)
      const exit = await exited
      clearTimeout(timer)
      await untilDead(family)
      if (exit.signal === 'SIGKILL')
        throw new Error(`${name} did not end within ${timeoutMs} ms of ${signal}`)
      return exit
    },
    async kill() {
      // Stopped first, it cannot start another child while its children are being counted.
      if (!ended) sendSignal(pid, 'SIGSTOP')
      const family = ended ? stopped : descendants(pid)
      signalAll(ended ? family : [pid, ...family], 'SIGKILL')
      await exited
      await untilDead(family)
      stopped = []
    },
    pause() {
      if (ended) return
      sendSignal(pid, 'SIGSTOP')
      stopped = descendants(pid)
      signalAll(stopped, 'SIGSTOP')
    },
    resume() {
      signalAll(stopped, 'SIGCONT')
      stopped = []
      if (!ended) sendSignal(pid, 'SIGCONT')
    },
  }
  return server
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

interface TextWait {
  from: number
  timeoutMs: number
  name: string
  ended?: Promise<Exit>
}

/** Waits for `pattern` in a growing file; each change of the file wakes it. */
export function waitForText(file: string, pattern: RegExp, wait: TextWait): Promise<RegExpExecArray> {
  const text = () => readFileSync(file).subarray(wait.from).toString('utf8')
  return new Promise((resolve, reject) => {
    let done = false
    const watcher = watch(file)
    const finish = (act: () => void) => {
      if (done) return
      done = true
      clearTimeout(timer)
      watcher.close()
      act()
    }
    const fail = (what: string) => {
      const tail = text().trim().split('\n').slice(-15).join('\n')
      reject(new Error(`${wait.name} ${what} before it logged ${pattern}; its log ends with\n${tail}`))
    }
    const look = () => {
      const match = pattern.exec(text())
      if (match) finish(() => resolve(match))
      return match !== null
    }
    const timer = setTimeout(() => finish(() => fail(`ran ${wait.timeoutMs} ms`)), wait.timeoutMs)
    watcher.on('change', look)
    watcher.on('error', error => finish(() => reject(error)))
    look()
    void wait.ended?.then(() => look() || finish(() => fail('ended')))
  })
}

/** Notes a started process below the root; the returned function takes the note away. */
export function note(pid: number, name: string): () => void {
  const folder = join(testRoot(), 'started')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${pid}-${readProcess(pid)?.startTime ?? ''}`)
  writeFileSync(path, name)
  return () => rmSync(path, { force: true })
}

/**
 * What was started below `root` and not stopped: noted processes, alive or not, and any process that works
 * in a folder below it. The living are killed; the descriptions say which were.
 */
export async function killLeftovers(root: string): Promise<string[]> {
  const notes = readNotes(join(root, 'started'))
  const living = notes.filter(it => isAlive(it.pid, it.startTime)).map(it => it.pid)
  const family = [...new Set([...living, ...living.flatMap(descendants), ...processesIn(root)])]
  const strays = family.filter(pid => !notes.some(it => it.pid === pid))
  const found = [
    ...notes.map(it => `${it.name}, pid ${it.pid}${living.includes(it.pid) ? ' (was alive)' : ''}`),
    ...strays.map(pid => `pid ${pid} (was alive): ${commandLine(pid)}`),
  ]
  for (const pid of family) sendSignal(pid, 'SIGKILL')
  await untilDead(family)
  return found
}

function readNotes(folder: string): { pid: number; startTime: string; name: string }[] {
  let files: string[]
  try {
    files = readdirSync(folder)
  } catch {
    return []
  }
  return files.map(file => {
    const [pid, startTime = ''] = file.split('-')
    return { pid: Number(pid), startTime, name: readFileSync(join(folder, file), 'utf8') }
  })
}
