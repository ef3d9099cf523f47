import { kafkaResponse, kafka as peer } from '../support/kafkapeer.js'
import { type Peer, type Script, startPeer } from '../support/peer.js'
import { greets } from '../support/peers.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, scheme = 'kafka') => buildUrl({ scheme, ...at, user: 'app', password: SECRET })
const bare = (at: Place) => `kafka://${at.host}:${at.port}`

const user = { name: 'app', password: SECRET }

/** The first answer to a probe, in version 3: no error, Metadata 0 to 4. */
const greeting = kafkaResponse(0x68660001, Buffer.from('000002000300000004000000000000', 'hex'))

const greetsAndHangs: Script = async connection => {
  await connection.readSome()
  await connection.send(greeting)
  await connection.hang()
}

/**
 * There is no package of Kafka: a scripted broker takes its part. librdkafka's mock cluster, in the integration tests, has
 * room for five connections that wait to be accepted, too few for this suite.
 */
export const kafka: Subject = {
  name: 'kafka',
  product: 'Kafka',
  version: undefined,
  abilities: ['schema'],
  faces: [
    { label: 'kafka://', tls: false, address: at => address(at), waits: 'handshake' },
    { label: 'kafka:// without a password', tls: false, address: bare, waits: 'handshake' },
    { label: 'kafka+ssl://', tls: true, address: at => address(at, 'kafka+ssl'), waits: 'tls' },
  ],
  async start() {
    let started: Peer | undefined
    started = await startPeer(peer({}, () => started as Peer))
    const place = { host: started.host, port: started.port }
    return { place, address: bare(place), kill: started.close, remove: started.close }
  },
  spoken: 'Kafka',
  credentials: { script: peer({ user: { ...user, password: 'another' } }), layer: 'auth', code: '58' },
  starting: { exempt: 'a broker says so only to a session that is logged in; see the integration tests' },
  full: { exempt: 'a broker beyond max.connections closes without a word' },
  mourns: true,
  tells: {
    address: at => address(at),
    script: peer({
      user: { ...user, password: 'another' },
      rejection: `not ${SECRET}, nor ${encodeURIComponent(SECRET)}`,
    }),
  },
  stalls: [
    {
      name: 'in the middle of its greeting',
      script: greets(greeting.subarray(0, 12)),
      address: bare,
      layer: 'handshake',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the greeting',
      script: greetsAndHangs,
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent to the first question',
      script: greetsAndHangs,
      address: bare,
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
