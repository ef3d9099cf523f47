import { ciOf } from '../../../core/ci.js'
import { containerOf, namesOf, ownAddresses } from '../../../io/machine.js'
import type { Look, Subject } from '../subject.js'
import { lookUp } from './reach.js'
import { here, usualNames } from './usual.js'

/** Docker's own resolver in networks that are not the default one. */
export const DOCKER_RESOLVER = '127.0.0.11'

/** Where this process runs: container, build server, networks, name servers. */
export const surroundings: Look = subject => surroundingsFrom(subject)

export async function surroundingsFrom({ target, env, signal }: Subject, root = '/', folder = here()) {
  const container = containerOf(env, root)
  const ci = ciOf(env)
  const { resolver, gateways } = namesOf(root)
  const names = await usualNames(target.service, folder)
  const found = await Promise.all(
    names.map(async name => {
      const { addresses } = await lookUp(name, signal)
      return addresses.length > 0 ? [`${name} (${addresses.join(', ')})`] : []
    }),
  )
  const known = found.flat()
  return {
    facts: {
      container: container ? `${container.kind} (${container.by})` : 'none',
      ...(ci ? { ci } : {}),
      addresses: ownAddresses().join(', ') || 'none but its own',
      ...(gateways[0] ? { gateway: gateways.join(', ') } : {}),
      resolvers: resolver.nameservers
        .map(server => (server === DOCKER_RESOLVER ? `${server} (Docker's)` : server))
        .join(', '),
      ...(names.length > 0 ? { usualNames: known.join(', ') || `none of ${names.join(', ')} resolves` } : {}),
    },
    concerns: [],
  }
}
