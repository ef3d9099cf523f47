import { startClickHouse } from '../support/clickhouse.js'
import { chatter, exception, speaks } from '../support/clickpeers.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import { drips } from './scripts.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, scheme = 'clickhouse') =>
  buildUrl({ scheme, ...at, user: 'app', password: SECRET, database: 'app' })

export const clickhouse: Subject = {
  name: 'clickhouse',
  product: 'ClickHouse',
  version: /^\d+\.\d+\.\d+/,
  abilities: ['query', 'write', 'schema'],
  query: { yes: 'SELECT 1', no: 'SELECT 0', broken: 'SELECT * FROM nowhere' },
  faces: [
    { label: 'clickhouse://', tls: false, address: at => address(at), waits: 'handshake' },
    { label: 'clickhouses://', tls: true, address: at => address(at, 'clickhouses'), waits: 'tls' },
  ],
  async start() {
    const server = await startClickHouse()
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'HTTP',
  credentials: {
    script: exception(
      403,
      516,
      'app: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)',
    ),
    layer: 'auth',
    code: '516',
  },
  starting: {
    script: speaks('503 Service Unavailable', '<html><h1>503 Service Unavailable</h1></html>', {
      'content-type': 'text/html',
    }),
    layer: 'handshake',
    code: '503',
  },
  full: {
    script: exception(500, 700, 'User app has overflown session count 1. (USER_SESSION_LIMIT_EXCEEDED)'),
    layer: 'auth',
    code: '700',
  },
  mourns: true,
  tells: {
    address: at => address(at),
    script: async connection => {
      const request = (await connection.readUntil('\r\n\r\n')).toString()
      const key = /x-clickhouse-key: (.*)\r\n/i.exec(request)?.[1] ?? ''
      const basic = Buffer.from(`app:${key}`).toString('base64')
      const text = `Code: 516. DB::Exception: no user app with ${key}, ${encodeURIComponent(key)}, ${basic} (X) (version 24.8.1.1)`
      await connection.send(
        `HTTP/1.1 403 Forbidden\r\nx-clickhouse-exception-code: 516\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
      )
    },
  },
  stalls: [
    {
      name: 'in the middle of its headers',
      script: async connection => {
        await connection.readUntil('\r\n\r\n')
        await connection.send('HTTP/1.1 200 OK\r\nx-clickhouse-format: Tab')
        await connection.hang()
      },
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'in the middle of its answer',
      script: async connection => {
        await connection.readUntil('\r\n\r\n')
        await connection.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n24.8')
        await connection.hang()
      },
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the login',
      script: chatter(statement => (statement.includes('reverse') ? undefined : 'hang')),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'sending an answer without an end',
      script: async connection => {
        await connection.readUntil('\r\n\r\n')
        await connection.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
        await drips('1\r\n1\r\n')(connection)
      },
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
  ],
}
