import { hostname } from 'node:os'
import { isDead, type Owner, ownerFrom, thisProcess } from '../../io/owner.js'
import { type Engine, LABEL } from './engine.js'

/** How long a sweep may take, in milliseconds. */
const SWEEP_MS = 10_000

interface Label extends Owner {
  /** One engine may serve several machines, and process ids of another one mean nothing here. */
  readonly host: string
}

export const ownerLabel = (): string =>
  `${LABEL}=${JSON.stringify({ ...thisProcess(), host: hostname() } satisfies Label)}`

/** What `inspect` of both engines tells, as far as it is needed. */
interface Inspected {
  readonly Id: string
  readonly Config: { readonly Labels?: Readonly<Record<string, string>> | null }
}

/**
 * Removes those of the containers `ids` that carry our label and whose owner, a process of this machine, is certainly
 * gone. Resolves with the ids; never rejects.
 */
export async function sweepContainers(engine: Engine, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  try {
    // Its status tells of those that went away meanwhile.
    const { stdout } = await engine.run(['inspect', ...ids], { limitMs: SWEEP_MS })
    const dead = (JSON.parse(stdout) as Inspected[]).flatMap(({ Id, Config }) =>
      ids.includes(Id) && isLeftover(Config.Labels?.[LABEL] ?? '') ? [Id] : [],
    )
    if (dead.length > 0) await engine.run(['rm', '--force', '--volumes', ...dead], { limitMs: SWEEP_MS })
    return dead
  } catch {
    // The next start tries again.
    return []
  }
}

function isLeftover(label: string): boolean {
  try {
    const told = JSON.parse(label)
    const owner = ownerFrom(told)
    return owner !== undefined && told.host === hostname() && isDead(owner)
  } catch {
    return false
  }
}
