import { existsSync, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { HoldfastError } from '../core/errors.js'

export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * The user that database servers run as where that is not ourselves: PostgreSQL refuses root, so root hands
 * them to `postgres` where there is such a user, else to `nobody`. Throws where there is no user at all.
 */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) {
    assertNamed()
    return undefined
  }
  const users = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : ''
  for (const name of ['postgres', 'nobody']) {
    const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(users) ?? []
    if (uid && gid) return { name, uid: Number(uid), gid: Number(gid) }
  }
  throw new HoldfastError(
    'config',
    'PostgreSQL does not run as root, and /etc/passwd has neither postgres nor nobody. Add a user, or run as another.',
  )
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
