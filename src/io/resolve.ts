import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { monotonic } from './clock.js'
import { executable } from './files.js'

export interface Resolved {
  readonly address: string
  readonly family: 4 | 6
}

export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly Resolved[]>

/**
 * The addresses of a name, as the system's resolver gives them, IPv6 and IPv4 in turn (RFC 8305, section 4).
 * Uses `getent ahosts` where there is one: a look-up by a thread of this process cannot be cancelled, and
 * Node waits for it before it exits, ten seconds where the name server drops packets.
 */
export const resolveHost: Resolve = async (host, signal) => {
  const name = domainToASCII(host) || host
  const path = name === 'localhost' ? undefined : getent()
  if (!path) return interleave(await viaNode(name, signal))
  signal.throwIfAborted()
  const { viaGetent } = await import('./getent.js')
  const found = await viaGetent(path, name, signal)
  return interleave(
    found?.map(address => ({ address, family: isIP(address) === 6 ? 6 : 4 })) ??
      (await viaNode(name, signal)),
  )
}

/** True for an IP address, which needs no resolver. */
export const isLiteral = (host: string): boolean => isIP(host.replace(/%.*$/, '')) !== 0

/** Keeps what was found for a second, so that fast polling does not become a load on the resolver. */
export function cachedResolve(resolve: Resolve = resolveHost, now: () => number = monotonic): Resolve {
  const cache = new Map<string, { until: number; found: readonly Resolved[] }>()
  return async (host, signal) => {
    const hit = cache.get(host)
    if (hit && hit.until > now()) return hit.found
    const found = await resolve(host, signal)
    cache.set(host, { until: now() + 1000, found })
    return found
  }
}

let getentPath: string | null | undefined
function getent(): string | null {
  if (getentPath === undefined) {
    getentPath = ['/usr/bin/getent', '/bin/getent'].find(executable) ?? null
    if (process.platform !== 'linux') getentPath = null
  }
  return getentPath
}

async function viaNode(name: string, signal: AbortSignal): Promise<Resolved[]> {
  // Loaded when it is needed: it starts c-ares.
  const { lookup } = await import('node:dns')
  const looked = new Promise<Resolved[]>((resolve, reject) => {
    lookup(name, { all: true, verbatim: true }, (error, found) => {
      if (error) reject(error)
      else resolve(found.map(({ address, family }) => ({ address, family: family as 4 | 6 })))
    })
  })
  return untilAborted(looked, signal)
}

/** The promise's outcome, or the signal's reason where that comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, cancel?: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel?.()
      reject(signal.reason)
    }
    // First, so that a promise which is left and then fails is nobody's unhandled rejection.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** The addresses without repetition, the two families in turn, beginning with that of the first. */
export function interleave(found: readonly Resolved[]): Resolved[] {
  const unique = found.filter((one, i) => found.findIndex(other => other.address === one.address) === i)
  const first = unique.filter(one => one.family === unique[0]?.family)
  const second = unique.filter(one => one.family !== unique[0]?.family)
  return first.flatMap((one, i) => (second[i] ? [one, second[i]] : [one])).concat(second.slice(first.length))
}
