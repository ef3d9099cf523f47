import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { basename, isAbsolute } from 'node:path'
import { DIRECTORY_PREFIX, OWNER_RECORD, recordOwner, startTimeOf } from './owner.js'
import { REAPER_SCRIPT } from './reaper-script.js'

/**
 * Ends what this process started, however this process ends, SIGKILL included.
 *
 * A detached `sh` reads a pipe whose other end only this process holds. When the pipe closes, the shell ends
 * every process that is still registered and then removes every container and directory that is: within a second where
 * processes react to TERM, within about two where they must be killed. A process is signalled only while its
 * start time is the registered one, so that a process id used again is never hit.
 *
 * Does nothing on Windows, and nothing where there is no /bin/sh.
 */
export interface Reaper {
  /**
   * Registers a running process. `tree`: it and all its descendants get TERM, then KILL after at most 1 s.
   * `postgres`: it gets QUIT (PostgreSQL's immediate shutdown), then it and its descendants KILL.
   * A process that is gone already is ignored.
   */
  watch(pid: number, kind: 'tree' | 'postgres'): void
  /**
   * A variable for the environment of what is started and cannot be registered in the same instant: whoever has
   * it is ended like a `tree`. Linux only.
   */
  mark(): Readonly<Record<string, string>>
  /**
   * Registers a directory for removal, and writes the owner record into it that later sweeps go by.
   * Throws where the name does not start with `holdfast-`.
   */
  own(dir: string): void
  /**
   * Registers a container, which may not be there yet: `ENGINE rm --force --volumes NAME`, for at most 10 s.
   * Throws where the engine is no absolute path, or the name does not start with `holdfast-`.
   */
  container(engine: string, name: string): void
  /** Forgets a process, directory or container, which is then left alone. */
  release(pidOrName: number | string): void
  /** Ends whatever is still registered; resolves when that is done and the shell is gone. Never rejects. */
  close(): Promise<void>
}

const MARK = 'HOLDFAST_RUN'

/** Every container that holdfast makes has a name that starts so. */
export const CONTAINER_PREFIX = 'holdfast-'

/** Starts the watchdog. It does not keep this process alive. */
export function startReaper(): Reaper {
  const windows = process.platform === 'win32'
  const shell = windows ? undefined : startShell()
  const lines = new Map<number | string, string>()
  const register = (key: number | string, line: string) => {
    if (lines.has(key)) return
    lines.set(key, line)
    shell?.send(line)
  }
  return {
    watch(pid, kind) {
      const startTime = windows ? undefined : startTimeOf(pid)
      if (startTime) register(pid, `${kind} ${pid} ${startTime}`)
    },
    mark() {
      const run = randomUUID()
      register(run, `mark ${MARK}=${run}`)
      return { [MARK]: run }
    },
    own(dir) {
      if (!isAbsolute(dir) || !basename(dir).startsWith(DIRECTORY_PREFIX) || dir.includes('\n')) {
        throw new TypeError(`own(): give an absolute path that ends in ${DIRECTORY_PREFIX}…, not ${dir}`)
      }
      recordOwner(dir)
      register(dir, `dir ${dir}`)
    },
    container(engine, name) {
      if (!isAbsolute(engine) || engine.includes('\n') || !CONTAINER_NAME.test(name)) {
        throw new TypeError(
          `container(): give an absolute path and ${CONTAINER_PREFIX}…, not ${engine} ${name}`,
        )
      }
      register(name, `container ${name} ${engine}`)
    },
    release(key) {
      const line = lines.get(key)
      if (line !== undefined) shell?.send(`free ${line}`)
      lines.delete(key)
    },
    close: async () => shell?.close(),
  }
}

const CONTAINER_NAME = new RegExp(`^${CONTAINER_PREFIX}[\\w.-]+$`)

/** Where engines look for their settings, their socket and their state. */
const OF_ENGINES = /^(DOCKER_|CONTAINERS?_|PODMAN_|XDG_|(HOME|USER|TMPDIR|DBUS_SESSION_BUS_ADDRESS)$)/

function startShell() {
  const PATH = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => OF_ENGINES.test(name)),
  )
  // The script is in the environment, so that a list of processes shows a name and not the whole of it.
  const code = 'eval "$HOLDFAST_REAPER"'
  const child = spawn('/bin/sh', ['-c', code, 'holdfast-reaper', process.platform, OWNER_RECORD], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: { ...environment, PATH, HOLDFAST_REAPER: REAPER_SCRIPT },
  })
  const gone = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  child.unref()
  // Null where the limit of open files was reached.
  const pipe = child.stdin as Socket | null
  pipe?.on('error', () => {})
  return {
    send: (line: string) => void pipe?.write(`${line}\n`),
    close() {
      child.ref()
      pipe?.end()
      return gone
    },
  }
}
