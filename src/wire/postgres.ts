/** PostgreSQL's frontend/backend protocol 3.0. Source: PostgreSQL manual, chapter 55. */

export const PROTOCOL_3_0 = 196_608
export const SSL_REQUEST_CODE = 80_877_103
const CANCEL_REQUEST_CODE = 80_877_102

/** Larger than any message that a server sends to a probe; a longer one means another protocol. */
export const MAX_MESSAGE = 1 << 24

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const cstring = (text: string): Uint8Array => encoder.encode(`${text}\0`)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value)
  return bytes
}

const sized = (...parts: Uint8Array[]): Uint8Array =>
  concat(int32(4 + parts.reduce((n, part) => n + part.length, 0)), ...parts)

/** A frontend message: type byte, length, body. */
export const message = (type: string, ...parts: Uint8Array[]): Uint8Array =>
  concat(encoder.encode(type), sized(...parts))

export const sslRequest = (): Uint8Array => sized(int32(SSL_REQUEST_CODE))

/** Ends what a session is doing; the server closes the connection without an answer. Source: protocol, 54.2.8. */
export const cancelRequest = (pid: number, key: number): Uint8Array =>
  sized(int32(CANCEL_REQUEST_CODE), int32(pid), int32(key))

export const startup = (parameters: Readonly<Record<string, string>>): Uint8Array =>
  sized(int32(PROTOCOL_3_0), ...Object.entries(parameters).flat().map(cstring), new Uint8Array(1))

export const query = (text: string): Uint8Array => message('Q', cstring(text))
export const password = (text: string): Uint8Array => message('p', cstring(text))
export const saslInitial = (mechanism: string, data: string): Uint8Array => {
  const bytes = encoder.encode(data)
  return message('p', cstring(mechanism), int32(bytes.length), bytes)
}
export const saslResponse = (data: string): Uint8Array => message('p', encoder.encode(data))
export const terminate = (): Uint8Array => message('X')

/** Reads the fields of a backend message's body, never past its end. */
export class Fields {
  #at = 0
  readonly #view: DataView
  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  get left(): number {
    return this.bytes.length - this.#at
  }
  #need(n: number): number {
    if (n < 0 || n > this.left) throw new MalformedError(`a field of ${n} bytes, ${this.left} left`)
    const at = this.#at
    this.#at += n
    return at
  }
  byte(): number {
    return this.#view.getUint8(this.#need(1))
  }
  int16(): number {
    return this.#view.getInt16(this.#need(2))
  }
  int32(): number {
    return this.#view.getInt32(this.#need(4))
  }
  take(n: number): Uint8Array {
    const at = this.#need(n)
    return this.bytes.subarray(at, at + n)
  }
  cstring(): string {
    const end = this.bytes.indexOf(0, this.#at)
    if (end < 0) throw new MalformedError('a string without its end')
    const text = decode(this.bytes.subarray(this.#at, end))
    this.#at = end + 1
    return text
  }
  rest(): Uint8Array {
    return this.take(this.left)
  }
}

export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)

/** A message that the protocol does not allow. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

/** The fields of an ErrorResponse or NoticeResponse that holdfast uses, under the names that `pg` gives them. */
export interface ServerMessage {
  readonly severity?: string
  readonly code?: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  readonly routine?: string
}

const FIELD: Readonly<Record<string, keyof ServerMessage>> = {
  C: 'code',
  M: 'message',
  D: 'detail',
  H: 'hint',
  R: 'routine',
}

export function serverMessage(body: Uint8Array): ServerMessage {
  const fields = new Fields(body)
  const found: { -readonly [K in keyof ServerMessage]: ServerMessage[K] } = { message: '' }
  while (fields.left > 0) {
    const type = fields.byte()
    if (type === 0) break
    const name = String.fromCharCode(type)
    const text = fields.cstring()
    // V is the severity that is never translated; S comes first and is.
    if (name === 'V' || (name === 'S' && !found.severity)) found.severity = text
    const field = FIELD[name]
    if (field) found[field] = text
  }
  return found
}

export function dataRow(body: Uint8Array): (string | null)[] {
  const fields = new Fields(body)
  return Array.from({ length: fields.int16() }, () => {
    const size = fields.int32()
    return size === -1 ? null : decode(fields.take(size))
  })
}
