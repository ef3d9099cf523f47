import { HoldfastError } from '../../core/errors.js'
import { redactAddress } from '../../core/redact.js'
import { redactorOf } from '../../core/redactor.js'
import { parseTarget } from '../../core/target.js'
import { PG_VARIABLES } from '../../gate/variables.js'
import { Job } from '../../io/job.js'
import { startReaper } from '../../io/reaper.js'
import { SCHEMES } from '../../services/registry.js'
import type { Address } from './address.js'

export type Migrate = string | ((url: string, env: Record<string, string>) => Promise<void> | void)

/** What of the environment would lead elsewhere than the address. */
const ASTRAY = Object.keys(PG_VARIABLES).filter(name => !/^PG(SSL|APPNAME)/.test(name))

/** The environment of what shall use the address, and nothing else. */
export function environmentOf({ env }: Address, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(base).filter(([name]) => !ASTRAY.includes(name))
  return { ...Object.fromEntries(kept), ...env }
}

/**
 * Brings a database up to date: runs the command by the shell in `cwd`, or calls the function.
 * @throws HoldfastError with the end of what the command said, without the password; what the function threw.
 */
export async function migrate(how: Migrate | undefined, address: Address, cwd: string): Promise<void> {
  if (how === undefined) return
  if (typeof how === 'function') {
    await how(address.url, { ...address.env })
    return
  }
  const reaper = startReaper()
  try {
    const command = ['/bin/sh', '-c', 'cd "$1" && eval "$2"', 'holdfast', cwd, how]
    const { status, failure, tail } = await new Job(command, {
      ...{ reaper, env: environmentOf(address), output: 'quiet' },
    }).ended
    if (status === 0) return
    const target = parseTarget(address.url, { schemes: SCHEMES })
    const said = redactorOf(target)(tail.trim())
    const why = failure ?? `it ended with status ${status}`
    throw new HoldfastError(
      'config',
      `isolation: the migration \`${redactAddress(`exec:${how}`).slice('exec:'.length)}\` failed: ${why}${said && `. It said at last:\n${said}`}`,
    )
  } finally {
    await reaper.close()
  }
}
