import { isNativeError } from 'node:util/types'
import { HoldfastError } from '../../core/errors.js'
import { redactAddress } from '../../core/redact.js'
import { redactorOf } from '../../core/redactor.js'
import { parseTarget } from '../../core/target.js'
import { Job } from '../../io/job.js'
import { startReaper } from '../../io/reaper.js'
import { SCHEMES } from '../../services/registry.js'
import { enter } from '../environment.js'
import type { Address } from './address.js'
import { changed, changesFor, type Origin } from './leading.js'

export type Migrate = string | ((url: string, env: Record<string, string>) => Promise<void> | void)

/**
 * Brings a database up to date: runs the command by the shell in `cwd`, or calls the function. What the environment has that
 * leads to the origin leads to the address meanwhile.
 * @throws HoldfastError with the end of what the command said; what the function threw; both without the password.
 */
export async function migrate(
  how: Migrate | undefined,
  address: Address,
  cwd: string,
  origin: Origin,
): Promise<void> {
  if (how === undefined) return
  const changes = changesFor(address, origin, process.env, true)
  const redact = redactorOf(parseTarget(address.url, { schemes: SCHEMES }))
  if (typeof how === 'function') {
    const leave = enter(changes)
    try {
      await how(address.url, changed({}, changes) as Record<string, string>)
    } catch (error) {
      throw redacted(error, redact)
    } finally {
      leave()
    }
    return
  }
  const reaper = startReaper()
  try {
    const command = ['/bin/sh', '-c', 'cd "$1" && eval "$2"', 'holdfast', cwd, how]
    const { status, failure, tail } = await new Job(command, {
      ...{ reaper, env: changed({ ...process.env, ...origin.env }, changes), output: 'quiet' },
    }).ended
    if (status === 0) return
    const said = redact(tail.trim())
    const why = failure ?? `it ended with status ${status}`
    throw new HoldfastError(
      'config',
      `isolation: the migration \`${redactAddress(`exec:${how}`).slice('exec:'.length)}\` failed: ${why}${said && `. It said at last:\n${said}`}`,
    )
  } finally {
    await reaper.close()
  }
}

/** What was thrown, without secrets in what runners print of it: the texts of an error and of its causes. */
function redacted(error: unknown, redact: (text: string) => string, seen = new Set<unknown>()): unknown {
  if (typeof error === 'string') return redact(error)
  // Of another context, as in Jest, it is no instance of this one's Error.
  const isError = isNativeError(error) || error instanceof Error
  if (!(isError || Array.isArray(error)) || seen.has(error)) return error
  seen.add(error)
  for (const key of Object.getOwnPropertyNames(error)) {
    const value: unknown = Reflect.get(error, key)
    const clean = redacted(value, redact, seen)
    if (clean !== value && !Reflect.defineProperty(error, key, { value: clean }))
      return new Error(redact(String(error)))
  }
  return error
}
