import { startMosquitto } from '../support/mosquitto.js'
import { connack, mqtt as peer, readMqtt, TYPE } from '../support/mqttpeers.js'
import { answers, greets } from '../support/peers.js'
import { buildUrl } from '../support/url.js'
import { SECRET } from './probing.js'
import type { Place, Subject } from './subject.js'

const address = (at: Place, scheme = 'mqtt') => buildUrl({ scheme, ...at, user: 'app', password: SECRET })

export const mqtt: Subject = {
  name: 'mqtt',
  product: 'Mosquitto',
  version: /^2\.\d+\.\d+/,
  abilities: ['write'],
  faces: [
    { label: 'mqtt://', tls: false, address: at => address(at), waits: 'auth' },
    {
      label: 'mqtt:// without a password',
      tls: false,
      address: at => `mqtt://${at.host}:${at.port}`,
      waits: 'handshake',
    },
    { label: 'mqtts://', tls: true, address: at => address(at, 'mqtts'), waits: 'tls' },
  ],
  async start() {
    const server = await startMosquitto({ users: { app: SECRET } })
    const { host, port, kill, remove } = server
    return { place: { host, port }, address: address({ host, port }), kill, remove }
  },
  spoken: 'MQTT',
  credentials: { script: answers(connack(4)), layer: 'auth', code: '4' },
  starting: { script: answers(connack(3)), layer: 'auth', code: '3' },
  full: { script: answers(connack(0x97)), layer: 'auth', code: '151' },
  mourns: true,
  tells: { exempt: 'a broker answers with numbers: it has no words to repeat a password in' },
  stalls: [
    {
      name: 'in the middle of its first packet',
      script: greets(connack().subarray(0, 3)),
      address: at => address(at),
      layer: 'auth',
      reason: 'connect-timeout',
    },
    {
      name: 'silent after the login',
      script: async connection => {
        await readMqtt(connection)
        await connection.send(connack())
        await connection.hang()
      },
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
    {
      name: 'with a packet that is longer than what comes',
      script: peer(type => (type === TYPE.pingreq ? Buffer.of(0x30, 100, 0) : undefined)),
      address: at => address(at),
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
