import { existsSync, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { HoldfastError } from '../../core/errors.js'

export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * Whom a server runs as where that is not ourselves: root hands every one to `postgres` where there is such a user,
 * else to `nobody`. One user for all, so that any start may sweep what another left.
 */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : ''
  for (const name of ['postgres', 'nobody']) {
    const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(users) ?? []
    if (uid && gid) return { name, uid: Number(uid), gid: Number(gid) }
  }
  throw new HoldfastError(
    'config',
    'servers do not run as root, and /etc/passwd has neither postgres nor nobody: add a user, or run as another',
  )
}

/** The same for PostgreSQL, which takes neither root nor a user without a name. */
export function postgresUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) assertNamed()
  return serverUser()
}

/** initdb looks its user up, and ends where the id has no name, as under `docker run --user 1234`. */
function assertNamed(): void {
  try {
    userInfo()
  } catch (cause) {
    const id = process.getuid?.()
    const next = `Add a line for it to /etc/passwd, or run as root, which starts servers as postgres or nobody.`
    throw new HoldfastError(
      'config',
      `PostgreSQL needs a user with a name, and user id ${id} has none. ${next}`,
      {
        cause,
      },
    )
  }
}

/** May `user` pass through `dir` and all directories above it? By mode bits alone. True for ourselves. */
export function mayEnter(user: ServerUser | undefined, dir: string): boolean {
  if (!user) return true
  const { mode, uid, gid } = statSync(dir)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  if ((mode & bit) === 0) return false
  return dirname(dir) === dir || mayEnter(user, dirname(dir))
}
