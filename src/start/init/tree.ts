import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What is larger is no file that somebody wrote. */
const LARGEST = 1_000_000

/** The files of one folder, read when they are asked for. */
export class Tree {
  constructor(readonly folder: string) {}

  /** The text of a file; undefined where there is none that can be read. A byte order mark is kept. */
  read(path: string): string | undefined {
    const file = join(this.folder, path)
    try {
      const { size } = statSync(file)
      return size > LARGEST ? undefined : readFileSync(file, 'utf8')
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
