import type { Look } from '../../core/look.js'
import type { ReasonId } from '../../core/reasons.js'
import {
  byNumber,
  byText,
  type Circumstances,
  isConnecting,
  type Rules,
  type TextRule,
} from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'

/** Reply code → reason; any other is an error of the operation. Source: the AMQP 0-9-1 specification, 1.2. */
const BY_CODE = byNumber({
  'connection-lost': [320, 541],
  'database-not-found': [402],
  'access-denied': [403, 530],
  'protocol-mismatch': [501, 502, 503, 505],
  'resource-exhausted': [506],
})

/** RabbitMQ has one reply code for several refusals. */
const BY_REPLY_TEXT: readonly TextRule[] = [
  [/vhost .*not found/i, 'database-not-found'],
  [
    /limit \(?\d+\)? is reached|connection limit|(number|limit) of (connections|channels)/i,
    'too-many-connections',
  ],
  [/vhost .*(is down|not running|starting)/i, 'server-not-ready'],
  [/login was refused|invalid credentials/i, 'authentication-failed'],
  [/memory|disk/i, 'resource-exhausted'],
]

/** A close frame as amqplib prints it: `403 (ACCESS-REFUSED) with message "…"`, also within another error's text. */
const CLOSE = /\b([345]\d\d) \(([A-Z][A-Z-]+)\)/

function code(error: Look, { phase, named }: Circumstances): Finding | undefined {
  const { message } = error
  const number = error.number('code')
  const told = CLOSE.exec(message)?.[1]
  const isOwn = number !== undefined && (named || error.has('classId') || told !== undefined)
  const reply = isOwn ? number : Number(told)
  if (!reply) return undefined
  const base = { code: String(reply), message, ...(isOwn ? {} : { byText: true }) }
  return { ...base, ...meaning(reply, message, isConnecting(phase) || message.startsWith('Handshake')) }
}

function meaning(reply: number, message: string, login: boolean): { reason: ReasonId; byText?: boolean } {
  if (reply === 403 && login) return { reason: 'authentication-failed' }
  const textual = [403, 506, 530, 541].includes(reply) ? byText(BY_REPLY_TEXT, message)?.reason : undefined
  return textual ? { reason: textual, byText: true } : { reason: BY_CODE.get(reply) ?? 'query-error' }
}

/** amqplib. Source of the texts: where its lib/ creates errors. */
export const rabbitmqRules: Rules = {
  drivers: ['amqplib', 'amqp', 'rabbitmq'],
  behind: ({ message }) => (/^channel closed$|^Channel ended, no reply/i.test(message) ? ['lastEvent'] : []),
  code,
  classes: {},
  // biome-ignore format: a table
  texts: [
    [/^Expected ConnectionOpenOk; got <ConnectionClose/, 'database-not-found',
      'The broker refused the virtual host: it does not exist, the user has no right to it, or a limit is reached. Its log says which.'],
    [/^Expected (amqp: or amqps:|buffer; got)|^SASL mechanism .* is not provided|^maxFrameSize must be/, 'client-misuse'],
    [/\(by client\)$|^(Channel|Connection) closing$/, 'client-misuse'],
    [/^Unexpected close$|^Heartbeat timeout$|^Connection closed|^channel closed$|^Channel ended, no reply/i,
      'connection-lost'],
    [/^Socket closed abruptly during opening handshake$/, 'connection-lost'],
    [/^connect ETIMEDOUT$/, 'connect-timeout'],
    [/^Frame size \d+ exceeds|^(Invalid frame$|Unknown (frame type|class\/)|Expected .*; got |Frame on channel|Frame on unknown channel|Unexpected frame)/,
      'protocol-mismatch'],
    [/^Wasn't expecting to have to go through secure|^Server frameMax|^Expected connection\.secure/, 'protocol-mismatch'],
    [/^(Field '\w+' is the wrong type|Missing value for mandatory field)|^content is not a buffer/, 'client-misuse'],
    [/^No channels left to allocate$/, 'pool-exhausted'],
    [/^message nacked$/, 'resource-exhausted',
      'The broker did not take the message: look for a full queue and for its alarms.'],
  ],
  // Only the reply to the operation itself; a channel that closes says nothing about what was published before.
  rejected: ({ message }) => message.startsWith('Operation failed: '),
}
