import { accessSync, constants } from 'node:fs'

/** True where this user may execute the file. */
export function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
