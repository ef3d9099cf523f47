import { certificates } from '../support/certs.js'
import { startMariadb } from '../support/mariadb.js'
import * as frames from '../support/mysqlframes.js'
import { mysqlError, mysqlErrors, mysqlRefusal, mysql as peer } from '../support/mysqlpeers.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, sslmode = 'disable') =>
  buildUrl({ scheme: 'mysql', ...at, user: 'app', password: SECRET, database: 'app', query: { sslmode } })

export const mysql: Subject = {
  name: 'mysql',
  product: 'MariaDB',
  version: /^1\d\.\d+\.\d+$/,
  abilities: ['query', 'write', 'schema'],
  query: { yes: 'select 1', no: 'select false', broken: 'select * from nowhere' },
  faces: [
    {
      label: 'mysql:// sslmode=disable',
      tls: false,
      address: at => address(at),
      waits: 'handshake',
      greeted: true,
    },
    {
      label: 'mysql:// sslmode=prefer',
      tls: false,
      address: at => address(at, 'prefer'),
      waits: 'handshake',
      greeted: true,
    },
    {
      label: 'mysql:// sslmode=require',
      tls: true,
      address: at => address(at, 'require'),
      waits: 'handshake',
      greeted: true,
    },
  ],
  async start() {
    const server = await startMariadb()
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'MySQL',
  credentials: { script: mysqlError(mysqlErrors.wrongPassword), layer: 'auth', code: '1045' },
  starting: {
    script: peer({ query: () => frames.error(1, mysqlErrors.notInCluster) }),
    layer: 'query',
    code: '1047',
  },
  full: { script: mysqlRefusal(mysqlErrors.tooMany), layer: 'handshake', code: '1040' },
  mourns: true,
  tells: {
    address: at => address(at, 'require'),
    async script(connection) {
      const { server } = await certificates()
      const script = peer({
        tls: server,
        afterLogin: async (inside, _, sequence) => {
          await inside.send(frames.authSwitch(sequence + 1, 'sha256_password', Buffer.alloc(21, 'x')))
          const told = (await frames.readPacket(inside)).body.toString('utf8').replace(/\0$/, '')
          const message = `password ${told} is wrong, and so is ${encodeURIComponent(told)}`
          await inside.send(frames.error(sequence + 3, { errno: 1045, state: '28000', message }))
        },
      })
      await script(connection)
    },
  },
  stalls: [
    {
      name: 'silent after the login',
      script: peer({ afterLogin: connection => connection.hang() }),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after it agreed to TLS',
      script: peer({
        capabilities: frames.MODERN | frames.CAPABILITY.SSL,
        afterGreeting: connection => connection.hang(),
      }),
      address: at => address(at, 'require'),
      layer: 'tls',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after a statement',
      script: peer({ afterAuth: connection => connection.hang() }),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'in the middle of its greeting',
      script: async connection => {
        await connection.send(frames.greeting({ nonce: Buffer.alloc(20, 'x') }).subarray(0, 20))
        await connection.hang()
      },
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'sending rows without an end',
      script: peer({
        async afterAuth(connection) {
          await frames.readPacket(connection)
          const rows = frames.result([['1'], ...Array.from({ length: 500 }, () => ['1'])])
          // Without its end.
          await connection.send(rows.subarray(0, -11))
          for (;;) {
            await connection.send(
              Buffer.concat(Array.from({ length: 500 }, () => frames.packet(9, Buffer.from('\u0001x')))),
            )
            await new Promise(setImmediate)
          }
        },
      }),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
