import type { ReasonId } from '../../core/reasons.js'
import { byNumber, byText, type TextRule } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/** Reply code → reason; any other is an error of the operation. Source: the AMQP 0-9-1 specification, 1.2. */
const BY_CODE = byNumber({
  'connection-lost': [320, 541],
  'database-not-found': [402],
  'access-denied': [403, 530],
  'protocol-mismatch': [501, 502, 503, 504, 505],
  'resource-exhausted': [506],
})

/** Codes that RabbitMQ has for several refusals, which only the text tells apart. */
const AMBIGUOUS: readonly number[] = [403, 406, 506, 530, 541]

// biome-ignore format: a table
const BY_TEXT: readonly TextRule[] = [
  [/vhost .*not found/i, 'database-not-found',
    'Create the virtual host (rabbitmqctl add_vhost NAME), or correct the path: amqp://host is the virtual host "/", amqp://host/NAME is NAME.'],
  [/limit \(?\d+\)? is reached|connection limit|(number|limit) of (connections|channels)/i, 'too-many-connections',
    'Compare the connections of all processes with the limit of the virtual host (rabbitmqctl set_vhost_limits) or of the user (set_user_limits).'],
  [/vhost .*(is down|not running|starting)/i, 'server-not-ready',
    "Wait; if it lasts, read the broker's log, and see rabbitmqctl restart_vhost."],
  [/access to \w+ .* refused/i, 'access-denied',
    'Grant the user what it lacks: rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ, each a regular expression of names.'],
  [/login was refused|invalid credentials/i, 'authentication-failed'],
  [/queue limit .*is reached/i, 'resource-exhausted',
    'Delete queues that nobody needs, or raise the limit: rabbitmqctl set_vhost_limits.'],
  [/\b(memory|disk)[ _](alarm|limit|resource|watermark)/i, 'resource-exhausted'],
]

export interface Meaning {
  readonly reason: ReasonId
  readonly byText?: true
  readonly advice?: string
}

/** What the reply code and text of a close mean; `login` until the connection is open. */
export function meaning(code: number, text: string, login: boolean): Meaning {
  if (code === 403 && login) return { reason: 'authentication-failed' }
  const told = AMBIGUOUS.includes(code) ? byText(BY_TEXT, text) : undefined
  const fixed = BY_CODE.get(code) ?? 'query-error'
  if (!told) return { reason: fixed }
  // Where the code says the same, the text adds advice only.
  return {
    reason: told.reason,
    ...(told.reason === fixed ? {} : { byText: true }),
    ...(told.advice ? { advice: told.advice } : {}),
  }
}

/** What an error means that carries a reply code and the class of its method, as amqplib's do. */
export function classifyRabbitmq(error: unknown): Finding | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, classId, message } = error as { code?: unknown; classId?: unknown; message?: unknown }
  if (typeof code !== 'number' || typeof classId !== 'number' || typeof message !== 'string') return undefined
  return { code: String(code), message, ...meaning(code, message, false) }
}
