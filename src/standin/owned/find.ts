import { realpathSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { executable } from '../../io/files.js'
import type { Environment } from './directories.js'

/** Where servers are that PATH does not name. */
const FOLDERS = [
  ...['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/usr/libexec'],
  ...['/opt/homebrew/bin', '/opt/homebrew/sbin'],
]

/**
 * The first of `names` in PATH and the usual places, or the file that `variable` names, which is then the only one.
 *
 * @throws HoldfastError where there is none.
 */
export function findProgram(env: Environment, names: readonly string[], variable?: string): string {
  const named = variable && env[variable]
  if (named) {
    if (executable(named)) return realpathSync(named)
    throw new HoldfastError('config', `${variable}=${named}: there is no program`)
  }
  const path = (env.PATH ?? '').split(':').filter(isAbsolute)
  const file = [...path, ...FOLDERS].flatMap(dir => names.map(name => join(dir, name))).find(executable)
  if (file) return file
  const own = variable ? `; ${variable} names one` : ''
  throw new HoldfastError('config', `no ${names.join(' or ')} in PATH${own}`)
}
