/** MQTT 3.1.1 and 5. Source: OASIS, "MQTT Version 3.1.1" and "MQTT Version 5.0". */

/** What a parser reads from: a link, or bytes in a test. */
export interface MqttSource {
  read(n: number): Promise<Uint8Array>
}

/** The protocol level of CONNECT: 4 is 3.1.1. */
export type MqttVersion = 4 | 5

export type MqttPacket =
  | { readonly type: 'CONNACK'; readonly code: number }
  | { readonly type: 'SUBACK'; readonly id: number; readonly codes: readonly number[] }
  | { readonly type: 'PUBACK'; readonly id: number; readonly code: number }
  | {
      readonly type: 'PUBLISH'
      readonly topic: string
      readonly payload: string
      /** To be acknowledged where the quality of service is 1. */
      readonly id?: number
    }
  | { readonly type: 'DISCONNECT'; readonly code: number }
  | { readonly type: 'PINGRESP' | 'UNSUBACK' | 'AUTH' }

/** Bytes that are no packet of a broker. */
export class MqttSyntaxError extends Error {
  override readonly name = 'MqttSyntaxError'
}

const MAX_PACKET = 1 << 20

/** A length of up to four bytes, seven bits each. */
function varint(n: number): number[] {
  const bytes: number[] = []
  let left = n
  do {
    const more = left > 127
    bytes.push((left % 128) | (more ? 128 : 0))
    left = Math.floor(left / 128)
  } while (left > 0)
  return bytes
}

const packet = (head: number, ...parts: (readonly number[] | Uint8Array)[]): Uint8Array => {
  const body = parts.flatMap(part => [...part])
  return Uint8Array.from([head, ...varint(body.length), ...body])
}

const uint16 = (n: number): number[] => [n >> 8, n & 255]

/** A string has two bytes of length: what is longer is no name of anything. */
function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value)
  if (bytes.length > 65_535) throw new RangeError('a string of MQTT has at most 65535 bytes')
  return [...uint16(bytes.length), ...bytes]
}

/** Version 5 has properties in most packets; none is needed. */
const properties = (version: MqttVersion): number[] => (version === 5 ? [0] : [])

export interface Connect {
  readonly version: MqttVersion
  readonly clientId: string
  readonly user?: string
  readonly password?: string
}

/** A clean session, without a will, and without a limit of silence. Version 3.1.1 knows no password without a user. */
export function connect({ version, clientId, user, password }: Connect): Uint8Array {
  const flags = 2 | (user === undefined ? 0 : 128) | (password === undefined ? 0 : 64)
  const login = [user, password].filter(value => value !== undefined).flatMap(text)
  return packet(0x10, text('MQTT'), [version, flags], uint16(0), properties(version), text(clientId), login)
}

export const subscribe = (
  version: MqttVersion,
  id: number,
  topics: readonly string[],
  qos: 0 | 1,
): Uint8Array =>
  packet(
    0x82,
    uint16(id),
    properties(version),
    topics.flatMap(topic => [...text(topic), qos]),
  )

export const unsubscribe = (version: MqttVersion, id: number, topics: readonly string[]): Uint8Array =>
  packet(0xa2, uint16(id), properties(version), topics.flatMap(text))

/** Quality of service 1, not to be kept. */
export const publish = (version: MqttVersion, id: number, topic: string, payload: string): Uint8Array =>
  packet(0x32, text(topic), uint16(id), properties(version), new TextEncoder().encode(payload))

export const puback = (id: number): Uint8Array => packet(0x40, uint16(id))
export const pingreq = (): Uint8Array => packet(0xc0)
/** Without it the broker takes the client for lost. */
export const disconnect = (): Uint8Array => packet(0xe0)

/** True for what a CONNACK begins with, even where more is on the way. */
export function beginsConnack(first: Uint8Array): boolean {
  const [head, length = 2, flags = 0, code = 0] = first
  return head === 0x20 && length >= 2 && flags <= 1 && (code <= 5 || code >= 128)
}

/** Reads one packet of a broker that was greeted in this version. */
export async function readPacket(source: MqttSource, version: MqttVersion): Promise<MqttPacket> {
  const head = (await source.read(1))[0] ?? 0
  const body = new Body(await source.read(await length(source)))
  const [type, flags] = [head >> 4, head & 15]
  if (type !== 3 && flags !== 0) throw new MqttSyntaxError('flags that are reserved')
  switch (type) {
    case 2:
      // A broker that knows 3.1.1 alone refuses version 5 in its own words.
      body.skip(1)
      return { type: 'CONNACK', code: body.byte() }
    case 3:
      return message(body, flags, version)
    case 4:
      return { type: 'PUBACK', id: body.uint16(), code: body.left > 0 ? body.byte() : 0 }
    case 9: {
      const id = body.uint16()
      if (version === 5) body.skip(body.varint())
      return { type: 'SUBACK', id, codes: [...body.rest()] }
    }
    case 11:
      return { type: 'UNSUBACK' }
    case 13:
      return { type: 'PINGRESP' }
    case 14:
      return { type: 'DISCONNECT', code: body.left > 0 ? body.byte() : 0 }
    case 15:
      return { type: 'AUTH' }
    default:
      throw new MqttSyntaxError(`a packet of type ${type}, which no broker sends`)
  }
}

function message(body: Body, flags: number, version: MqttVersion): MqttPacket {
  const qos = (flags >> 1) & 3
  if (qos > 1) throw new MqttSyntaxError('a quality of service that was not asked for')
  const topic = new TextDecoder().decode(body.take(body.uint16()))
  const id = qos === 1 ? body.uint16() : undefined
  if (version === 5) body.skip(body.varint())
  const payload = new TextDecoder().decode(body.rest())
  return { type: 'PUBLISH', topic, payload, ...(id === undefined ? {} : { id }) }
}

async function length(source: MqttSource): Promise<number> {
  let n = 0
  for (let shift = 1; shift <= 128 ** 3; shift *= 128) {
    const byte = (await source.read(1))[0] ?? 0
    n += (byte & 127) * shift
    if (byte < 128) {
      if (n > MAX_PACKET) throw new MqttSyntaxError(`a length of ${n}`)
      return n
    }
  }
  throw new MqttSyntaxError('a length without an end')
}

/** The fields of a packet in their order. */
class Body {
  #at = 0
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(n: number): Uint8Array {
    if (n > this.left) throw new MqttSyntaxError('a packet that is too short')
    this.#at += n
    return this.#bytes.subarray(this.#at - n, this.#at)
  }

  skip(n: number): void {
    this.take(n)
  }

  byte(): number {
    return this.take(1)[0] ?? 0
  }

  uint16(): number {
    return this.byte() * 256 + this.byte()
  }

  varint(): number {
    let n = 0
    for (let shift = 1; shift <= 128 ** 3; shift *= 128) {
      const byte = this.byte()
      n += (byte & 127) * shift
      if (byte < 128) return n
    }
    throw new MqttSyntaxError('a length without an end')
  }

  rest(): Uint8Array {
    return this.take(this.left)
  }
}
