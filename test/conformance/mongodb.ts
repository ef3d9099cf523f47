import { member, mongo, mongoErrors, opReply } from '../support/mongopeer.js'
import { startPeer } from '../support/peer.js'
import { greets } from '../support/peers.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, query: Record<string, string> = {}) =>
  buildUrl({
    scheme: 'mongodb',
    ...at,
    user: 'app',
    password: SECRET,
    database: 'app',
    query: { authSource: 'admin', ...query },
  })

const user = { name: 'app', password: SECRET }

/** There is no server to install: a scripted peer, built from the specifications, takes its part. */
export const mongodb: Subject = {
  name: 'mongodb',
  product: 'MongoDB',
  version: /^7\.0\.14$/,
  abilities: ['query', 'write', 'schema'],
  query: { yes: '{"ping":1}', no: '{"count":"nothing"}', broken: '{"nosuch":1}' },
  faces: [
    { label: 'mongodb://', tls: false, address: at => address(at), waits: 'handshake' },
    {
      label: 'mongodb:// without a password',
      tls: false,
      address: at => `mongodb://${at.host}:${at.port}`,
      waits: 'handshake',
    },
    {
      label: 'mongodb:// with tls=true',
      tls: true,
      address: at => address(at, { tls: 'true' }),
      waits: 'tls',
    },
  ],
  async start() {
    const peer = await startPeer(mongo({ user }))
    const place = { host: peer.host, port: peer.port }
    return { place, address: address(place), kill: peer.close, remove: peer.close }
  },
  spoken: 'MongoDB',
  credentials: { script: mongo({ user: { ...user, password: 'another' } }), layer: 'auth', code: '18' },
  starting: {
    script: mongo({ user, hello: member.recovering }),
    layer: 'handshake',
    code: 'NotPrimaryOrSecondary',
  },
  full: { exempt: 'mongod closes a connection beyond its limit without a word' },
  mourns: true,
  tells: {
    address: at => address(at),
    script: mongo({
      answer: name =>
        name === 'saslStart'
          ? { ...mongoErrors.auth, errmsg: `not ${SECRET}, ${encodeURIComponent(SECRET)}` }
          : undefined,
    }),
  },
  stalls: [
    {
      name: 'silent after the greeting',
      script: async connection => {
        const head = await connection.read(8)
        await connection.send(opReply(head.readInt32LE(4), { ismaster: true, maxWireVersion: 21, ok: 1 }))
        await connection.hang()
      },
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'in the middle of its greeting',
      script: greets(opReply(1, { ismaster: true, maxWireVersion: 21, ok: 1 }).subarray(0, 40)),
      address: at => address(at),
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the login',
      script: async connection => {
        await connection.readSome()
        await connection.send(opReply(1, { ismaster: true, maxWireVersion: 21, ok: 1 }))
        await connection.hang()
      },
      address: at => `mongodb://${at.host}:${at.port}`,
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
