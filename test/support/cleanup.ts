/** What a run leaves on the machine, and how it goes away. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freeSharedMemory } from './postgres-cluster.js'
import { isAlive } from './proc.js'
import { killLeftovers } from './process.js'
import { OWNER_FILE, ROOT_PREFIX, rootFolders } from './root.js'

/**
 * Removes a run's root and all that belongs to it. Resolves with what was still running, or was never
 * stopped, one line each.
 */
export async function removeRoot(root: string): Promise<string[]> {
  const leftovers = await killLeftovers(root)
  for (const name of readdirSync(root)) {
    const cluster = ['', 'data']
      .map(it => join(root, name, it))
      .find(it => existsSync(join(it, 'PG_VERSION')))
    if (cluster) await freeSharedMemory(cluster)
  }
  rmSync(root, { recursive: true, force: true })
  return leftovers
}

/** Removes the roots of runs that were killed before they could; those of living runs stay. */
export async function removeStaleRoots(folders = rootFolders()): Promise<void> {
  const roots = folders.flatMap(folder =>
    readdirSync(folder)
      .filter(name => name.startsWith(ROOT_PREFIX))
      .map(name => join(folder, name)),
  )
  for (const root of roots) {
    try {
      const [pid, startTime] = readFileSync(join(root, OWNER_FILE), 'utf8').split('-')
      if (!isAlive(Number(pid), startTime)) await removeRoot(root)
    } catch {
      // Another user's, or just being made or removed by its own run.
    }
  }
}
