import type { Target } from '../../core/target.js'
import type { Endpoint } from '../../io/dial.js'
import { containerOf, namesOf, ownAddresses } from '../../io/machine.js'
import type { Env } from '../variables.js'
import { answering, lookUp } from './looks/reach.js'
import { HOST_NAMES, here, usualNames } from './looks/usual.js'

/** What advice asks of the machine. Nothing here logs in anywhere. */
export interface Around {
  inContainer(): boolean
  /** This machine's addresses but its loopback. */
  ownAddresses(): readonly string[]
  /** The names in the hosts file. */
  hostNames(): readonly string[]
  /** What the service may be called here: the names in the Compose file first, then the usual ones. */
  serviceNames(): Promise<readonly string[]>
  /** By what a container reaches the machine that it runs on. */
  machineNames(): readonly string[]
  /** The first of the names that accepts on this port; else, of those that resolve, the first. */
  best(names: readonly string[], port: number, signal: AbortSignal): Promise<string | undefined>
  /** Who answers there, by its first bytes: `PostgreSQL`, `Redis`; undefined for nobody, or nobody known. */
  speaks(endpoint: Endpoint, signal: AbortSignal): Promise<string | undefined>
}

/** Names of this machine for itself and for groups of machines. */
const OWN = /^(localhost|ip6-.*|broadcasthost)$|^localhost\./

export const aroundHere = (target: Target, env: Env): Around => ({
  inContainer: () => containerOf(env) !== undefined,
  ownAddresses: () => ownAddresses().map(text => text.replace(/^\S+ |\/\d+$/g, '')),
  hostNames: () => namesOf().hosts.flatMap(({ names }) => names.filter(name => !OWN.test(name))),
  serviceNames: () => usualNames(target.service, here()),
  machineNames: () => [...HOST_NAMES, ...namesOf().gateways],
  async best(names, port, signal) {
    const [answers] = await answering(names, port, signal)
    if (answers !== undefined) return answers
    const looked = await Promise.all(names.map(name => lookUp(name, signal)))
    return names.find((_, i) => (looked[i]?.addresses.length ?? 0) > 0)
  },
  async speaks(endpoint, signal) {
    const { whoAnswers } = await import('../identify.js')
    return (await whoAnswers(target, endpoint, signal, { tls: false }))?.what
  },
})
