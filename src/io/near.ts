import { networkInterfaces } from 'node:os'
import { bareNames, unnamedHosts } from '../core/near.js'
import { isPrivateAddress } from '../core/networks.js'
import type { Target } from '../core/target.js'
import { containerOf } from './machine.js'
import { resolveHost } from './resolve.js'

/** How long a name server may take, in milliseconds. */
const RESOLVE_MS = 5000

/** What this machine is. */
export interface Here {
  /** Its addresses. */
  readonly own: readonly string[]
  /** Containers find each other by names without a dot, in private networks. */
  readonly container: boolean
}

export const here = (): Here => ({
  own: Object.values(networkInterfaces()).flatMap(list => list?.map(({ address }) => address) ?? []),
  container: containerOf(process.env) !== undefined,
})

/** Is an address, in numbers, one of this machine, or of a container beside the one that this is? */
export function isNear(address: string, { own, container } = here()): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return (
    /^(127\.|0\.0\.0\.0$|::1?$)/.test(plain) || own.includes(plain) || (container && isPrivateAddress(plain))
  )
}

/**
 * Hosts of these targets beyond this machine that nobody named. A name without a dot may lead anywhere, by the hosts
 * file or a search domain: all its addresses have to be near, and one that has none is far.
 */
export async function farHosts(targets: readonly Target[], named: readonly string[]): Promise<string[]> {
  const far = unnamedHosts(targets, named)
  const names = bareNames(targets).filter(name => !named.includes(name))
  const found = await Promise.all(names.map(async name => ((await allNear(name)) ? [] : [name])))
  return [...new Set([...far, ...found.flat()])]
}

async function allNear(name: string): Promise<boolean> {
  const found = await resolveHost(name, AbortSignal.timeout(RESOLVE_MS)).catch(() => [])
  const where = here()
  return found.length > 0 && found.every(({ address }) => isNear(address, where))
}
