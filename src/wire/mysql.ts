/**
 * The client/server protocol of MySQL and MariaDB, version 10. Source: MySQL's "Client/Server Protocol" in its
 * source documentation, MariaDB's knowledge base, "Client/Server Protocol".
 */

/** A payload of this size goes on in another packet: none that a probe reads is so long. */
export const MAX_PAYLOAD = 0xffffff

/** What is kept of any packet but a row, in bytes: a login's longest is a public key. */
export const MAX_MESSAGE = 1 << 16

/** What is kept of an error's text, in bytes. A server's own are 512 at most. */
const MAX_ERROR = 4096

/** Longer than any greeting; what announces more speaks another protocol. */
export const MAX_GREETING = 4096

/** Capability flags, of both sides. */
export const CAN = {
  LONG_PASSWORD: 1 << 0,
  LONG_FLAG: 1 << 2,
  CONNECT_WITH_DB: 1 << 3,
  PROTOCOL_41: 1 << 9,
  SSL: 1 << 11,
  TRANSACTIONS: 1 << 13,
  SECURE_CONNECTION: 1 << 15,
  MULTI_RESULTS: 1 << 17,
  PLUGIN_AUTH: 1 << 19,
  CONNECT_ATTRS: 1 << 20,
  PLUGIN_AUTH_LENENC: 1 << 21,
  DEPRECATE_EOF: 1 << 24,
} as const

const MORE_RESULTS = 1 << 3

/** utf8mb4_general_ci, which every server since 5.5 knows. */
const UTF8MB4 = 45

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const utf8 = (text: string): Uint8Array => encoder.encode(text)
export const cstring = (text: string): Uint8Array => encoder.encode(`${text}\0`)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const little = (value: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff)

/** Length, sequence number, payload. */
export function packet(sequence: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const payload = concat(...parts)
  if (payload.length >= MAX_PAYLOAD) throw new RangeError(`a packet of ${payload.length} bytes`)
  return concat(little(payload.length, 3), Uint8Array.of(sequence & 0xff), payload)
}

export const header = (bytes: Uint8Array): { size: number; sequence: number } => ({
  size: (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16),
  sequence: bytes[3] ?? 0,
})

const sized = (bytes: Uint8Array): Uint8Array => {
  const { length } = bytes
  if (length < 251) return concat(Uint8Array.of(length), bytes)
  return concat(Uint8Array.of(0xfc), little(length, 2), bytes)
}

/** What comes is not what the protocol allows. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

/** Reads the fields of a payload, never past its end. */
export class Fields {
  #at = 0
  constructor(readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.#at
  }

