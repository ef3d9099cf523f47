import { randomBytes } from 'node:crypto'
import { ProbeError, type Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { type Connect, connect, type MqttVersion } from '../../wire/mqtt.js'
import { MqttSession } from './session.js'

/** MQTT 3.1.1, which every broker takes, and 5 with `protocolVersion=5`. By an own client of the wire. */
export const mqtt: Service = {
  name: 'mqtt',
  abilities: ['write'],
  // Its errors are told when they are read: they have no shape that others could have.
  classify: () => undefined,
  async open(target, attempt) {
    const version = versionOf(target)
    const hello = greeting(target, version)
    const topic = topicOf(target)
    const link = await attempt.connect()
    try {
      if (target.tls.mode !== 'disable') await attempt.step('tls', () => link.startTls())
      const told = (target.password ?? target.user) !== undefined
      const session = new MqttSession(link, version, topic, attempt.signal)
      await attempt.step(target.password ? 'auth' : 'handshake', () => session.greet(hello, told))
      return session
    } catch (error) {
      link.close()
      throw error
    }
  },
}

const misuse = (message: string, advice: string): ProbeError =>
  new ProbeError({ reason: 'client-misuse', message, advice })

function versionOf({ params }: Target): MqttVersion {
  const given = params.get('protocolVersion')?.reveal() ?? '4'
  if (given === '4' || given === '5') return Number(given) as MqttVersion
  throw misuse(`protocolVersion "${given}" is not 4 or 5`, '4 is MQTT 3.1.1.')
}

/** CONNECT with an identifier that no other client has: one that is in use would throw that client out. */
function greeting({ user, password }: Target, version: MqttVersion): Uint8Array {
  if (password && !user && version === 4)
    throw misuse('MQTT 3.1.1 knows no password without a user', 'Give a user, too, or protocolVersion=5.')
  const login: Partial<Connect> = {
    ...(user ? { user } : {}),
    ...(password ? { password: password.reveal() } : {}),
  }
  try {
    // 23 letters and digits are what every broker has to take.
    return connect({ version, clientId: `hf${randomBytes(10).toString('hex')}`, ...login })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw misuse('a user or password of MQTT has at most 65535 bytes', 'Correct it where it is set.')
  }
}

function topicOf({ params }: Target): string {
  const topic = params.get('topic')?.reveal() ?? 'holdfast/probe'
  if (/^[^+#\0]{1,200}$/.test(topic)) return topic.replace(/\/$/, '')
  throw misuse(
    `topic "${topic}" is no name of a topic`,
    'It holds no + and no #, and 200 characters at most.',
  )
}
