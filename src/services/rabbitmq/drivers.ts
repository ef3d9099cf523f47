import type { Look } from '../../core/look.js'
import { type Circumstances, isConnecting, type Rules } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { meaning } from './classify.js'

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
