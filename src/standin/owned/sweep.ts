import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { DIRECTORY_PREFIX, isDead, OWNER_RECORD, ownerOf, startTimeOf } from '../../io/owner.js'
import { startReaper } from '../../io/reaper.js'
import { SERVER_RECORD } from './server.js'
import type { ServerUser } from './user.js'

/**
 * Ends and removes what holdfast processes left in `roots` that were killed together with their reaper. Touches
 * only directories that are ours, hold our owner record, and whose owner is certainly gone. Resolves with the
 * directories that it removed; never rejects.
 */
export async function sweepLeftovers(roots: readonly string[], user?: ServerUser): Promise<string[]> {
  const leftovers = [...new Set(roots)].flatMap(directoriesIn).filter(dir => isLeftover(dir, user))
  if (leftovers.length === 0) return []
  const reaper = startReaper()
  for (const dir of leftovers) {
    const [postmaster, other] = [postmasterOf(dir), recordedServer(dir)]
    if (postmaster) reaper.watch(postmaster, 'postgres')
    else if (other) reaper.watch(other, 'tree')
    try {
      reaper.own(dir)
    } catch {
      // Another run removed it in this moment.
    }
  }
  await reaper.close()
  return leftovers
}

function directoriesIn(root: string): string[] {
  try {
    return readdirSync(root)
      .filter(name => name.startsWith(DIRECTORY_PREFIX) && !name.includes('\n'))
      .map(name => join(root, name))
  } catch {
    return []
  }
}

function isLeftover(dir: string, user?: ServerUser): boolean {
  const us = process.getuid?.()
  try {
    const { uid } = lstatSync(dir)
    // Root gives its directories to the server's user, who cannot make a record that belongs to root.
    if (uid !== us && uid !== user?.uid) return false
    if (!lstatSync(dir).isDirectory() || lstatSync(join(dir, OWNER_RECORD)).uid !== us) return false
  } catch {
    return false
  }
  const owner = ownerOf(dir)
  return owner !== undefined && isDead(owner)
}

/** The server that works in `dir`, by its own record, and only if that process really does. */
function postmasterOf(dir: string): number | undefined {
  const data = join(dir, 'data')
  try {
    const pid = Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10)
    return pid > 1 && worksIn(pid, data) ? pid : undefined
  } catch {
    return undefined
  }
}

/** The server that we noted ourselves when we started it: nobody else can make a file that belongs to us. */
function recordedServer(dir: string): number | undefined {
  const file = join(dir, SERVER_RECORD)
  try {
    const { uid, nlink } = lstatSync(file)
    if (uid !== process.getuid?.() || nlink !== 1 || !lstatSync(file).isFile()) return undefined
    const [, pid, start] = /^(\d+) (.+)\n$/.exec(readFileSync(file, 'utf8')) ?? []
    return pid && startTimeOf(Number(pid)) === start ? Number(pid) : undefined
  } catch {
    return undefined
  }
}

function worksIn(pid: number, data: string): boolean {
  if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data)
  return (
    spawnSync('ps', ['-o', 'command=', '-p', `${pid}`])
      .stdout?.toString()
      .includes(data) ?? false
  )
}
