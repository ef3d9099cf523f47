/**
 * What Linux says about processes, read from /proc. A process that has ended but was not collected by its
 * parent yet (state Z) counts as dead everywhere here; `process.kill(pid, 0)` calls it alive.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly state: string
  /** Clock ticks since boot; together with the pid it names a process for good. */
  readonly startTime: string
}

export function readProcess(pid: number): ProcessEntry | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The second field is the command in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { pid, state: fields[0] ?? 'X', parent: Number(fields[1]), startTime: fields[19] ?? '' }
}

/** With `startTime`, also false when the pid now belongs to a later process. */
export function isAlive(pid: number, startTime?: string): boolean {
  const entry = readProcess(pid)
  if (!entry || entry.state === 'Z' || entry.state === 'X') return false
  return startTime === undefined || entry.startTime === startTime
}

function allProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => readProcess(Number(name)))
    .filter(entry => entry !== undefined)
}

/** Living children, grandchildren and so on of `pid`, parents before their children. */
export function descendants(pid: number): number[] {
  const everyone = allProcesses().filter(entry => entry.state !== 'Z')
  const found: number[] = []
  let parents = [pid]
  while (parents.length > 0) {
    const level = everyone.filter(entry => parents.includes(entry.parent)).map(entry => entry.pid)
    found.push(...level)
    parents = level
  }
  return found
}

/** Living processes whose working directory is `folder` or lies below it. */
export function processesIn(folder: string): number[] {
  return allProcesses()
    .filter(entry => entry.state !== 'Z')
    .map(entry => entry.pid)
    .filter(pid => {
      try {
        const cwd = readlinkSync(`/proc/${pid}/cwd`)
        return cwd === folder || cwd.startsWith(`${folder}/`)
      } catch {
        return false
      }
    })
}

/** The command line of a process, for messages. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return '(ended)'
  }
}

/** Resolves when all of `pids` are dead; they need not be our children, so this has to look repeatedly. */
export async function untilDead(pids: readonly number[], timeoutMs = 5_000): Promise<void> {
  const identities = pids.map(pid => ({ pid, startTime: readProcess(pid)?.startTime }))
  const end = performance.now() + timeoutMs
  const living = () => identities.filter(it => it.startTime !== undefined && isAlive(it.pid, it.startTime))
  while (living().length > 0) {
    if (performance.now() > end) {
      const names = living().map(it => `${it.pid} (${commandLine(it.pid)})`)
      throw new Error(`still alive after ${timeoutMs} ms: ${names.join(', ')}`)
    }
    await delay(2)
  }
}

function socketInodes(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** The rows of the kernel's tables of TCP sockets, split into columns. */
function tcpSockets(): string[][] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file => {
    try {
      const [, ...rows] = readFileSync(file, 'latin1').trimEnd().split('\n')
      return rows.map(row => row.trim().split(/\s+/))
    } catch {
      return []
    }
  })
}

const hex = (column: string | undefined, part: number) => Number.parseInt(column?.split(':')[part] ?? '', 16)

/** TCP ports that any of `pids` listens on, ascending. */
export function listeningPorts(pids: readonly number[]): number[] {
  const inodes = new Set(pids.flatMap(socketInodes))
  const ports = tcpSockets()
    .filter(columns => columns[3] === '0A' && inodes.has(columns[9] ?? ''))
    .map(columns => hex(columns[1], 1))
  return [...new Set(ports)].sort((a, b) => a - b)
}

/** Bytes that have reached the socket on `port`, connected to `peerPort`, and that its program has not read. */
export function unreadBytes(port: number, peerPort: number): number {
  const row = tcpSockets().find(columns => hex(columns[1], 1) === port && hex(columns[2], 1) === peerPort)
  return row ? hex(row[4], 1) : 0
}
