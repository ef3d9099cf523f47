/** Kafka's protocol, its four questions that a probe needs. Source: Kafka's protocol guide and its message definitions. */

export const METADATA = 3
export const SASL_HANDSHAKE = 17
export const API_VERSIONS = 18
export const SASL_AUTHENTICATE = 36

/** Larger than any answer to a probe. */
export const MAX_RESPONSE = 1 << 24

/** Correlation numbers begin with `hf`: an answer to a probe is known by them, whoever asked. */
const CORRELATION = 0x68660000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Bytes that are no answer. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
}

const int = (size: 1 | 2 | 4, value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4))
  view.setInt32(0, value)
  return new Uint8Array(view.buffer).subarray(4 - size)
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const string = (text: string): Uint8Array => {
  const bytes = encoder.encode(text)
  return joined(int(2, bytes.length), bytes)
}

/** Of a flexible version: its length plus one as a varint, which is one byte for our own short names. */
const compact = (text: string): Uint8Array => joined(int(1, text.length + 1), encoder.encode(text))

const CLIENT = string('holdfast')

/** A request with header version 1; `tagged` adds the empty tagged fields of version 2. */
function request(key: number, version: number, n: number, body: Uint8Array, tagged = false): Uint8Array {
  const fields = tagged ? Uint8Array.of(0) : new Uint8Array()
  const message = joined(int(2, key), int(2, version), int(4, CORRELATION + n), CLIENT, fields, body)
  return joined(int(4, message.length), message)
}

/** Version 3 names the program; a broker before 2.4 answers it with error 35, in version 0 (KIP-511). */
export const apiVersions = (n: number, version: 0 | 3 = 0): Uint8Array =>
  version === 0
    ? request(API_VERSIONS, 0, n, new Uint8Array())
    : request(API_VERSIONS, 3, n, joined(compact('holdfast'), compact('0'), Uint8Array.of(0)), true)

export const saslHandshake = (n: number, mechanism: string): Uint8Array =>
  request(SASL_HANDSHAKE, 1, n, string(mechanism))

export const saslAuthenticate = (n: number, data: Uint8Array): Uint8Array =>
  request(SASL_AUTHENTICATE, 0, n, joined(int(4, data.length), data))

/** Version 1 to 4. Without names it asks for all topics; only from version 4 on a name never creates its topic. */
export const metadata = (n: number, version: number, topics: readonly string[] | undefined): Uint8Array =>
  request(
    METADATA,
    version,
    n,
    joined(
      int(4, topics?.length ?? -1),
      ...(topics ?? []).map(string),
      version >= 4 ? Uint8Array.of(0) : new Uint8Array(),
    ),
  )

/** The length of what follows the first four bytes; undefined where the bytes, also fewer of them, begin no answer to request `n`. */
export function responseLength(bytes: Uint8Array, n: number): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = bytes.length >= 4 ? view.getInt32(0) : 4
  if (size < 4 || size > MAX_RESPONSE) return undefined
  const begun = int(4, CORRELATION + n)
  return begun.every((byte, i) => bytes.length <= 4 + i || bytes[4 + i] === byte) ? size : undefined
}

class Fields {
  #at = 0
  readonly #view: DataView
  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  #need(n: number): number {
    if (n < 0 || n > this.bytes.length - this.#at) throw new KafkaError(`a field of ${n} bytes`)
    const at = this.#at
    this.#at += n
    return at
  }
  int8 = (): number => this.#view.getInt8(this.#need(1))
  int16 = (): number => this.#view.getInt16(this.#need(2))
  int32 = (): number => this.#view.getInt32(this.#need(4))
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.#need(1))
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new KafkaError('a number without its end')
  }
  take(n: number): Uint8Array {
    const at = this.#need(n)
    return this.bytes.slice(at, at + n)
  }
  nullable(): string | null {
    const size = this.int16()
    return size === -1 ? null : decoder.decode(this.take(size))
  }
  string(): string {
    const text = this.nullable()
    if (text === null) throw new KafkaError('no text where there must be one')
    return text
  }
  list<T>(read: () => T, count = this.int32()): T[] {
    // Every item takes a byte at least: a count beyond the rest is none.
    if (count < 0 || count > this.bytes.length - this.#at) throw new KafkaError(`a list of ${count}`)
    return Array.from({ length: count }, read)
  }
}

export interface ApiVersions {
  readonly error: number
  /** Key of a request → the versions that are served. */
  readonly versions: ReadonlyMap<number, readonly [least: number, most: number]>
}

/** What follows an error is not read: brokers disagree about its version. */
export function readApiVersions(body: Uint8Array, version: 0 | 3): ApiVersions {
  const fields = new Fields(body)
  const error = fields.int16()
  if (error !== 0) return { error, versions: new Map() }
  const entry = () => {
    const one = [fields.int16(), [fields.int16(), fields.int16()]] as const
    if (version === 3 && fields.varint() !== 0) throw new KafkaError('tagged fields that are not known')
    return one
  }
  const entries = version === 3 ? fields.list(entry, fields.varint() - 1) : fields.list(entry)
  return { error, versions: new Map(entries) }
}

/** What a broker takes; of more the rest is not read. */
const MAX_MECHANISMS = 64

export function readSaslHandshake(body: Uint8Array): { error: number; mechanisms: string[] } {
  const fields = new Fields(body)
  return {
    error: fields.int16(),
    mechanisms: fields.list(() => fields.string(), Math.min(fields.int32(), MAX_MECHANISMS)),
  }
}

export function readSaslAuthenticate(body: Uint8Array): { error: number; message: string; data: Uint8Array } {
  const fields = new Fields(body)
  const [error, message] = [fields.int16(), fields.nullable() ?? '']
  const size = fields.int32()
  return { error, message, data: size < 0 ? new Uint8Array() : fields.take(size) }
}

export interface Broker {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface Topic {
  readonly error: number
  readonly name: string
  /** The error of each of its partitions. */
  readonly partitions: readonly number[]
}

export interface Metadata {
  readonly brokers: readonly Broker[]
  /** -1 while there is none. */
  readonly controller: number
  readonly topics: readonly Topic[]
}

export function readMetadata(body: Uint8Array, version: number): Metadata {
  const fields = new Fields(body)
  if (version >= 3) fields.int32()
  const brokers = fields.list(() => {
    const broker = { id: fields.int32(), host: fields.string(), port: fields.int32() }
    fields.nullable()
    return broker
  })
  if (version >= 2) fields.nullable()
  const controller = fields.int32()
  const topics = fields.list(() => {
    const [error, name] = [fields.int16(), fields.string()]
    fields.int8()
    const partitions = fields.list(() => {
      const problem = fields.int16()
      fields.take(8)
      for (let i = 0; i < 2; i++) fields.list(fields.int32)
      return problem
    })
    return { error, name, partitions }
  })
  return { brokers, controller, topics }
}
