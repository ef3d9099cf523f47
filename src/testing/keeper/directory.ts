import { readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { DIRECTORY_PREFIX, OWNER_RECORD, recordOwner } from '../../io/owner.js'
import { privateDirectory } from '../../io/private.js'
import { type Being, digest, isAlive } from '../run.js'

/** The longest path of a Unix socket that every system takes, in bytes. */
const SOCKET_PATH_LIMIT = 103

/** Where the keeper of a run is. */
export interface KeeperRecord extends Being {
  readonly socket: string
}

/** The private directory of a run: the same for all its processes, another for each run. Not made here. */
export function runDirectory(root: Being): string {
  const name = `${DIRECTORY_PREFIX}run-${process.getuid?.() ?? 0}-${root.pid}-${digest(root)}`
  const dir = join(tmpdir(), name)
  return Buffer.byteLength(socketIn(dir)) > SOCKET_PATH_LIMIT ? join('/tmp', name) : dir
}

export const socketIn = (dir: string): string => join(dir, 'keeper.sock')
export const lockIn = (dir: string): string => join(dir, 'lock')
const recordIn = (dir: string): string => join(dir, 'keeper.json')

/**
 * Makes it, mode 0700, with a record that the root owns it, so that later sweeps remove what a killed run left.
 *
 * @throws HoldfastError where somebody else made it.
 */
export function makeRunDirectory(root: Being): string {
  const dir = runDirectory(root)
  if (!privateDirectory(dir))
    throw new HoldfastError('config', `${dir} is not ours alone: remove it, or set TMPDIR to another folder`)
  recordOwner(dir, root.pid)
  return dir
}

/** The keeper that lives, or undefined. */
export function keeperIn(dir: string): KeeperRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordIn(dir), 'utf8')) as KeeperRecord
    return isAlive(record) ? record : undefined
  } catch {
    return undefined
  }
}

export function writeKeeper(dir: string, record: KeeperRecord): void {
  const draft = `${recordIn(dir)}.${record.pid}`
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
  renameSync(draft, recordIn(dir))
}

/**
 * What a keeper leaves behind goes; the directory itself only where nobody else has begun to use it again. What else is
 * in it, as the lock of a worker that was killed, goes with its owner's record: by the next sweep.
 */
export function clearRunDirectory(dir: string): void {
  const record = join(dir, OWNER_RECORD)
  for (const file of [recordIn(dir), socketIn(dir)]) rmSync(file, { force: true })
  try {
    if (readdirSync(dir).every(name => name === OWNER_RECORD)) rmSync(record, { force: true })
    rmdirSync(dir)
  } catch {
    // Another process is about to start the next keeper.
  }
}
