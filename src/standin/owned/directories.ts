import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { DIRECTORY_PREFIX, recordOwner } from '../../io/owner.js'
import type { Reaper } from '../../io/reaper.js'
import { mayEnter, type ServerUser } from './user.js'

export type Environment = Readonly<Record<string, string | undefined>>

const SHARED_MEMORY = '/dev/shm'

/** A server in memory that ran out of it would fail in odd places; Docker's default is 64 MB. */
const ENOUGH_BYTES = 512 * 2 ** 20

/** The longest path of a Unix socket that every system takes, in bytes. */
const SOCKET_PATH_LIMIT = 103

/** `$XDG_CACHE_HOME/holdfast`, by default `~/.cache/holdfast`: all that stays behind. Not made here. */
export function cacheDirectory(env: Environment): string {
  const base = env.XDG_CACHE_HOME
  return join(base && isAbsolute(base) ? base : join(env.HOME || homedir(), '.cache'), 'holdfast')
}

/**
 * Where to keep programs that `user` shall run: the cache, or `shared` where the cache lies below a directory
 * that only root may enter, as /root is. Makes it.
 */
export function programsDirectory(
  env: Environment,
  user: ServerUser | undefined,
  shared = '/var/cache/holdfast',
): string {
  const cache = cacheDirectory(env)
  mkdirSync(cache, { recursive: true })
  if (mayEnter(user, cache)) return cache
  mkdirSync(shared, { recursive: true })
  chmodSync(shared, 0o755)
  return shared
}

/** Every place that may hold directories of holdfast processes, dead ones included. */
export function temporaryRoots(tmp?: string): string[] {
  return [...new Set([...(tmp ? [tmp] : []), SHARED_MEMORY, tmpdir(), '/tmp'])]
}

/**
 * Makes `holdfast-SHORT-XXXXXX`, mode 0700, for `user`: in `tmp`, else in memory where there is room, else in the
 * system's temporary directory. Registered with the reaper.
 */
export function makeRunDirectory(options: {
  tmp?: string | undefined
  /** Two letters or three for the service. */
  short: string
  user?: ServerUser | undefined
  reaper: Reaper
}): string {
  const { tmp, short, user, reaper } = options
  const root = tmp ?? temporaryRoots().find(one => usable(one, user))
  if (!root || !usable(root, user)) {
    const who = user ? ` that the user ${user.name} may enter` : ''
    const what = root ? `${root} is not a writable directory` : 'there is no writable temporary directory'
    throw new HoldfastError(
      'config',
      `A stand-in needs somewhere to live, and ${what}${who}: set TMPDIR to one.`,
    )
  }
  if (Buffer.byteLength(root) + '/holdfast-abc-XXXXXX/.s.PGSQL.65535'.length > SOCKET_PATH_LIMIT) {
    throw new HoldfastError(
      'config',
      `${root} is too long a path for a Unix socket: set TMPDIR to a shorter one.`,
    )
  }
  const dir = makeOwned(root, short, reaper)
  if (user) chownSync(dir, user.uid, user.gid)
  return dir
}

/** Makes a directory of mode 0700 that the reaper, or else a later sweep, removes. */
export function makeOwned(root: string, what: string, reaper?: Reaper): string {
  const dir = mkdtempSync(join(root, `${DIRECTORY_PREFIX}${what}-`))
  if (reaper) reaper.own(dir)
  else recordOwner(dir)
  return dir
}

/** Writes a file that `user` alone may read: passwords are in it. */
export function giveFile(file: string, text: string, user: ServerUser | undefined): void {
  writeFileSync(file, text, { mode: 0o600 })
  if (user) chownSync(file, user.uid, user.gid)
}

function usable(root: string, user: ServerUser | undefined): boolean {
  try {
    accessSync(root, constants.W_OK | constants.X_OK)
    if (!mayEnter(user, root)) return false
    if (root !== SHARED_MEMORY) return true
    const { bavail, bsize } = statfsSync(root)
    return bavail * bsize >= ENOUGH_BYTES
  } catch {
    return false
  }
}
