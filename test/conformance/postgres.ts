import { greets } from '../support/peers.js'
import * as frames from '../support/pgframes.js'
import { postgres as peer, postgresError, postgresErrors, startupThenSilence } from '../support/pgpeers.js'
import { startPostgres } from '../support/postgres.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, sslmode = 'disable') =>
  buildUrl({
    scheme: 'postgres',
    ...at,
    user: 'app',
    password: SECRET,
    database: 'app',
    query: { sslmode },
  })

export const postgres: Subject = {
  name: 'postgres',
  product: 'PostgreSQL',
  version: /^15\.\d+/,
  abilities: ['query', 'write', 'schema'],
  query: { yes: 'select 1', no: 'select false', broken: 'select * from nowhere' },
  faces: [
    { label: 'sslmode=disable', tls: false, address: at => address(at), waits: 'handshake' },
    { label: 'sslmode=prefer', tls: false, address: at => address(at, 'prefer'), waits: 'handshake' },
    { label: 'sslmode=require', tls: true, address: at => address(at, 'require'), waits: 'handshake' },
  ],
  async start() {
    const server = await startPostgres()
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'PostgreSQL',
  credentials: {
    script: postgresError(postgresErrors.wrongPassword),
    layer: 'auth',
    code: '28P01',
  },
  starting: { script: postgresError(postgresErrors.startingUp), layer: 'handshake', code: '57P03' },
  full: { script: postgresError(postgresErrors.tooManyConnections), layer: 'handshake', code: '53300' },
  mourns: true,
  tells: {
    address: at => address(at),
    script: peer({
      afterStartup: async connection => {
        await connection.send(frames.cleartextPassword())
        const { body } = await frames.readMessage(connection)
        const told = body.toString('utf8', 0, body.length - 1)
        const message = `password ${told} is wrong, and so is ${encodeURIComponent(told)}`
        await connection.send(frames.errorResponse({ code: '28P01', message, detail: told }))
      },
    }),
  },
  stalls: [
    {
      name: 'silent after the start-up message',
      script: startupThenSilence,
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after it agreed to TLS',
      script: async connection => {
        await frames.readStartup(connection)
        await connection.send('S')
        await connection.hang()
      },
      address: at => address(at, 'require'),
      layer: 'tls',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the password',
      script: peer({
        afterStartup: async connection => {
          await connection.send(frames.md5Password(Buffer.from('salt')))
          await frames.readMessage(connection)
          await connection.hang()
        },
      }),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after a statement',
      script: peer({
        afterLogin: async connection => {
          await connection.send(frames.readyForQuery())
          await connection.hang()
        },
      }),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'in the middle of a message',
      script: greets(frames.errorResponse(postgresErrors.startingUp).subarray(0, 20)),
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
  ],
}
