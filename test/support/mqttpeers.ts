/** Scripts of peers that speak MQTT. */
import type { PeerConnection, Script } from './peer.js'

/** A packet of a broker: its first byte and the rest. Shorter than 128 bytes. */
export const mqttPacket = (head: number, ...body: (number | Uint8Array | string)[]): Buffer => {
  const bytes = Buffer.concat(
    body.map(part => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part as string))),
  )
  return Buffer.concat([Buffer.of(head, bytes.length), bytes])
}

export const connack = (code = 0): Buffer => mqttPacket(0x20, 0, code)
export const connack5 = (code = 0): Buffer => mqttPacket(0x20, 0, code, 0)

/** A packet of the client: its type and body. */
export async function readMqtt(connection: PeerConnection): Promise<{ type: number; body: Buffer }> {
  const head = (await connection.read(1))[0] ?? 0
  let [length, shift] = [0, 1]
  for (;;) {
    const byte = (await connection.read(1))[0] ?? 0
    length += (byte & 127) * shift
    shift *= 128
    if (byte < 128) return { type: head >> 4, body: await connection.read(length) }
  }
}

export const TYPE = { connect: 1, publish: 3, subscribe: 8, unsubscribe: 10, pingreq: 12, disconnect: 14 }

/** Answers each packet by its type; a connection and a ping as a broker does where `answer` is silent about them. */
export const mqtt =
  (answer: (type: number, body: Buffer) => Uint8Array | undefined): Script =>
  async connection => {
    for (;;) {
      const { type, body } = await readMqtt(connection)
      const usual = { [TYPE.connect]: connack(), [TYPE.pingreq]: mqttPacket(0xd0) }[type]
      const told = answer(type, body) ?? usual
      if (told) await connection.send(told)
    }
  }
