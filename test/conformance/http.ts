import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PeerConnection, Script } from '../support/peer.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import { pours } from './scripts.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, scheme = 'http') =>
  buildUrl({ scheme, ...at, user: 'app', password: SECRET, database: 'health', query: { token: SECRET } })

const requested = (connection: PeerConnection) => connection.readUntil('\r\n\r\n')

const status =
  (line: string): Script =>
  async connection => {
    await requested(connection)
    await connection.send(`HTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`)
  }

export const http: Subject = {
  name: 'http',
  product: 'HTTP',
  version: undefined,
  abilities: [],
  faces: [
    { label: 'http://', tls: false, address: at => address(at), waits: 'query' },
    { label: 'https://', tls: true, address: at => address(at, 'https'), waits: 'tls' },
  ],
  async start() {
    const server = createServer((_, response) => response.end('ready'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const place = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
    const kill = async () => {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    }
    return { place, address: address(place), kill, remove: kill }
  },
  spoken: 'HTTP',
  credentials: { script: status('401 Unauthorized'), layer: 'query', code: '401' },
  starting: { script: status('503 Service Unavailable'), layer: 'query', code: '503' },
  full: { script: status('429 Too Many Requests'), layer: 'query', code: '429' },
  mourns: { exempt: 'every request has a connection of its own' },
  tells: {
    address: at => address(at),
    script: async connection => {
      const request = (await requested(connection)).toString()
      const token = /token=(\S+)/.exec(request)?.[1] ?? ''
      await connection.send(`HTTP/1.1 401 ${decodeURIComponent(token)} ${token}\r\nserver: ${SECRET}\r\n\r\n`)
    },
  },
  stalls: [
    {
      name: 'in the middle of its headers',
      script: async connection => {
        await requested(connection)
        await connection.send('HTTP/1.1 200 OK\r\nserver: slow')
        await connection.hang()
      },
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'in the middle of a body that is asked for',
      script: async connection => {
        await requested(connection)
        await connection.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot yet')
        await connection.hang()
      },
      address: at => `${address(at)}#body=ready`,
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'sending interim answers without an end',
      script: async connection => {
        await requested(connection)
        await pours('HTTP/1.1 102 Processing\r\n\r\n')(connection)
      },
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
