import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, unwatchFile, watch, watchFile, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { startTimeOf } from '../../io/owner.js'
import { type Reaper, startReaper } from '../../io/reaper.js'
import { serverEnvironment, tail } from './program.js'
import type { ServerUser } from './user.js'

/** A running server. */
export interface OwnedServer {
  readonly port: number
  /** What it has logged so far. */
  log(): string
  /** Ends sessions and server: at once where it is healthy, by force after 1 s where it is not. */
  stop(): Promise<void>
  /** Resolves once it is gone, however that came. */
  readonly ended: Promise<unknown>
}

export interface ServerOptions {
  /** For messages. */
  readonly product: string
  /** The program and its arguments for a port. */
  readonly command: (port: number) => readonly [file: string, ...args: string[]]
  /** What its log says once it accepts connections. */
  readonly ready: RegExp
  readonly kind: 'tree' | 'postgres'
  /** The signal for a quick and orderly end. */
  readonly stopSignal: NodeJS.Signals
  readonly user?: ServerUser | undefined
  /** Holds the log, and what else the server puts there. */
  readonly dir: string
  readonly nextPort: () => number
  readonly signal: AbortSignal
  readonly reaper: Reaper
}

/** Names the server of a directory for sweeps: "PID START". Made by us, so that nobody else may write it. */
export const SERVER_RECORD = 'holdfast-server'

const PORTS_TO_TRY = 20

/** Starts the server on the first port that nobody else has, and resolves once it accepts connections. */
export async function startServer(options: ServerOptions): Promise<OwnedServer> {
  let log = ''
  for (let tries = 0; tries < PORTS_TO_TRY; tries++) {
    const port = options.nextPort()
    const server = launch(options, port)
    try {
      await server.ready
      return { port, stop: server.stop, log: server.log, ended: server.ended }
    } catch (error) {
      await server.stop()
      if (options.signal.aborted) throw options.signal.reason
      if (!(error instanceof Ended)) throw error
      log = error.log
      if (!/Address already in use/.test(log)) break
    }
  }
  const what = `${options.product} ended instead of starting. The end of its log:\n${tail(log)}`
  throw new HoldfastError('config', what)
}

class Ended extends Error {
  constructor(readonly log: string) {
    super('the server ended')
  }
}

function launch(options: ServerOptions, port: number) {
  const { user, dir, signal, reaper, kind, stopSignal } = options
  const [file, ...args] = options.command(port)
  const logFile = join(dir, 'log')
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(file, args, {
    cwd: '/',
    env: serverEnvironment(),
    // A session of its own: Ctrl-C reaches the command that uses the server, and not the server before it.
    detached: true,
    stdio: ['ignore', log, log],
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  })
  closeSync(log)
  if (child.pid) {
    reaper.watch(child.pid, kind)
    const started = startTimeOf(child.pid)
    if (started) writeFileSync(join(dir, SERVER_RECORD), `${child.pid} ${started}\n`, { mode: 0o600 })
  }
  const ended = new Promise<Error>(resolve => {
    child.once('exit', () => resolve(new Ended(readFileSync(logFile, 'utf8'))))
    child.once('error', resolve)
  }).finally(() => child.pid && reaper.release(child.pid))
  const ready = untilLogged(logFile, options.ready, ended, signal)
  // From here on it must not keep this process alive; the reaper ends it.
  ready.finally(() => child.unref()).catch(() => {})
  const logged = () => readFileSync(logFile, 'utf8')
  return { ready, log: logged, ended, stop: () => stop(child, ended, kind, stopSignal) }
}

/** Resolves once the file holds the pattern; rejects with what the server ended by, or the signal's reason. */
async function untilLogged(
  file: string,
  pattern: RegExp,
  ended: Promise<Error>,
  signal: AbortSignal,
): Promise<void> {
  const changes = watchChanges(file)
  try {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(readFileSync(file, 'utf8'))) resolve()
      }
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      void ended.then(reject)
      changes.on(look)
      look()
    })
  } finally {
    changes.close()
  }
}

/** The system's notification of changes; where it has none left to give (a limit per user), looking every 10 ms. */
function watchChanges(file: string) {
  let look = () => {}
  const poll = () => watchFile(file, { interval: 10 }, () => look())
  let close = () => unwatchFile(file)
  try {
    const watcher = watch(file, () => look())
    watcher.on('error', poll)
    close = () => {
      watcher.close()
      unwatchFile(file)
    }
  } catch {
    poll()
  }
  return {
    on(listener: () => void) {
      look = listener
    },
    close,
  }
}

/** Asks it to end; where that takes over a second, all its processes are killed. */
export async function stop(
  child: ChildProcess,
  ended: Promise<unknown>,
  kind: 'tree' | 'postgres',
  signal: NodeJS.Signals,
): Promise<void> {
  child.ref()
  child.kill(signal)
  if (!child.pid || (await within(1_000, ended))) return
  const reaper = startReaper()
  reaper.watch(child.pid, kind)
  await reaper.close()
  child.kill('SIGKILL')
  await ended
}

async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const inTime = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return inTime
}
