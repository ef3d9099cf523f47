import { classifyTransport } from '../core/classify.js'
import { plain } from '../core/redact.js'
import { redactorOf } from '../core/redactor.js'
import { LinkError, ProbeError, type Service } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { Finding, Layer, Server } from '../core/verdict.js'
import { mismatch } from '../services/mismatch.js'
import type { Trace } from './attempt.js'

/** Why a probe failed, in the words of the table and without a secret. */
export function finding(service: Service, error: unknown, trace: Trace, target: Target): Finding {
  const clean = cleaner(target)
  // Whoever speaks before the handshake shows what it is.
  const known = error instanceof LinkError && error.bytes ? mismatch('TLS', error.bytes) : error
  const found =
    known instanceof ProbeError
      ? known.finding
      : (service.classify(error) ?? (timedOut(error) ? hung(trace) : classifyTransport(error)))
  return {
    ...found,
    message: clean(found.message),
    ...(found.advice ? { advice: clean(found.advice) } : {}),
  }
}

const timedOut = (error: unknown): boolean =>
  error instanceof Error && /^(TimeoutError|AbortError|Interrupted)$/.test(error.name)

const HANGS: Readonly<Partial<Record<Layer, string>>> = {
  dns: 'the resolver did not answer',
  tcp: 'no answer to the TCP connection request',
  tls: 'the TLS handshake got no answer',
}

/** A deadline that passed, in the words of the layer that was still running. */
function hung(trace: Trace): Finding {
  const { layer } = trace
  const ms = Math.round(trace.steps.findLast(step => step.state === 'running')?.ms ?? 0)
  const what =
    HANGS[layer] ??
    (trace.heard
      ? `the server fell silent during ${layer}`
      : 'the connection was accepted, then nothing came')
  const reason =
    layer === 'dns'
      ? 'dns-failure'
      : trace.heard && (layer === 'query' || layer === 'write' || layer === 'schema')
        ? 'statement-timeout'
        : 'connect-timeout'
  return { reason, code: 'ETIMEDOUT', message: `${what} within ${ms} ms` }
}

const cleaners = new WeakMap<Target, (text: string) => string>()

function cleaner(target: Target): (text: string) => string {
  const known = cleaners.get(target)
  if (known) return known
  const redact = redactorOf(target)
  const clean = (text: string) => plain(redact(text))
  cleaners.set(target, clean)
  return clean
}

/** The same without secrets and control characters. */
export function cleaned(target: Target, server: Server): Server {
  const clean = cleaner(target)
  return Object.fromEntries(
    Object.entries(server).map(([key, value]) => [key, typeof value === 'string' ? clean(value) : value]),
  ) as unknown as Server
}
