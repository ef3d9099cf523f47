import { ProbeError } from '../core/service.js'
import { excerpt, hexadecimal, looksLike } from '../wire/sniff.js'

/**
 * Something else speaks there. TLS where none was expected is a TLS failure, with its own advice. A server that was
 * `told` a secret may repeat it, in parts or in its own encoding: of its bytes only the first and their number are shown.
 */
export function mismatch(
  expected: string,
  bytes: Uint8Array,
  { told = false }: { readonly told?: boolean } = {},
): ProbeError {
  const evidence = told
    ? `the first of ${bytes.length} bytes was 0x${hexadecimal(bytes[0] ?? 0)}`
    : `the first bytes were ${excerpt(bytes)}`
  return mismatchWith(expected, looksLike(bytes), evidence)
}

/** What opening a session ended with: there a refusal that no rule knows is no answer to a statement, and may pass. */
export function atOpening(error: unknown): unknown {
  if (!(error instanceof ProbeError && error.finding.reason === 'query-error')) return error
  return new ProbeError({ ...error.finding, reason: 'unknown' }, error.server)
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
