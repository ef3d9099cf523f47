import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What is larger is no file that somebody wrote. */
const LARGEST = 1_000_000

/** The files of one folder, read when they are asked for. */
export class Tree {
  constructor(readonly folder: string) {}

  /** The text of a file; undefined where there is none, and for what is too large or no UTF-8. */
  read(path: string): string | undefined {
    const file = join(this.folder, path)
    try {
      // A pipe would be read for ever.
      const stat = statSync(file)
      if (!stat.isFile() || stat.size > LARGEST) return undefined
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file))
    } catch {
      return undefined
    }
  }

  has(path: string): boolean {
    try {
      return statSync(join(this.folder, path)).isFile()
    } catch {
      return false
    }
  }

  /** The names in a folder, sorted; none where it cannot be read. */
  list(path: string): string[] {
    try {
      return readdirSync(join(this.folder, path)).sort()
    } catch {
      return []
    }
  }

  /** The first of these files that is there. */
  first(paths: readonly string[]): string | undefined {
    return paths.find(path => this.has(path))
  }
}
