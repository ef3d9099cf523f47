import { lstatSync, mkdirSync } from 'node:fs'

/**
 * Makes a directory that only this user can enter, or takes the one that is there. False where it cannot be made, or
 * is a link, another user's, or open to others: then nothing in it may be trusted. Windows has no modes; there the
 * temporary folder is the user's own.
 */
export function privateDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
  }
  return isPrivate(path)
}

/** Is it a directory of this user's that nobody else can enter? */
export function isPrivate(path: string): boolean {
  try {
    const stat = lstatSync(path)
    if (!stat.isDirectory()) return false
    const us = process.getuid?.()
    return us === undefined || (stat.uid === us && (stat.mode & 0o077) === 0)
  } catch {
    return false
  }
}
