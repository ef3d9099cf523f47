import { startMemcached } from '../support/memcached.js'
import { memcachedRejects, memcached as peer } from '../support/memcachedpeers.js'
import { answers, greets } from '../support/peers.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, query: Record<string, string> = {}) =>
  buildUrl({ scheme: 'memcached', ...at, user: 'app', password: SECRET, query })

export const memcached: Subject = {
  name: 'memcached',
  product: 'memcached',
  version: /^1\.\d+\.\d+/,
  abilities: ['write'],
  faces: [
    { label: 'memcached://', tls: false, address: at => address(at), waits: 'handshake' },
    {
      label: 'memcached:// with sslmode=verify-full',
      tls: true,
      address: at => address(at, { sslmode: 'verify-full' }),
      waits: 'tls',
    },
  ],
  async start() {
    const server = await startMemcached({ users: { app: SECRET } })
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'memcached',
  credentials: { script: memcachedRejects, layer: 'auth', code: 'CLIENT_ERROR' },
  starting: { exempt: 'a cache has nothing to load: it serves as soon as it listens' },
  full: { script: answers('ERROR Too many open connections\r\n'), layer: 'handshake', code: 'ERROR' },
  mourns: true,
  tells: {
    address: at => address(at),
    script: peer((command, rest) =>
      command === 'version'
        ? 'CLIENT_ERROR unauthenticated'
        : command === 'set'
          ? ''
          : `CLIENT_ERROR authentication failure ${command} ${rest} ${encodeURIComponent(rest)}`,
    ),
  },
  stalls: [
    {
      name: 'in the middle of a line',
      script: greets('VERSION 1.6'),
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after it wanted a login',
      script: greets('CLIENT_ERROR unauthenticated\r\n'),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after its version',
      script: async connection => {
        await connection.readUntil('\r\n')
        await connection.send('VERSION 1.6.18\r\n')
        await connection.hang()
      },
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
