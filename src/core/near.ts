import type { Host } from './hosts.js'
import { isPrivateAddress } from './networks.js'
import type { Target } from './target.js'

/**
 * How far a connection goes, as an address shows it: on this machine; to a name without a dot, as containers of one
 * network have; into a private network; or anywhere.
 */
export type Nearness = 'local' | 'container' | 'private' | 'public'

const ORDER: readonly Nearness[] = ['local', 'container', 'private', 'public']

/** RFC 6761, 6762, 8375, ICANN's .internal, and what Kubernetes appends. */
const PRIVATE_NAME = /\.(internal|local|lan|home\.arpa|svc|test)$/i

const LOCAL = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0|::)$/i

/** The hosts of a target that are neither this machine nor a name without a dot. */
const remoteHosts = ({ hosts }: Target): string[] =>
  hosts.flatMap(host =>
    'host' in host && /private|public/.test(nearnessOf(host)) ? [host.address ?? host.host] : [],
  )

/** Those of them that nobody named: what creates, resets or drops keeps away from their databases. */
export const unnamedHosts = (targets: readonly Target[], named: readonly string[]): string[] => [
  ...new Set(targets.flatMap(remoteHosts).filter(host => !named.includes(host))),
]

/** Names without a dot, which do not show where they lead. */
export const bareNames = (targets: readonly Target[]): string[] => [
  ...new Set(
    targets.flatMap(({ hosts }) =>
      hosts.flatMap(host =>
        'host' in host && nearnessOf(host) === 'container' ? [host.address ?? host.host] : [],
      ),
    ),
  ),
]

function nearnessOf(host: Host): Nearness {
  if ('path' in host) return 'local'
  const place = (host.address ?? host.host).replace(/\.$/, '')
  if (LOCAL.test(place)) return 'local'
  if ((/^[\d.]+$|:/.test(place) && isPrivateAddress(place)) || PRIVATE_NAME.test(place)) return 'private'
  return /[.:]/.test(place) ? 'public' : 'container'
}

/** The farthest of a target's hosts. */
export const farthest = ({ hosts }: Target): Nearness =>
  hosts
    .map(nearnessOf)
    .reduce((one, other) => (ORDER.indexOf(other) > ORDER.indexOf(one) ? other : one), 'local')
