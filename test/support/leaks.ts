/** What this process, or another one, holds: to prove that nothing of it is left afterwards. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { commandLine, descendants, listeningPorts } from './proc.js'

export interface Belongings {
  readonly pid: number
  readonly temp: { folder: string; prefix: string }
  /** How many of each kind of handle this process has open; empty for another process. */
  readonly handles: Readonly<Record<string, number>>
  /** Living descendants. */
  readonly children: readonly number[]
  /** Ports that the process and its descendants listen on. */
  readonly ports: readonly number[]
  /** Entries of the temporary folder that begin with the prefix. */
  readonly files: readonly string[]
}

export interface BelongingsOptions {
  /** Default this process. */
  pid?: number
  /** Where its temporary files are, and how they begin; default `holdfast-` in the system's folder. */
  temp?: { folder: string; prefix?: string }
}

// The runner's own timers and messages come and go; these do not, unless a test makes them.
const COUNTED =
  /Socket|Server|Pipe|Process|UDP|FSEvent|StatWatcher|Connect|GetAddrInfo|QueryReq|TTY|Signal|TLS/

export function belongings(options: BelongingsOptions = {}): Belongings {
  const { pid = process.pid } = options
  const temp = { folder: tmpdir(), prefix: 'holdfast-', ...options.temp }
  const children = descendants(pid)
  const handles: Record<string, number> = {}
  if (pid === process.pid) {
    for (const kind of process.getActiveResourcesInfo()) {
      if (COUNTED.test(kind)) handles[kind] = (handles[kind] ?? 0) + 1
    }
  }
  const ports = listeningPorts([pid, ...children])
  const files = readdirSync(temp.folder).filter(name => name.startsWith(temp.prefix))
  return { pid, temp, handles, children, ports, files }
}

/**
 * What is there now and was not in `before`, one line each; empty is good. Closing takes its turns, so this
 * looks again for up to `patienceMs` while something is left.
 */
export async function leftSince(before: Belongings, patienceMs = 1_000): Promise<string[]> {
  const end = performance.now() + patienceMs
  for (;;) {
    const left = difference(before, belongings(before))
    if (left.length === 0 || performance.now() > end) return left
    await delay(5)
  }
}

function difference(before: Belongings, now: Belongings): string[] {
  const handles = Object.entries(now.handles)
    .map(([kind, count]) => ({ kind, more: count - (before.handles[kind] ?? 0) }))
    .filter(it => it.more > 0)
    .sort((a, b) => a.kind.localeCompare(b.kind))
  return [
    ...handles.map(({ kind, more }) => `${more} × ${kind}`),
    ...now.children
      .filter(it => !before.children.includes(it))
      .map(it => `process ${it}: ${commandLine(it)}`),
    ...now.ports.filter(it => !before.ports.includes(it)).map(it => `listening on port ${it}`),
    ...now.files.filter(it => !before.files.includes(it)).map(it => `${now.temp.folder}/${it}`),
  ]
}
