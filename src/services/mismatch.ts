import { ProbeError } from '../core/service.js'
import { excerpt, looksLike } from '../wire/sniff.js'

/** Something else speaks there. TLS where none was expected is a TLS failure, with its own advice. */
export function mismatch(expected: string, bytes: Uint8Array): ProbeError {
  return mismatchWith(expected, looksLike(bytes), `the first bytes were ${excerpt(bytes)}`)
}

export function mismatchWith(expected: string, found: string | undefined, evidence: string): ProbeError {
  if (found === 'TLS') {
    return new ProbeError({
      reason: 'tls-failure',
      message: `the server speaks TLS from the first byte; ${evidence}`,
      advice:
        'Use the scheme or setting with TLS: rediss://, amqps://, https://, tls=true, sslnegotiation=direct.',
    })
  }
  if (found === expected) {
    return new ProbeError({
      reason: 'protocol-mismatch',
      message: `${expected} answers, but not as its protocol allows: ${evidence}`,
      advice: 'Look at the server, or at what stands in front of it.',
    })
  }
  const what = found ? `${found} answers` : 'something else answers'
  return new ProbeError({
    reason: 'protocol-mismatch',
    message: `expected ${expected}, but ${what}: ${evidence}`,
    advice: `Check the port: ${found ? `it belongs to ${found}` : 'what listens there is not'} ${found ? 'and not to ' : ''}${expected}.`,
  })
}
