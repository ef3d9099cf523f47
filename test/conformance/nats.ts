import { startNats } from '../support/nats.js'
import { natsInfo, natsRefuses, nats as peer } from '../support/natspeers.js'
import { greets } from '../support/peers.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, scheme = 'nats', query: Record<string, string> = {}) =>
  buildUrl({ scheme, ...at, user: 'app', password: SECRET, query })

export const nats: Subject = {
  name: 'nats',
  product: 'NATS',
  version: /^2\.\d+\.\d+/,
  abilities: ['write'],
  faces: [
    { label: 'nats://', tls: false, address: at => address(at), waits: 'handshake', greeted: true },
    {
      label: 'nats+tls://',
      tls: true,
      address: at => address(at, 'nats+tls'),
      waits: 'handshake',
      greeted: true,
    },
    {
      label: 'nats+tls:// with sslnegotiation=direct',
      tls: true,
      address: at => address(at, 'nats+tls', { sslnegotiation: 'direct' }),
      waits: 'tls',
    },
  ],
  async start() {
    const server = await startNats({ settings: { authorization: { user: 'app', password: SECRET } } })
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'NATS',
  credentials: {
    script: peer(operation => (operation === 'CONNECT' ? "-ERR 'Authorization Violation'\r\n" : undefined)),
    layer: 'auth',
    code: 'AUTHORIZATION_VIOLATION',
  },
  starting: { script: greets(natsInfo({ ldm: true })), layer: 'handshake', code: 'LDM' },
  full: {
    script: natsRefuses('maximum connections exceeded'),
    layer: 'auth',
    code: 'MAXIMUM_CONNECTIONS_EXCEEDED',
  },
  mourns: true,
  tells: {
    address: at => address(at),
    script: peer((operation, rest) => {
      if (operation !== 'CONNECT') return undefined
      const { pass } = JSON.parse(rest)
      return `-ERR 'Authorization Violation ${rest} ${pass} ${encodeURIComponent(pass)}'\r\n`
    }),
  },
  stalls: [
    {
      name: 'in the middle of its greeting',
      script: greets(natsInfo().slice(0, 20)),
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after it required TLS',
      script: greets(natsInfo({ tls_required: true })),
      address: at => address(at),
      layer: 'tls',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the login',
      script: greets(natsInfo()),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after a question',
      script: async connection => {
        await connection.send(natsInfo())
        await connection.readUntil('PING\r\n')
        await connection.send('PONG\r\n')
        await connection.hang()
      },
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
