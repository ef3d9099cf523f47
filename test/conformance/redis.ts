import { answers, greets, redis as peer, REDIS_ERRORS, redisFull } from '../support/peers.js'
import { startRedis } from '../support/redis.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import { pours } from './scripts.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, scheme = 'redis') => buildUrl({ scheme, ...at, password: SECRET })

export const redis: Subject = {
  name: 'redis',
  product: 'Redis',
  version: /^7\.\d+\.\d+$/,
  abilities: ['write'],
  faces: [
    { label: 'redis://', tls: false, address: at => address(at), waits: 'auth' },
    {
      label: 'redis:// without a password',
      tls: false,
      address: at => `redis://${at.host}:${at.port}`,
      waits: 'handshake',
    },
    { label: 'rediss://', tls: true, address: at => address(at, 'rediss'), waits: 'tls' },
  ],
  async start() {
    const server = await startRedis({ password: SECRET })
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'Redis',
  credentials: { script: answers(REDIS_ERRORS.wrongPass), layer: 'auth', code: 'WRONGPASS' },
  starting: { script: answers(REDIS_ERRORS.loading), layer: 'auth', code: 'LOADING' },
  full: { script: redisFull, layer: 'auth', code: 'ERR' },
  mourns: true,
  tells: {
    address: at => address(at),
    script: peer(
      (_, args) => `-WRONGPASS ${args.join(' ')}, or ${encodeURIComponent(args.at(-1) ?? '')}\r\n`,
    ),
  },
  stalls: [
    {
      name: 'silent after the login',
      script: peer(command => (command === 'AUTH' ? '+OK\r\n' : command === 'HELLO' ? '*0\r\n' : '')),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'in the middle of a reply',
      script: greets('$100\r\nand then'),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'pushing without an end, but never answering',
      script: pours('>1\r\n+still here\r\n'.repeat(100)),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
  ],
}
