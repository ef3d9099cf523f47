import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'

/** An npm package of the user's. */
export interface Package {
  readonly name: string
  /** The file that `require` would load. */
  readonly main: string
  readonly version: string
}

/** Resolves a package as from a file; undefined where it is not installed. */
export function resolveFrom(from: string, name: string): string | undefined {
  try {
    return createRequire(from).resolve(name)
  } catch {
    return undefined
  }
}

/** From where packages are looked up: the user's project, then holdfast itself. */
export const origins = (cwd: string): string[] => [join(cwd, 'package.json'), import.meta.url]

/** @throws HoldfastError with what to install. */
export function requirePackages(cwd: string, ...names: string[]): Package[] {
  const found = names.map(name => {
    const [main] = origins(cwd).flatMap(from => resolveFrom(from, name) ?? [])
    return main ? { name, main, version: versionOf(main, name) } : undefined
  })
  const missing = names.filter((_, i) => !found[i])
  if (missing.length === 0) return found.filter(one => one !== undefined)
  throw new HoldfastError('config', `not installed in ${cwd}: ${missing.join(', ')}`)
}

/** The manifest need not be among a package's exports, so it is looked for upward from its main file. */
function versionOf(main: string, name: string): string {
  for (let dir = dirname(main); dirname(dir) !== dir; dir = dirname(dir)) {
    try {
      const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
      if (manifest.name === name) return String(manifest.version)
    } catch {
      // No manifest here.
    }
  }
  return 'unknown'
}
