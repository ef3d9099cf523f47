import type { Concern } from '../../../core/concern.js'
import { placeOf } from '../../../core/hosts.js'
import type { Target } from '../../../core/target.js'
import { containerOf, namesOf } from '../../../io/machine.js'
import type { Part } from '../../origins.js'
import { otherHost } from '../edits.js'
import type { Subject } from '../subject.js'
import { answering } from './reach.js'
import { HOST_NAMES, here, usualNames } from './usual.js'

/**
 * Inside a container localhost is the container itself. Says where the server answers instead: a service of the same
 * network, or the machine that the container runs on.
 */
export async function localhostInContainer(
  subject: Subject,
  from: ReadonlyMap<Part, string>,
  root = '/',
  folder = here(),
): Promise<Concern[]> {
  const { target, env, verdict, signal } = subject
  const absent = !verdict.ready && /^(connection-refused|host-unreachable)$/.test(verdict.finding.reason)
  const container = absent && isLocal(target) ? containerOf(env, root) : undefined
  const [host] = target.hosts
  if (!container || !host || 'path' in host) return []
  const { gateways } = namesOf(root)
  const services = await usualNames(target.service, folder)
  const candidates = [...services, ...HOST_NAMES, ...gateways].filter(name => name !== 'localhost')
  const found = await answering(candidates, host.port, signal)
  const [best] = found
  const origin = from.get('host') ?? target.source
  const what = best
    ? `port ${host.port} answers on ${found.join(', ')}`
    : `none of ${candidates.join(', ')} answers on port ${host.port}`
  const fix = best && otherHost(subject, host.host, best)
  const onHost = best !== undefined && !services.includes(best)
  return [
    {
      id: 'localhost-in-container',
      level: 'error',
      message: `inside a container ${host.host} is the container itself (${container.by}); ${what}`,
      advice: !best
        ? 'Name the Compose service of the database, and put both services on the same network; for a server on the container\'s host add extra_hosts: ["host.docker.internal:host-gateway"].'
        : onHost
          ? `Connect to the container's host by ${best}.`
          : `Use the name of the service, ${best}, instead of ${host.host}.`,
      ...(fix ? { fix } : {}),
      where: origin,
    },
  ]
}

/** Do all hosts of the target mean this machine? */
const isLocal = ({ hosts }: Target): boolean =>
  hosts.length > 0 && hosts.every(host => 'host' in host && placeOf(host).startsWith('localhost:'))
