import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, unwatchFile, watch, watchFile } from 'node:fs'
import { join } from 'node:path'
import { HoldfastError } from '../core/errors.js'
import { type Reaper, startReaper } from '../io/reaper.js'
import type { PostgresBinaries } from './binaries.js'
import { serverEnvironment, tail } from './program.js'
import type { ServerUser } from './user.js'

/** A running PostgreSQL server. */
export interface Postmaster {
  readonly port: number
  /** Ends sessions and server: at once where it is healthy, by force after 1 s where it is not. */
  stop(): Promise<void>
}

export interface PostmasterOptions {
  readonly binaries: PostgresBinaries
  readonly user?: ServerUser | undefined
  /** Holds the socket and the log. */
  readonly dir: string
  readonly data: string
  readonly nextPort: () => number
  readonly signal: AbortSignal
  readonly reaper: Reaper
}

const SETTINGS = {
  // A stand-in need not survive a crash of the machine.
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  listen_addresses: '127.0.0.1',
  max_connections: '100',
  // Inside the cluster's directory: nothing else to clean up, and no limit of 64 MB in containers.
  dynamic_shared_memory_type: 'mmap',
  password_encryption: 'scram-sha-256',
  // 1 MB segments: frequent checkpoints are intended.
  checkpoint_warning: '0',
  cluster_name: 'holdfast',
}

const PORTS_TO_TRY = 20

/** Starts the server on the first port that nobody else has, and resolves once it accepts connections. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  let log = ''
  for (let tries = 0; tries < PORTS_TO_TRY; tries++) {
    const port = options.nextPort()
    const server = launch(options, port)
    try {
      await server.ready
      return { port, stop: server.stop }
    } catch (error) {
      await server.stop()
      if (options.signal.aborted) throw options.signal.reason
      if (!(error instanceof Ended)) throw error
      log = error.log
      if (!/Address already in use/.test(log)) break
    }
  }
  throw new HoldfastError('config', `PostgreSQL ended instead of starting. The end of its log:\n${tail(log)}`)
}

class Ended extends Error {
  constructor(readonly log: string) {
    super('the server ended')
  }
}

function launch({ binaries, user, dir, data, signal, reaper }: PostmasterOptions, port: number) {
  const settings = { ...SETTINGS, port, unix_socket_directories: dir }
  const logFile = join(dir, 'log')
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(
    join(binaries.bin, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      cwd: '/',
      env: serverEnvironment(),
      // A session of its own: Ctrl-C reaches the command that uses the server, and not the server before it.
      detached: true,
      stdio: ['ignore', log, log],
      ...(user ? { uid: user.uid, gid: user.gid } : {}),
    },
  )
  closeSync(log)
  if (child.pid) reaper.watch(child.pid, 'postgres')
  const ended = new Promise<Error>(resolve => {
    child.once('exit', () => resolve(new Ended(readFileSync(logFile, 'utf8'))))
    child.once('error', resolve)
  }).finally(() => child.pid && reaper.release(child.pid))
  const ready = untilLogged(logFile, /database system is ready to accept connections/, ended, signal)
  // From here on it must not keep this process alive; the reaper ends it.
  ready.finally(() => child.unref()).catch(() => {})
  return { ready, stop: () => stop(child, ended) }
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

/** Fast shutdown: sessions are ended. Where that takes over a second, all its processes are. */
async function stop(child: ChildProcess, ended: Promise<Error>): Promise<void> {
  child.ref()
  child.kill('SIGINT')
  if (!child.pid || (await within(1_000, ended))) return
  const reaper = startReaper()
  reaper.watch(child.pid, 'postgres')
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
