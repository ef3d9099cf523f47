import { type Attempt, type Link, LinkError, ProbeError, type Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { looksLike } from '../../wire/sniff.js'
import { atOpening } from '../mismatch.js'
import { findingOf } from './classify.js'
import { NatsSession } from './session.js'

/** NATS, by an own client of the wire. */
export const nats: Service = {
  name: 'nats',
  abilities: ['write'],
  // Its errors are told when they are read: they have no shape that others could have.
  classify: () => undefined,
  async open(target, attempt) {
    const link = await attempt.connect()
    try {
      const direct = target.tls.direct && target.tls.mode !== 'disable'
      if (direct) await attempt.step('tls', () => tlsFirst(link))
      const session = new NatsSession(link, target)
      await attempt.step('handshake', () => session.greet())
      if (!direct) await secure(session, target, attempt)
      await attempt.step('auth', () => session.login())
      return session
    } catch (error) {
      link.close()
      throw atOpening(error)
    }
  },
}

/** For a server with handshake_first. Any other speaks before the handshake. */
async function tlsFirst(link: Link): Promise<void> {
  try {
    await link.startTls()
  } catch (error) {
    if (!(error instanceof LinkError && error.bytes && looksLike(error.bytes) === 'NATS')) throw error
    throw new ProbeError({
      reason: 'tls-failure',
      message: 'the server greets in plain text, and does not begin with TLS',
      advice: 'sslnegotiation=direct needs a server with handshake_first: leave it out.',
    })
  }
}

/**
 * TLS as INFO offers it. `prefer`, the default of nats://, does what nats.js does: it takes TLS wherever it is offered,
 * and then verifies the server.
 */
async function secure({ info, link }: NatsSession, { tls }: Target, attempt: Attempt): Promise<void> {
  const { mode } = tls
  const required = info.tls_required === true
  const offered = required || info.tls_available === true
  if (mode === 'disable') {
    if (!required) return
    return attempt.step('tls', () => {
      throw new ProbeError(findingOf('Secure Connection - TLS Required'))
    })
  }
  if (mode === 'allow' ? required : offered)
    return attempt.step('tls', () => link.startTls(mode === 'prefer' ? { mode: 'verify-full' } : {}))
  if (mode === 'allow' || mode === 'prefer') return
  await attempt.step('tls', () => {
    throw new ProbeError({
      reason: 'tls-failure',
      message: `sslmode=${mode} wants TLS, and the server offers none`,
      advice: 'Switch TLS on in the server, or use nats:// without sslmode.',
    })
  })
}
