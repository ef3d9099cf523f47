import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { systemClock } from '../../io/clock.js'
import { startTimeOf } from '../../io/owner.js'

const TURN_MS = 15

/**
 * Runs `work` while no other process of this machine does under the same file. A lock whose owner is gone is taken
 * over. `otherwise` is asked in every turn of waiting: what it gives ends the wait. It also makes the folder anew where
 * that has gone.
 */
export async function underLock<T>(
  file: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  otherwise: () => T | undefined,
): Promise<T> {
  for (;;) {
    const done = otherwise()
    if (done !== undefined) return done
    if (taken(file)) {
      try {
        return otherwise() ?? (await work())
      } finally {
        rmSync(file, { force: true })
      }
    }
    await systemClock.sleep(TURN_MS, signal)
  }
}

const us = () => `${process.pid}:${startTimeOf(process.pid)}`

function taken(file: string): boolean {
  try {
    const lock = openSync(file, 'wx', 0o600)
    writeSync(lock, us())
    closeSync(lock)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST' && code !== 'ENOENT') throw error
    if (isStale(file)) release(file)
    return false
  }
}

/** An empty one is being written in this moment. */
function isStale(file: string): boolean {
  try {
    const [, pid, started] = /^(\d+):(.+)$/.exec(readFileSync(file, 'utf8')) ?? []
    return pid !== undefined && startTimeOf(Number(pid)) !== started
  } catch {
    return false
  }
}

/** By renaming, which one of those that see it stale can do; what was renamed by mistake is put back. */
function release(file: string): void {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
    if (isStale(aside)) rmSync(aside, { force: true })
    else renameSync(aside, file)
  } catch {
    // Another one was quicker.
  }
}
