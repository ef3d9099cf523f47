import type { Names } from '../../../io/machine.js'
import { askNameservers, type Told } from '../../../io/nameservers.js'
import { DOCKER_RESOLVER } from './surroundings.js'

/** Where a name's addresses come from. */
export interface Provenance {
  /** In words; undefined where nobody that was asked knows it. */
  readonly from?: string
  /** True where the hosts file has it. */
  readonly file: boolean
  /** What the name servers said. */
  readonly told: readonly Told[]
}

/** Goes the system's way: the hosts file, then the name servers with the search domains. Never rejects. */
export async function provenanceOf(name: string, machine: Names, signal: AbortSignal): Promise<Provenance> {
  const { hosts, resolver, order } = machine
  const wanted = name.toLowerCase()
  const lines = hosts.filter(({ names }) => names.some(one => one.toLowerCase() === wanted))
  const ofFile = `the hosts file, line ${lines.map(({ line }) => line).join(' and ')}`
  if (lines.length > 0 && order.includes('files')) return { from: ofFile, file: true, told: [] }
  if (/(^|\.)localhost$/.test(wanted))
    return { from: "the system's own rule for localhost", file: false, told: [] }
  if (wanted.endsWith('.local') && order.some(one => one.startsWith('mdns')))
    return { from: 'mDNS', file: false, told: [] }
  const told = await askNameservers(wanted, resolver, signal)
  const found = told.find(({ addresses }) => addresses.length > 0)
  if (!found) return { file: false, told }
  const docker = found.server === DOCKER_RESOLVER ? " (Docker's)" : ''
  const domain = found.name.slice(wanted.length + 1)
  const longer =
    domain && !wanted.endsWith('.')
      ? `, as ${found.name} (search domain ${domain}, ndots ${resolver.ndots})`
      : ''
  return { from: `DNS, ${found.server}${docker}${longer}`, file: false, told }
}