  take(n: number): Uint8Array {
    if (n < 0 || n > this.left) throw new MalformedError(`a field of ${n} bytes, ${this.left} left`)
    this.#at += n
    return this.bytes.subarray(this.#at - n, this.#at)
  }

  int(size: number): number {
    return this.take(size).reduceRight((value, byte) => value * 256 + byte, 0)
  }

  /** A length-encoded integer, or null for NULL. Source: "Protocol::LengthEncodedInteger". */
  lenenc(): number | null {
    const first = this.int(1)
    if (first < 0xfb) return first
    if (first === 0xfb) return null
    const size = { 252: 2, 253: 3, 254: 8 }[first]
    if (!size) throw new MalformedError('a length that begins with 255')
    return this.int(size)
  }

  /** Up to a zero byte, or to the end where there is none. */
  cstring(): string {
    const end = this.bytes.indexOf(0, this.#at)
    const text = this.take((end < 0 ? this.bytes.length : end) - this.#at)
    if (end >= 0) this.#at++
    return decode(text)
  }

  rest(): Uint8Array {
    return this.take(this.left)
  }
}

export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)

export interface Greeting {
  /** As it is sent, "5.5.5-10.11.6-MariaDB-0+deb12u1". */
  readonly version: string
  /** The number of the connection, modulo 2³². */
  readonly thread: number
  readonly capabilities: number
  /** What a scramble is made with: 20 bytes, and a zero byte that is no part of them. */
  readonly nonce: Uint8Array
  /** '' where the server knows no plugins. */
  readonly plugin: string
}

/** Source: "Protocol::HandshakeV10". */
export function greeting(payload: Uint8Array): Greeting {
  const fields = new Fields(payload)
  const protocol = fields.int(1)
  if (protocol !== 10) throw new MalformedError(`handshake ${protocol} instead of 10`)
  const end = payload.indexOf(0, 1)
  if (end < 0) throw new MalformedError('a version without its end')
  const version = fields.cstring()
  const thread = fields.int(4)
  const first = fields.take(8)
  fields.take(1)
  const low = fields.int(2)
  if (fields.left === 0) return { version, thread, capabilities: low, nonce: first, plugin: '' }
  fields.take(3)
  const capabilities = (low | (fields.int(2) << 16)) >>> 0
  const length = fields.int(1)
  fields.take(10)
  const second = fields.take(Math.min(fields.left, Math.max(13, length - 8)))
  const plugin = capabilities & CAN.PLUGIN_AUTH ? fields.cstring() : ''
  return { version, thread, capabilities, nonce: concat(first, second), plugin }
}

const opening = (capabilities: number): Uint8Array =>
  concat(little(capabilities, 4), little(MAX_PAYLOAD, 4), Uint8Array.of(UTF8MB4), new Uint8Array(23))

/** Asks for TLS, in place of the login that then follows under it. */
export const sslRequest = (sequence: number, capabilities: number): Uint8Array =>
  packet(sequence, opening(capabilities | CAN.SSL))

export interface Login {
  readonly capabilities: number
  readonly user: string
  readonly proof: Uint8Array
  readonly database: string | undefined
  readonly plugin: string
  readonly attributes: Readonly<Record<string, string>>
}

/** Source: "Protocol::HandshakeResponse41". */
export function login(sequence: number, it: Login): Uint8Array {
  const can = it.capabilities
  const attributes = concat(
    ...Object.entries(it.attributes)
      .flat()
      .map(text => sized(utf8(text))),
  )
  return packet(
    sequence,
    opening(can),
    cstring(it.user),
    can & CAN.PLUGIN_AUTH_LENENC ? sized(it.proof) : concat(Uint8Array.of(it.proof.length), it.proof),
    can & CAN.CONNECT_WITH_DB ? cstring(it.database ?? '') : new Uint8Array(),
    can & CAN.PLUGIN_AUTH ? cstring(it.plugin) : new Uint8Array(),
    can & CAN.CONNECT_ATTRS ? sized(attributes) : new Uint8Array(),
  )
}

export const quit = (): Uint8Array => packet(0, Uint8Array.of(0x01))
export const query = (text: string): Uint8Array => packet(0, Uint8Array.of(0x03), utf8(text))

export interface ServerError {
  readonly errno: number
  /** '' before the handshake. */
  readonly state: string
  readonly message: string
}

/** Source: "ERR_Packet". Reads the first 4 kB of the text. */
export function serverError(payload: Uint8Array): ServerError {
  const fields = new Fields(payload)
  fields.take(1)
  const errno = fields.int(2)
  const bytes = fields.take(Math.min(fields.left, MAX_ERROR))
  let end = bytes.length
  while (bytes[end - 1] === 0) end--
  const text = decode(bytes.subarray(0, end))
  const state = /^#([0-9A-Z]{5})/.exec(text)?.[1] ?? ''
  return { errno, state, message: state ? text.slice(6) : text }
}

export const isError = (payload: Uint8Array): boolean => payload[0] === 0xff && payload.length >= 3
export const isOk = (payload: Uint8Array): boolean => payload[0] === 0x00

/** The end of columns, or of rows: an EOF packet, or with DEPRECATE_EOF an OK packet that begins with 0xfe. */
export const isEnd = (payload: Uint8Array): boolean => payload[0] === 0xfe

/** Whether another result follows an OK or the end of rows. */
export function hasMore(payload: Uint8Array, capabilities: number): boolean {
  const fields = new Fields(payload)
  const first = fields.int(1)
  if (first === 0xfe && !(capabilities & CAN.DEPRECATE_EOF)) {
    fields.take(2)
  } else {
    fields.lenenc()
    fields.lenenc()
  }
  return (fields.int(2) & MORE_RESULTS) !== 0
}

/** More columns than a table can have: 4096 with MySQL. */
const MAX_COLUMNS = 4096

/** How many columns a result has that begins with this payload. */
export function columnCount(payload: Uint8Array): number {
  const fields = new Fields(payload)
  const count = fields.lenenc()
  if (!count || count > MAX_COLUMNS || fields.left > 0)
    throw new MalformedError(`a result of ${count} columns`)
  return count
}

/** A row of the text protocol. Of one that is `cut` off the values that are there, the last of them perhaps cut, too. */
export function textRow(payload: Uint8Array, columns: number, cut = false): (string | null)[] {
  const fields = new Fields(payload)
  const row: (string | null)[] = []
  // The longest number of a length takes 9 bytes.
  while (row.length < columns && !(cut && fields.left < 9)) {
    const size = fields.lenenc()
    row.push(size === null ? null : decode(fields.take(cut ? Math.min(size, fields.left) : size)))
  }
  return row
}
