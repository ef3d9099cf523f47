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
  const found = path ? await viaGetent(path, name, signal) : await viaNode(name, signal)
  return interleave(found)
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

async function viaGetent(path: string, name: string, signal: AbortSignal): Promise<Resolved[]> {
  const { execFile } = await import('node:child_process')
  return new Promise((resolve, reject) => {
    execFile(path, ['ahosts', '--', name], { signal, killSignal: 'SIGKILL' }, (error, stdout) => {
      if (signal.aborted) return reject(signal.reason)
      const found = [...stdout.matchAll(/^(\S+)\s+STREAM/gm)].map(([, address = '']) => address)
      if (found.length > 0)
        return resolve(found.map(address => ({ address, family: isIP(address) === 6 ? 6 : 4 })))
      if (error && typeof error.code === 'string') return resolve(viaNode(name, signal))
      failureOf(name, signal).then(reject, reject)
    })
  })
}

/** getent does not tell "no such name" from "the resolver failed": one cancellable query does. */
async function failureOf(name: string, signal: AbortSignal): Promise<Error> {
  const { Resolver } = await import('node:dns/promises')
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  const asked = resolver.resolve4(name).then(
    () => 'ENOTFOUND',
    (error: NodeJS.ErrnoException) => error.code ?? 'ENOTFOUND',
  )
  const code = await untilAborted(asked, signal, () => resolver.cancel())
  const temporary = code !== 'ENOTFOUND' && code !== 'ENODATA'
  return Object.assign(new Error(`getaddrinfo ${temporary ? 'EAI_AGAIN' : 'ENOTFOUND'} ${name}`), {
    code: temporary ? 'EAI_AGAIN' : 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname: name,
  })
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
