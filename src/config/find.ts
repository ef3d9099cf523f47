import { existsSync, lstatSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HoldfastError } from '../core/errors.js'

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'].map(kind => `holdfast.config.${kind}`)

/** The path of the configuration in `folder` or the nearest folder above it; undefined when there is none. */
export function findConfig(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = NAMES.filter(name => existsSync(join(at, name)) && !isPlanted(at, name))
    if (found.length > 1)
      throw new HoldfastError('config', `${at}: more than one configuration: ${found.join(', ')}; keep one`)
    if (found[0]) return join(at, found[0])
    if (at === dirname(at)) return undefined
  }
}

/** In a folder that everybody may write to, such as /tmp, only a file of our own or root's is ours to run. */
function isPlanted(folder: string, name: string): boolean {
  const us = process.getuid?.()
  if (us === undefined || (statSync(folder).mode & 0o002) === 0) return false
  const { uid } = lstatSync(join(folder, name))
  return uid !== us && uid !== 0
}
