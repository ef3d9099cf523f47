import { chownSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Reaper } from '../../io/reaper.js'
import { makeOwned } from './directories.js'
import { runProgram } from './program.js'
import type { ServerUser } from './user.js'

export interface ArchiveOptions {
  /** The file in the cache. What its content depends on is in its name. */
  readonly archive: string
  /** The directory to make. */
  readonly data: string
  /** A file that a whole directory has. */
  readonly proof: string
  readonly user?: ServerUser | undefined
  readonly signal: AbortSignal
  readonly reaper: Reaper
}

/**
 * Makes a server's data directory: unpacked from the cache, else by `initialise`, and then put there. A cache that
 * cannot be written is done without, a damaged one made anew.
 */
export async function makeFromArchive(
  options: ArchiveOptions,
  initialise: () => Promise<void>,
): Promise<void> {
  makeEmpty(options)
  if (await unpack(options)) return
  await initialise()
  await store(options)
}

/** Makes the directory, mode 0700, for the server's user. */
export async function emptied(options: Pick<ArchiveOptions, 'data' | 'user'>): Promise<void> {
  await rm(options.data, { recursive: true, force: true })
  makeEmpty(options)
}

function makeEmpty({ data, user }: Pick<ArchiveOptions, 'data' | 'user'>): void {
  mkdirSync(data, { mode: 0o700 })
  if (user) chownSync(data, user.uid, user.gid)
}

async function unpack(options: ArchiveOptions): Promise<boolean> {
  const { archive, data, proof, user, signal, reaper } = options
  if (!existsSync(archive)) return false
  const input = openSync(archive, 'r')
  try {
    const { status } = await runProgram('tar', ['-xpf', '-', '-C', data], { user, input, signal, reaper })
    if (status === 0 && existsSync(join(data, proof))) return true
  } catch {
    signal.throwIfAborted()
  } finally {
    closeSync(input)
  }
  await rm(archive, { force: true })
  await emptied(options)
  return false
}

/** Puts a copy into the cache in one step: whoever reads meanwhile finds all of it or nothing. */
async function store({ archive, data, user, signal, reaper }: ArchiveOptions): Promise<void> {
  const cache = dirname(archive)
  let draft: string | undefined
  try {
    mkdirSync(cache, { recursive: true })
    draft = makeOwned(cache, 'new', reaper)
    const file = join(draft, 'data.tar')
    const output = openSync(file, 'wx', 0o600)
    try {
      const args = ['-cf', '-', '-C', data, '.']
      const { status } = await runProgram('tar', args, { user, output, signal, reaper })
      if (status === 0) renameSync(file, archive)
    } finally {
      closeSync(output)
    }
  } catch {
    // A read-only home, a full disk, no tar: the next start takes longer, this one has what it needs.
    signal.throwIfAborted()
  } finally {
    if (draft) await rm(draft, { recursive: true, force: true })
    if (draft) reaper.release(draft)
  }
}
