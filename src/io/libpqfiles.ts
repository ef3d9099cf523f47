import { readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'

/** A password file's text, or why it is ignored. */
export type PasswordFile =
  | { readonly text: string }
  | { readonly ignored: 'not a plain file' | 'open to others' }

/** Anything that group or others may do with it. */
const FOR_OTHERS = 0o077

/** Reads a password file by libpq's rules; undefined where there is none, or none that may be read. */
export function readPasswordFile(path: string): PasswordFile | undefined {
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return { ignored: 'not a plain file' }
    if (process.platform !== 'win32' && (stat.mode & FOR_OTHERS) !== 0) return { ignored: 'open to others' }
    return { text: readFileSync(path, 'utf8') }
  } catch {
    return undefined
  }
}

/** The user's home: HOME, else what the system's users say, as in libpq. */
export function homeOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return env.HOME || userInfo().homedir
  } catch {
    return undefined
  }
}
