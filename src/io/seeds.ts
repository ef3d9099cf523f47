import { ProbeError } from '../core/service.js'
import { untilAborted } from './resolve.js'

/** What a name stands for by its SRV and TXT records. */
export interface Seeds {
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  /** Options that hold where the address is silent. */
  readonly options: ReadonlyMap<string, string>
}

export type ResolveSeeds = (name: string, service: string, signal: AbortSignal) => Promise<Seeds>

/** What a TXT record may say; TLS it may not. */
const OPTIONS = ['authSource', 'replicaSet', 'loadBalanced']

/**
 * Looks up `_service._tcp.name` and the options beside it, at `servers` or the system's. The query is cancelled with
 * the signal. Source: MongoDB's specification "Initial DNS Seedlist Discovery".
 * @throws what the resolver says, or a ProbeError where the records are not to be followed.
 */
export async function resolveSeeds(
  name: string,
  service: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<Seeds> {
  // Loaded when it is needed: it starts c-ares.
  const { Resolver } = await import('node:dns/promises')
  const resolver = new Resolver()
  if (servers) resolver.setServers(servers)
  const texts = resolver.resolveTxt(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENODATA' || error.code === 'ENOTFOUND') return []
    throw error
  })
  const both = Promise.all([resolver.resolveSrv(`_${service}._tcp.${name}`), texts])
  const [records, txt] = await untilAborted(both, signal, () => resolver.cancel())
  return {
    hosts: records.map(({ name: host, port }) => ({ host: within(host, name), port })),
    options: optionsOf(txt, name),
  }
}

/** Records lead to hosts of the same domain, lest a forged answer leads elsewhere. */
function within(host: string, name: string): string {
  const parts = name.toLowerCase().replace(/\.$/, '').split('.')
  const domain = parts.length > 2 ? parts.slice(1).join('.') : parts.join('.')
  const bare = host.replace(/\.$/, '')
  if (bare.toLowerCase().endsWith(`.${domain}`)) return bare
  throw new ProbeError({
    reason: 'dns-failure',
    message: `an SRV record of ${name} leads to ${bare}, outside of ${domain}`,
    advice: 'Correct the SRV records: drivers follow them inside of their own domain only.',
  })
}

function optionsOf(records: readonly (readonly string[])[], name: string): Map<string, string> {
  const bad = (what: string) =>
    new ProbeError({
      reason: 'client-misuse',
      message: `the TXT record of ${name} ${what}`,
      advice: `Let there be one, with ${OPTIONS.join(', ')} at most.`,
    })
  if (records.length > 1) throw bad('is not the only one')
  const pairs = [...new URLSearchParams(records.flat().join(''))]
  const odd = pairs.find(([key]) => !OPTIONS.some(known => known.toLowerCase() === key.toLowerCase()))
  if (odd) throw bad(`sets ${odd[0]}`)
  return new Map(pairs)
}
