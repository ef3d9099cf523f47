/** What the services that speak HTTP have in common. */
import type { ReasonId } from '../core/reasons.js'
import type { Target } from '../core/target.js'
import type { Finding } from '../core/verdict.js'

const BY_STATUS: Readonly<Record<number, ReasonId>> = {
  401: 'authentication-failed',
  403: 'access-denied',
  407: 'authentication-failed',
  429: 'too-many-connections',
  502: 'server-not-ready',
  503: 'server-not-ready',
  504: 'server-not-ready',
}

/** What a status means whoever answers with it; undefined where that depends on what was asked for. */
export const reasonOfStatus = (status: number): ReasonId | undefined => BY_STATUS[status]

/** A server that says that its port takes HTTPS; only the text of its answer tells. */
export function wantsHttps(status: number, text: string): Finding | undefined {
  if (status !== 400 || !/HTTP request.* HTTPS (port|server)/i.test(text)) return undefined
  return {
    reason: 'tls-failure',
    code: '400',
    message: 'the server takes HTTPS on this port, and got HTTP',
    advice: 'Write https:// in the address.',
  }
}

/** The Host header of a request, without the port where it is the standard one. */
export function authority({ hosts: [host] }: Target, standard?: number): string {
  if (!host || !('host' in host)) return 'localhost'
  const name = host.host.includes(':') ? `[${host.host}]` : host.host
  return host.port === standard ? name : `${name}:${host.port}`
}
