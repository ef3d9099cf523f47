import { AMQP_ERRORS, amqp, closes, heartbeats, start } from '../support/amqppeers.js'
import { greets } from '../support/peers.js'
import { startRabbitmq } from '../support/rabbitmq.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import { pours } from './scripts.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, scheme = 'amqp') => buildUrl({ scheme, ...at, user: 'app', password: SECRET })

export const rabbitmq: Subject = {
  name: 'rabbitmq',
  product: 'RabbitMQ',
  version: /^\d+\.\d+\.\d+/,
  abilities: ['write'],
  faces: [
    { label: 'amqp://', tls: false, address: at => address(at), waits: 'handshake' },
    {
      label: 'amqp:// without a user',
      tls: false,
      address: at => `amqp://${at.host}:${at.port}/%2f`,
      waits: 'handshake',
    },
    { label: 'amqps://', tls: true, address: at => address(at, 'amqps'), waits: 'tls' },
  ],
  async start() {
    const server = await startRabbitmq({ users: { app: { password: SECRET } } })
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'AMQP',
  credentials: { script: amqp({ login: () => AMQP_ERRORS.login }), layer: 'auth', code: '403' },
  starting: { script: amqp({ open: () => AMQP_ERRORS.vhostDown }), layer: 'auth', code: '541' },
  full: { script: amqp({ open: () => AMQP_ERRORS.full }), layer: 'auth', code: '530' },
  mourns: true,
  tells: {
    address: at => address(at),
    script: amqp({
      login: (_, response) => {
        const password = response.split('\0').at(-1) ?? ''
        return closes(403, `ACCESS_REFUSED - ${response}, ${password}, or ${encodeURIComponent(password)}`)
      },
    }),
  },
  stalls: [
    {
      name: 'in the middle of a frame',
      script: greets(start().subarray(0, 40)),
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the password',
      script: amqp({ login: () => new Uint8Array() }),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the virtual host',
      script: amqp({ open: () => new Uint8Array() }),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent once the connection is open',
      script: amqp({ serve: connection => connection.hang() }),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'sending heartbeats without an end, but never answering',
      script: amqp({ serve: pours(heartbeats(1000)) }),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
