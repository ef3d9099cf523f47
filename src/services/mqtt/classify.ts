import type { ReasonId } from '../../core/reasons.js'
import type { Finding } from '../../core/verdict.js'

/** What a broker refuses: the connection, or something that a connected client asked for. */
export type Refused = 'connection' | 'request'

interface Code {
  readonly name: string
  readonly reason: ReasonId
  /** Where it means something else for a request. */
  readonly request?: ReasonId
  readonly advice?: string
}

const code = (name: string, reason: ReasonId, request?: ReasonId, advice?: string): Code => ({
  name,
  reason,
  ...(request ? { request } : {}),
  ...(advice ? { advice } : {}),
})

const EITHER =
  'Correct user and password, or the right to connect: brokers, Mosquitto among them, answer so for a wrong password, too.'
const VERSION = 'Try the other version: protocolVersion=5, or without it 3.1.1.'

/** Return codes of 3.1.1 and reason codes of 5. Source: MQTT 3.1.1, table 3.1; MQTT 5.0, table 2-6. */
const CODES: Readonly<Record<number, Code>> = {
  1: code('unacceptable protocol version', 'protocol-mismatch', undefined, VERSION),
  2: code(
    'identifier rejected',
    'access-denied',
    undefined,
    'The broker admits certain client identifiers only.',
  ),
  3: code('server unavailable', 'server-not-ready'),
  4: code('bad user name or password', 'authentication-failed'),
  5: code('not authorized', 'authentication-failed', 'access-denied', EITHER),
  16: code('no matching subscribers', 'unmet'),
  128: code('unspecified error', 'unknown', 'access-denied'),
  129: code('malformed packet', 'protocol-mismatch'),
  130: code('protocol error', 'protocol-mismatch'),
  131: code('implementation specific error', 'unknown', 'query-error'),
  132: code('unsupported protocol version', 'protocol-mismatch', undefined, VERSION),
  133: code('client identifier not valid', 'access-denied'),
  134: code('bad user name or password', 'authentication-failed'),
  135: code('not authorized', 'authentication-failed', 'access-denied', EITHER),
  136: code('server unavailable', 'server-not-ready'),
  137: code('server busy', 'server-not-ready'),
  138: code(
    'banned',
    'access-denied',
    undefined,
    'The broker has banned this client: look at its list, and ask why.',
  ),
  139: code('server shutting down', 'server-not-ready'),
  140: code('bad authentication method', 'client-misuse'),
  141: code('keep alive timeout', 'connection-lost'),
  142: code('session taken over', 'connection-lost'),
  151: code('quota exceeded', 'too-many-connections', 'resource-exhausted'),
  152: code('administrative action', 'connection-lost'),
  156: code(
    'use another server',
    'server-not-ready',
    undefined,
    'The broker sends its clients elsewhere for now.',
  ),
  157: code('server moved', 'client-misuse', undefined, 'The broker has moved: correct host and port.'),
  159: code('connection rate exceeded', 'too-many-connections'),
  160: code('maximum connect time', 'connection-lost'),
}

const UNKNOWN: Readonly<Record<Refused, ReasonId>> = { connection: 'unknown', request: 'query-error' }

/** What a return code or reason code means. One that nobody knows is an answer to a request all the same. */
export function codeFinding(number: number, refused: Refused, what: string): Finding {
  const known = CODES[number]
  const reason = (refused === 'request' ? known?.request : undefined) ?? known?.reason ?? UNKNOWN[refused]
  const advice = refused === 'connection' ? known?.advice : undefined
  return {
    reason,
    code: String(number),
    message: `${what}: ${known?.name ?? 'refused'} (0x${number.toString(16).padStart(2, '0')})`,
    ...(advice ? { advice } : {}),
  }
}
