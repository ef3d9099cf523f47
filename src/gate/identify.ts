import { ProbeError } from '../core/service.js'
import type { Target } from '../core/target.js'
import { childOf, systemClock } from '../io/clock.js'
import { dial, type Endpoint } from '../io/dial.js'
import { SocketLink } from '../io/link.js'
import { untilAborted } from '../io/resolve.js'
import { mismatchWith } from '../services/mismatch.js'
import { apiVersions } from '../wire/kafka.js'
import { OP, request } from '../wire/memcached.js'
import { connect } from '../wire/mqtt.js'
import { sslRequest } from '../wire/postgres.js'
import { excerpt, looksLike } from '../wire/sniff.js'

/** What a service is called in `looksLike`; a service that is not here says nothing on its own. */
const SPOKEN: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  redis: 'Redis',
  clickhouse: 'HTTP',
  http: 'HTTP',
  rabbitmq: 'AMQP',
  mysql: 'MySQL',
  nats: 'NATS',
  memcached: 'memcached',
  mqtt: 'MQTT',
  mongodb: 'MongoDB',
  kafka: 'Kafka',
}

/** What a silent server is asked, each on a connection of its own. */
const QUESTIONS: readonly (() => Uint8Array)[] = [
  () => new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n'),
  sslRequest,
  // memcached in its binary protocol, and a line end for one that only knows text.
  () => Uint8Array.of(...request(OP.version), 13, 10),
  () => connect({ version: 4, clientId: '' }),
  () => apiVersions(0),
]

/** Their TLS begins inside the protocol. */
const UPGRADES: readonly string[] = ['postgres', 'mysql', 'nats']

/** How long the questions may take together, in milliseconds. */
const PATIENCE_MS = 500

/**
 * A port that accepts and then keeps silent, or closes, may belong to another service: asks it in a few
 * other protocols, each on a connection of its own. Resolves with a mismatch when one of them is answered.
 */
export async function identify(
  target: Target,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<ProbeError | undefined> {
  const { service, tls } = target
  const expected = SPOKEN[service] ?? (tls.mode === 'disable' ? undefined : 'TLS')
  if (!expected) return undefined
  const tlsFirst = tls.mode !== 'disable' && (!UPGRADES.includes(service) || tls.direct)
  const found = await whoAnswers(target, endpoint, signal, { tls: !tlsFirst })
  // A server that has come up meanwhile is asked properly by the next attempt.
  if (found?.what === expected) return tlsFirst ? withoutTls(target, expected, found.evidence) : undefined
  return found && mismatchWith(expected, found.what, found.evidence)
}

/** What a service is called by those who recognise it; undefined for one that says nothing of its own. */
export const spokenBy = (service: string): string | undefined => SPOKEN[service]

/** Asks a port in several protocols, without a login, and resolves with the first answer that is known, or undefined. */
export async function whoAnswers(
  target: Target,
  endpoint: Endpoint,
  signal: AbortSignal,
  { tls }: { readonly tls: boolean },
): Promise<Known | undefined> {
  const { signal: limited, clear } = systemClock.deadline(PATIENCE_MS, signal)
  const answered = childOf(limited)
  const questions = [
    ...QUESTIONS.map(question => ask(target, endpoint, answered.signal, question())),
    ...(tls ? [greetTls(target, endpoint, answered.signal)] : []),
  ]
  const found = await Promise.any(
    questions.map(async question => {
      const { what, evidence } = await question
      if (what === undefined) throw new Error('nobody known')
      return { what, evidence }
    }),
  ).catch(() => undefined)
  // Nobody waits for the other questions.
  answered.abort(new Error('answered'))
  answered.clear()
  clear()
  return found
}

function withoutTls({ tls }: Target, expected: string, evidence: string): ProbeError {
  return new ProbeError({
    reason: 'tls-failure',
    message: `${expected} answers here, but no TLS handshake; ${evidence}`,
    advice: tls.direct
      ? 'sslnegotiation=direct needs PostgreSQL 17: leave it out.'
      : 'Use the plain scheme, like redis:// or http://, or the port that takes TLS.',
  })
}

interface Known {
  readonly what: string
  readonly evidence: string
}

interface Answer {
  readonly what: string | undefined
  readonly evidence: string
}

async function ask(
  target: Target,
  endpoint: Endpoint,
  signal: AbortSignal,
  question: Uint8Array,
): Promise<Answer> {
  return withLink(target, endpoint, signal, async link => {
    link.write(question)
    const bytes = await link.peek()
    const what = looksLike(bytes)
    const asked = bytes.length === 1 && what === 'PostgreSQL' ? 'SSLRequest' : "another protocol's question"
    return { what, evidence: `it answers ${asked} with ${excerpt(bytes)}` }
  })
}

async function greetTls(target: Target, endpoint: Endpoint, signal: AbortSignal): Promise<Answer> {
  const open: Target = { ...target, tls: { mode: 'require', sni: target.tls.sni, direct: true } }
  return withLink(open, endpoint, signal, async link => {
    await untilAborted(link.startTls(), signal)
    return { what: 'TLS', evidence: 'a TLS handshake succeeded' }
  })
}

async function withLink<T>(
  target: Target,
  endpoint: Endpoint,
  signal: AbortSignal,
  work: (link: SocketLink) => Promise<T>,
): Promise<T> {
  const { socket } = await dial([endpoint], signal)
  const [host] = target.hosts
  const link = new SocketLink(socket, target, host && 'host' in host ? host.host : 'localhost', signal)
  try {
    return await work(link)
  } finally {
    link.close()
  }
}
