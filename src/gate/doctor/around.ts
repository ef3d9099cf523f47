import type { Target } from '../../core/target.js'
import type { Endpoint } from '../../io/dial.js'
import { containerOf, listeningPorts, namesOf, ownAddresses } from '../../io/machine.js'
import type { Env } from '../variables.js'
import { answering, lookUp } from './looks/reach.js'
import { HOST_NAMES, here, usualNames } from './looks/usual.js'

export interface Best {
  readonly name: string
  readonly answers: boolean
}

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
  /** The first of the names that accepts on this port; else, of those that resolve, the first, as a guess. */
  best(names: readonly string[], port: number, signal: AbortSignal): Promise<Best | undefined>
  /** Ports on which something listens on this machine; none where the system does not say. */
  listening(): readonly number[]
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
    if (answers !== undefined) return { name: answers, answers: true }
    const looked = await Promise.all(names.map(name => lookUp(name, signal)))
    const name = names.find((_, i) => (looked[i]?.addresses.length ?? 0) > 0)
    return name === undefined ? undefined : { name, answers: false }
  },
  listening: () => listeningPorts(),
  async speaks(endpoint, signal) {
    const { whoAnswers } = await import('../identify.js')
    return (await whoAnswers(target, endpoint, signal, { tls: false }))?.what
  },
})
