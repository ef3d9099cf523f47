import type { Look } from '../../core/look.js'
import type { Circumstances, Rules } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { codeFinding } from './classify.js'

/** mqtt.js puts the code as a number, and what was refused into the text. */
function code(error: Look, { named }: Circumstances): Finding | undefined {
  const { message } = error
  const number = error.number('code')
  const told = /^(Connection refused|Publish error|Subscribe error|Re-auth failed): /.exec(message)?.[1]
  const own = error.is('ErrorWithReasonCode', 'ErrorWithSubackPacket') || (named && told !== undefined)
  if (!own || number === undefined || message.startsWith('Protocol error')) return undefined
  const connecting = told === 'Connection refused' || told === 'Re-auth failed'
  return { ...codeFinding(number, connecting ? 'connection' : 'request', ''), message }
}

/** mqtt, also known as mqtt.js. Source of the texts: where its build/lib creates errors. */
export const mqttRules: Rules = {
  drivers: ['mqtt', 'mqtt.js', 'async-mqtt'],
  behind: ({ message }) =>
    /^(Connection closed|client disconnecting|No connection to broker|Couldn't connect to server)$/.test(
      message,
    )
      ? ['lastEvent']
      : [],
  code,
  classes: {},
  // biome-ignore format: a table
  texts: [
    [/^connack timeout$/i, 'connect-timeout'],
    [/^Keepalive timeout$/i, 'connection-lost'],
    [/^No connection to broker$/, 'connection-lost'],
    [/^Couldn't connect to server$/, 'connect-timeout'],
    [/^client disconnecting$/, 'client-misuse'],
    [/^Missing clientId for unclean clients$|^Invalid topic |^Missing secure protocol key$/, 'client-misuse'],
    [/^Unknown protocol for secure connection: /, 'client-misuse'],
    [/^Protocol error: /, 'protocol-mismatch'],
    [/^Subscribe error: Not authorized$/, 'access-denied'],
  ],
  ownTexts: [
    [/^Connection closed$/, 'connection-lost'],
    [/^WebSocket error$/, 'connection-lost'],
    [/^TLS not authorized$/, 'tls-failure'],
    [
      /^Invalid (header flag bits|protocolId|return code|suback|connack)|^Cannot parse |^unrecognized packet type$|^Packet too short/i,
      'protocol-mismatch',
    ],
    [/^Subscribe error: (?!Not authorized$)/, 'query-error'],
    [
      /^Invalid (username|password|clientId)|^(Username|clientId) .*required|^Missing protocol$/i,
      'client-misuse',
    ],
    [/^Message removed$/, 'client-misuse'],
  ],
  rejected: ({ message }) => /^(Publish|Subscribe) error: /.test(message),
}
