import { Resolver } from 'node:dns/promises'
import type { ResolverSettings } from '../core/namefiles.js'
import { asked } from '../core/namefiles.js'

/** How long one name server has for one question, in milliseconds; asked again, it has twice as long. */
const PATIENCE_MS = 400

/** What a name server said to one name. */
export interface Told {
  readonly server: string
  /** As it was asked for, with the search domain. */
  readonly name: string
  readonly addresses: readonly string[]
  /** Why there is no address: `ENOTFOUND` where the name does not exist, `ECONNREFUSED`, `ETIMEOUT`, `ESERVFAIL`. */
  readonly code?: string
}

/**
 * Asks the name servers as the C library does: each name that the search list makes of it, at the first server that
 * answers. Resolves with every answer up to the first with an address; never rejects, and ends with the signal.
 */
export async function askNameservers(
  name: string,
  settings: ResolverSettings,
  signal: AbortSignal,
): Promise<Told[]> {
  const told: Told[] = []
  const mute = new Set<string>()
  for (const full of asked(name, settings)) {
    for (const server of settings.nameservers) {
      if (signal.aborted) return told
      if (mute.has(server)) continue
      const answer = await ask(full, server, signal)
      told.push(answer)
      if (answer.addresses.length > 0) return told
      // Only a server that does not answer makes room for the next one.
      if (exists(answer)) break
      mute.add(server)
    }
  }
  return told
}

/** Did a server answer, if only that there is no such name? */
export const exists = ({ code }: Told): boolean =>
  code === undefined || code === 'ENOTFOUND' || code === 'ENODATA'

async function ask(name: string, server: string, signal: AbortSignal): Promise<Told> {
  const resolver = new Resolver({ timeout: PATIENCE_MS, tries: 2 })
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    resolver.setServers([server.includes(':') ? `[${server.replace(/%.*$/, '')}]` : server])
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const addresses = [v6, v4].flatMap(one => (one.status === 'fulfilled' ? one.value : []))
    if (addresses.length > 0) return { server, name, addresses }
    return {
      server,
      name,
      addresses,
      code: v4.status === 'rejected' ? (v4.reason?.code ?? 'EUNKNOWN') : 'ENODATA',
    }
  } catch (error) {
    return { server, name, addresses: [], code: (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN' }
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
